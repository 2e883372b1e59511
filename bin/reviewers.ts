/**
 * `EXO_REVIEWERS`: models that give opinions on three-wise questions, as a JSON list or the path of a file that holds one.
 * Each speaks for a principal, at an endpoint that the deployment names, with a key that is named and not written here. A
 * file is read again for each question. Absent or empty, no model gives an opinion.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { ModelReviewer } from '../domain/reviewing.ts'

const reviewer = z.strictObject({
  principal_id: z.string().regex(/^p_[a-z0-9_-]{1,60}$/),
  /** Of chat completions, in full. */
  url: z.url({ protocol: /^https?$/ }).max(2048),
  model: z.string().min(1).max(200),
  api_key: z
    .union([z.strictObject({ env: z.string().min(1).max(200) }), z.strictObject({ file: z.string().min(1).max(1000) })])
    .optional(),
  timeout_seconds: z.number().min(0.1).max(120).default(60),
})

const list = z
  .array(reviewer)
  .max(20)
  .refine((rows) => new Set(rows.map((row) => row.principal_id)).size === rows.length, 'a principal stands twice')

/** Throws at once with everything that is wrong with the setting; answers how to read it when needed, or null without one. */
export async function openReviewers(
  setting: string | undefined,
  mode: 'lab' | 'saas' | 'enterprise',
  env: NodeJS.ProcessEnv,
): Promise<(() => Promise<ModelReviewer[]>) | null> {
  if (setting === undefined || setting.trim() === '') return null
  const read = () => readReviewers(setting, mode, env)
  await read()
  return read
}

async function readReviewers(
  setting: string,
  mode: 'lab' | 'saas' | 'enterprise',
  env: NodeJS.ProcessEnv,
): Promise<ModelReviewer[]> {
  const text = setting.trim().startsWith('[') ? setting : await readFile(resolve(setting), 'utf8')
  const parsed = list.safeParse(JSON.parse(text))
  if (!parsed.success)
    throw new Error(
      `EXO_REVIEWERS is not valid:\n${parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`).join('\n')}`,
    )
  const insecure = parsed.data.filter(({ url }) => !url.startsWith('https://')).map(({ url }) => url)
  if (mode !== 'lab' && insecure.length > 0)
    throw new Error(`EXO_REVIEWERS: only https outside lab, not ${insecure.join(', ')}`)
  return await Promise.all(
    parsed.data.map(async ({ principal_id, url, model, api_key, timeout_seconds }) => ({
      principal_id,
      url,
      model,
      api_key: api_key === undefined ? null : await keyOf(api_key, env),
      timeoutMs: timeout_seconds * 1000,
    })),
  )
}

async function keyOf(named: { env: string } | { file: string }, env: NodeJS.ProcessEnv): Promise<string> {
  const key = 'env' in named ? env[named.env] : await readFile(resolve(named.file), 'utf8')
  if (key === undefined || key.trim() === '')
    throw new Error(`EXO_REVIEWERS: the key in ${JSON.stringify(named)} is empty`)
  return key.trim()
}
