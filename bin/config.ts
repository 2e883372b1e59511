/**
 * Settings: one schema over the environment, read here and nowhere else. Modes other than lab refuse to start until
 * everything durable is configured, and name all that is missing at once.
 */
import { resolve } from 'node:path'
import { z } from 'zod'

const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'])
    .default(fallback ? 'true' : 'false')
    .transform((word) => word === 'true')

const schema = z.object({
  EXO_HOME: z
    .string()
    .default('.exo')
    .transform((path) => resolve(path)),
  EXO_MODE: z.enum(['lab', 'saas', 'enterprise']).default('lab'),
  EXO_ENV: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/)
    .default('dev'),
  EXO_DEPLOYMENT: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/)
    .optional(),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  EXO_HOST: z.string().default('127.0.0.1'),
  EXO_ADDRESS_LIMIT: z.coerce.number().int().min(1).default(600),
  /** A JSON list, or the path of a file that holds one: see bin/issuers.ts. */
  EXO_OIDC_ISSUERS: z.string().optional(),
  /** Where secrets of targets lie, as `<tenant>/<host>/<name>`; `secrets` in EXO_HOME unless given. */
  EXO_SECRETS_DIR: z.string().optional(),
  /** A JSON list, or the path of a file that holds one: see bin/reviewers.ts. */
  EXO_REVIEWERS: z.string().optional(),
  EXO_FAST_PATH: flag(true),
  EXO_EAGER_START: flag(true),
  EXO_TASK_QUEUE: z
    .string()
    .regex(/^[a-z0-9-]{1,60}$/)
    .default('exoarmur'),
  EXO_MAX_CACHED_WORKFLOWS: z.coerce.number().int().min(0).max(100_000).default(400),
  EXO_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
})

export type Config = z.infer<typeof schema>

/** Every setting that the checkout's own processes read. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const known = Object.fromEntries(
    Object.keys(schema.shape).map((key) => [key, env[key] === '' ? undefined : env[key]]),
  )
  const parsed = schema.safeParse(known)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`the configuration is not valid:\n${lines.join('\n')}`)
}

const DURABLE = [
  'EXO_DEPLOYMENT',
  'EXO_DATABASE_URL',
  'EXO_DATABASE_URL_APP',
  'EXO_DATABASE_URL_GUARD',
  'EXO_DATABASE_URL_CONTROL',
  'EXO_DATABASE_URL_SEQUENCER',
  'EXO_DATABASE_URL_STOP',
  'EXO_DATABASE_URL_AUDITOR',
  'EXO_TEMPORAL_ADDRESS',
  'EXO_S3_ENDPOINT',
  'EXO_S3_ACCESS_KEY_ID',
  'EXO_S3_SECRET_ACCESS_KEY',
  'EXO_KEY_PROPOSAL',
  'EXO_KEY_ATTEST',
  'EXO_KEY_RECEIPT',
  'EXO_KEY_SEAL',
  'EXO_KEY_CHECKPOINT',
  'EXO_KEY_PUBLIC',
  'EXO_KEY_CREDENTIALS',
  'EXO_OIDC_ISSUERS',
] as const

/** What a mode other than lab still lacks, by name. */
export function missingForMode(config: Config, env: NodeJS.ProcessEnv): string[] {
  return config.EXO_MODE === 'lab' ? [] : DURABLE.filter((name) => env[name] === undefined || env[name] === '')
}
