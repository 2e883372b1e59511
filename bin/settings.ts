/**
 * Every setting there is, as one table: what the processes read, what `exo config --explain` prints, what docs/settings.md
 * says, and which names the environment may hold. A name that begins with `EXO_` and is not here is a mistake, and is
 * refused: a misspelt setting would otherwise leave its default standing.
 */
import { resolve } from 'node:path'
import { z } from 'zod'

/** Who reads it: our processes, the parts they run against, the command line, or tests and tools. */
export type Reader = 'process' | 'backend' | 'key' | 'command line' | 'test'

interface Setting {
  reader: Reader
  meaning: string
  /** What a value is checked by, and its default; only for those that every process reads. */
  parse?: z.ZodType
  /** What holds when it is absent, where no schema says so. */
  otherwise?: string
  /** Its value is shown to nobody. */
  secret?: true
  /** Outside lab nothing starts without it. */
  durable?: true
}

const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'])
    .default(fallback ? 'true' : 'false')
    .transform((word) => word === 'true')

const role = (name: string, what: string) =>
  ({
    reader: 'backend',
    meaning: `Address of the database for role ${name}: ${what}.`,
    secret: true,
    durable: true,
  }) as const
const key = (what: string) =>
  ({
    reader: 'key',
    meaning: `File of the key that ${what}.`,
    durable: true,
    otherwise: 'in lab, a file in `EXO_HOME`',
  }) as const

export const SETTINGS = {
  EXO_HOME: {
    reader: 'process',
    meaning: 'Where state lies: keys, credentials of the lab, data of the embedded stack.',
    parse: z
      .string()
      .default('.exo')
      .transform((path) => resolve(path)),
  },
  EXO_MODE: {
    reader: 'process',
    meaning: 'The mode of the deployment, which mutations must name: lab, saas or enterprise.',
    parse: z.enum(['lab', 'saas', 'enterprise']).default('lab'),
  },
  EXO_ENV: {
    reader: 'process',
    meaning: 'The environment in intents and object keys.',
    parse: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/)
      .default('dev'),
    durable: true,
  },
  EXO_DEPLOYMENT: {
    reader: 'process',
    meaning: 'The name of the deployment, for ever.',
    parse: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/)
      .optional(),
    otherwise: 'made at the first start, kept in `EXO_HOME`',
    durable: true,
  },
  PORT: {
    reader: 'process',
    meaning: 'The port of the API; 0 takes a free one.',
    parse: z.coerce.number().int().min(0).max(65_535).default(8080),
  },
  EXO_HOST: { reader: 'process', meaning: 'The address the API listens on.', parse: z.string().default('127.0.0.1') },
  EXO_ADDRESS_LIMIT: {
    reader: 'process',
    meaning: 'Missing and refused credentials an address may send in a minute.',
    parse: z.coerce.number().int().min(1).default(600),
  },
  EXO_OIDC_ISSUERS: {
    reader: 'process',
    meaning: 'Issuers whose access tokens are taken: a JSON list, or the file of one.',
    parse: z.string().optional(),
    otherwise: 'none: every access token is refused',
    durable: true,
  },
  EXO_SECRETS_DIR: {
    reader: 'process',
    meaning: 'Where secrets of targets lie, as `<tenant>/<host>/<name>`.',
    parse: z.string().optional(),
    otherwise: '`secrets` in `EXO_HOME`',
  },
  EXO_REVIEWERS: {
    reader: 'process',
    meaning: 'Models that review three-wise questions: a JSON list, or the file of one.',
    parse: z.string().optional(),
    otherwise: 'none: only people review',
  },
  EXO_FAST_PATH: {
    reader: 'process',
    meaning: 'Whether effects inside the database may end in the first step of a run.',
    parse: flag(true),
  },
  EXO_EAGER_START: {
    reader: 'process',
    meaning: 'Whether a worker in the same process takes the first task of a run it starts.',
    parse: flag(true),
  },
  EXO_TASK_QUEUE: {
    reader: 'process',
    meaning: 'The task queue of Temporal.',
    parse: z
      .string()
      .regex(/^[a-z0-9-]{1,60}$/)
      .default('exoarmur'),
  },
  EXO_MAX_CACHED_WORKFLOWS: {
    reader: 'process',
    meaning: 'Open runs a worker keeps in memory.',
    parse: z.coerce.number().int().min(0).max(100_000).default(400),
  },
  EXO_LOG_LEVEL: {
    reader: 'process',
    meaning: 'What the log on standard error tells: debug, info, warn, error or silent.',
    parse: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
  },

  EXO_DATABASE_URL: role('owner', 'migrations and the first rows, and no running process'),
  EXO_DATABASE_URL_APP: role('app', 'opens operations, writes records, reads'),
  EXO_DATABASE_URL_GUARD: role('guard', 'reads facts, claims, ends operations'),
  EXO_DATABASE_URL_CONTROL: role('control', 'the same for what governs'),
  EXO_DATABASE_URL_SEQUENCER: role('sequencer', 'gives leaves their places'),
  EXO_DATABASE_URL_STOP: role('stop', 'can only stop'),
  EXO_DATABASE_URL_AUDITOR: role('auditor', 'reads the log'),
  EXO_TEMPORAL_ADDRESS: {
    reader: 'backend',
    meaning: 'Host and port of Temporal.',
    otherwise: 'the embedded one',
    durable: true,
  },
  EXO_TEMPORAL_NAMESPACE: { reader: 'backend', meaning: 'The namespace of Temporal.', otherwise: 'exoarmur' },
  EXO_TEMPORAL_HTTP: { reader: 'backend', meaning: 'Where Temporal answers HTTP, if it does.', otherwise: 'unknown' },
  EXO_TEMPORAL_UI: { reader: 'backend', meaning: 'Where the Temporal UI is, if there is one.', otherwise: 'unknown' },
  EXO_S3_ENDPOINT: { reader: 'backend', meaning: 'The object store.', otherwise: 'the embedded one', durable: true },
  EXO_S3_REGION: { reader: 'backend', meaning: 'Its region.', otherwise: 'us-east-1' },
  EXO_S3_BUCKET: { reader: 'backend', meaning: 'The bucket.', otherwise: 'exoarmur', durable: true },
  EXO_S3_ACCESS_KEY_ID: { reader: 'backend', meaning: 'The key of the object store.', secret: true, durable: true },
  EXO_S3_SECRET_ACCESS_KEY: { reader: 'backend', meaning: 'Its secret.', secret: true, durable: true },
  EXO_SUPERUSER_URL: {
    reader: 'backend',
    meaning: 'A superuser of the database, for `bin/stack/prepare.ts`, once.',
    secret: true,
  },

  EXO_KEY_PROPOSAL: key('signs proposals; the API reads it'),
  EXO_KEY_ATTEST: key('signs votes of people without one; the API reads it'),
  EXO_KEY_RECEIPT: key('signs receipts; the worker reads it'),
  EXO_KEY_SEAL: key('signs seals; the worker reads it'),
  EXO_KEY_CHECKPOINT: key('signs the log; the sequencer reads it'),
  EXO_KEY_PUBLIC: key('verifies: the public halves of all of them'),
  EXO_KEY_CREDENTIALS: key('new API keys and cursors are derived from'),

  EXO_URL: { reader: 'command line', meaning: 'Where the API is.', otherwise: 'in lab, `credentials.json`' },
  EXO_TOKEN: { reader: 'command line', meaning: 'Who is calling: a bearer token.', secret: true },
  EXO_KEY: { reader: 'command line', meaning: 'The file of your own signing key.', otherwise: '`keys` in `EXO_HOME`' },
  EXO_TRACE: {
    reader: 'command line',
    meaning: 'Shows where a fault of the command line happened.',
    otherwise: 'unset',
  },
  EXO_LAUNCHER_PID: {
    reader: 'command line',
    meaning: 'Who started a process and takes it along; set by `exo` itself.',
  },

  EXO_CRASH_AT: { reader: 'test', meaning: 'Where a process kills itself.' },
  EXO_CRASH_LOG: { reader: 'test', meaning: 'Where it tells that it did.' },
  EXO_SEED: { reader: 'test', meaning: 'Repeats a run that drew lots.' },
  EXO_FLIPS: { reader: 'test', meaning: 'How often stops are thrown.' },
  EXO_SWAPS: { reader: 'test', meaning: 'How often each thing is swapped between vote and effect, or under it.' },
  EXO_CRASH_FULL: { reader: 'test', meaning: 'The long form of the crash tests.' },
  EXO_POINTS: { reader: 'test', meaning: 'Crash points with commas between them; all when absent.' },
  EXO_FUZZ: { reader: 'test', meaning: 'How many broken requests.' },
  EXO_WYCHEPROOF: { reader: 'test', meaning: 'A file of JWS vectors.' },
  EXO_TEST_TEMPORAL: { reader: 'test', meaning: 'A Temporal server for tests of the verifier.' },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS

/** The same rows, whichever members each has. */
export const settingRows = Object.entries(SETTINGS) as [SettingName, Setting][]

/** `docker-compose.yml` puts these into the addresses of its services; no process of ours is given them. */
const COMPOSE = /^EXO_(OWNER|APP|GUARD|CONTROL|SEQUENCER|STOP|AUDITOR)_PASSWORD$/

/** Names that look like settings and are none, each with the one that was probably meant. */
export function unknownSettings(env: NodeJS.ProcessEnv): { name: string; meant: string | null }[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('EXO_') && !Object.hasOwn(SETTINGS, name) && !COMPOSE.test(name))
    .sort()
    .map((name) => ({ name, meant: nearest(name) }))
}

function nearest(name: string): string | null {
  const [best] = settingRows
    .map(([known]) => ({ known, distance: distanceOf(name, known) }))
    .sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= 3 ? best.known : null
}

/** How many letters would have to change (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      )
    row = next
  }
  return row[b.length] ?? 0
}
