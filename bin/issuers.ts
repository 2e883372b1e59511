/**
 * `EXO_OIDC_ISSUERS`: the issuers whose access tokens are taken, as a JSON list or the path of a file that holds one.
 * Read once, at the start; key sets are read again by themselves. Absent or empty, every token is refused.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { ASYMMETRIC_ALGORITHMS } from '../stores/oidc/compact-jws.ts'
import type { Issuer } from '../stores/oidc/token-reader.ts'

const SKEW_MAX_SECONDS = 60
const AGE_MAX_SECONDS = 86_400

const jwks = z.union([
  z.strictObject({
    file: z
      .string()
      .min(1)
      .transform((path) => resolve(path)),
  }),
  z.strictObject({ url: z.url() }),
  z.strictObject({ keys: z.array(z.record(z.string(), z.any())).min(1).max(100) }),
])

const issuer = z
  .strictObject({
    issuer: z.url().max(255),
    audience: z.string().min(1).max(255),
    algorithms: z.array(z.enum(ASYMMETRIC_ALGORITHMS)).min(1),
    jwks: jwks.optional(),
    jwks_uri: z.url().optional(),
    typ: z.literal('at+jwt').default('at+jwt'),
    subject_claim: z.literal('sub').default('sub'),
    max_age_seconds: z.int().min(1).max(AGE_MAX_SECONDS).default(AGE_MAX_SECONDS),
    skew_seconds: z.int().min(0).max(SKEW_MAX_SECONDS).default(5),
  })
  .refine((row) => (row.jwks === undefined) !== (row.jwks_uri === undefined), 'either jwks or jwks_uri is due')
  .transform(
    ({ jwks, jwks_uri, issuer, audience, algorithms, max_age_seconds, skew_seconds }): Issuer => ({
      issuer,
      audience,
      algorithms,
      max_age_seconds,
      skew_seconds,
      jwks: jwks ?? { url: jwks_uri ?? '' },
    }),
  )

const list = z
  .array(issuer)
  .max(50)
  .refine((rows) => new Set(rows.map((row) => row.issuer)).size === rows.length, 'an issuer stands twice')

/** Throws with everything that is wrong with the setting. Plain HTTP is for lab. */
export async function readIssuers(setting: string | undefined, mode: 'lab' | 'saas' | 'enterprise'): Promise<Issuer[]> {
  if (setting === undefined || setting.trim() === '') return []
  const text = setting.trim().startsWith('[') ? setting : await readFile(resolve(setting), 'utf8')
  const parsed = list.safeParse(JSON.parse(text))
  if (!parsed.success)
    throw new Error(
      `EXO_OIDC_ISSUERS is not valid:\n${parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`).join('\n')}`,
    )
  const plain = parsed.data.flatMap((row) => ('url' in row.jwks ? [row.issuer, row.jwks.url] : [row.issuer]))
  const insecure = plain.filter((address) => !address.startsWith('https://'))
  if (mode !== 'lab' && insecure.length > 0)
    throw new Error(`EXO_OIDC_ISSUERS: only https outside lab, not ${insecure.join(', ')}`)
  return parsed.data
}
