/**
 * Where the API is and who is calling: `EXO_URL` and `EXO_TOKEN`, or in lab `--as [tenant/]name`, which takes both from
 * the home's credentials.json. A token goes to the address it was given for and nowhere else.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { usage } from './failure.ts'

export interface Addressing {
  as?: string
  tenant?: string
  project?: string
  surface?: string
  app?: string
  mode?: string
}

export interface Connection {
  url: string
  /** Null for what everybody may read: then nobody calls, and no context is due. */
  token: string | null
  /** Who `--as` named, as it is typed in further commands; null with `EXO_TOKEN`. */
  as: string | null
  /** Null when only the API can tell. */
  platform: boolean | null
  mode: string
  tenant: string | null
  project: string | null
  surface: string | null
  app: string | null
}

interface LabCredentials {
  url: string
  tenants: { id: string; keys: Record<string, string> }[]
  platform_operator: string
  platform_operator2: string
}

const PLATFORM = ['platform_operator', 'platform_operator2'] as const

export function openConnection(given: Addressing, home: string, env: NodeJS.ProcessEnv): Connection {
  const context = {
    mode: given.mode ?? (env.EXO_MODE || 'lab'),
    project: given.project ?? null,
    surface: given.surface ?? null,
    app: given.app ?? null,
  }
  if (given.as !== undefined) {
    const { url, token, as, tenant } = pickCredential(given.as, home)
    return {
      ...context,
      url: checkUrl(url, 'credentials.json'),
      token,
      as,
      platform: tenant === null,
      tenant: given.tenant ?? tenant,
    }
  }
  if (!env.EXO_TOKEN) throw usage('No credential: who is calling?', { remedy: howToSayWho(home) })
  const url = env.EXO_URL || readCredentials(home)?.url
  if (!url)
    throw usage('EXO_TOKEN is set, but not where the API is.', {
      remedy: 'Set EXO_URL, for example http://127.0.0.1:8080.',
    })
  return {
    ...context,
    url: checkUrl(url, 'EXO_URL'),
    token: checkToken(env.EXO_TOKEN),
    as: null,
    platform: null,
    tenant: given.tenant ?? null,
  }
}

/** Where the API is, for what it answers to everybody; `url` is the address where the command line names one. */
export function openAddress(given: Addressing, url: string | undefined, home: string, env: NodeJS.ProcessEnv): string {
  if (url !== undefined) return checkUrl(url, '--url')
  if (given.as !== undefined) return openConnection(given, home, env).url
  if (env.EXO_URL) return checkUrl(env.EXO_URL, 'EXO_URL')
  const lab = readCredentials(home)
  if (lab === null)
    throw usage('Where is the API?', { remedy: 'Set EXO_URL, for example http://127.0.0.1:8080, or use --url.' })
  return checkUrl(lab.url, 'credentials.json')
}

interface Picked {
  url: string
  token: string
  as: string
  tenant: string | null
}

function pickCredential(as: string, home: string): Picked {
  const credentials = readCredentials(home)
  if (credentials === null)
    throw usage(`--as takes tokens from ${join(home, 'credentials.json')}, which does not exist.`, {
      remedy: 'Start a lab deployment with exo up, set EXO_HOME, or use EXO_URL and EXO_TOKEN.',
    })
  const platform = PLATFORM.find((name) => name === as)
  if (platform !== undefined) return { url: credentials.url, token: credentials[platform], as, tenant: null }
  const [first = '', second] = as.split('/')
  const [wanted, name] = second === undefined ? [credentials.tenants[0]?.id, first] : [first, second]
  const tenant = credentials.tenants.find(({ id }) => id === wanted || id === `t_${wanted}`)
  const token = tenant !== undefined && Object.hasOwn(tenant.keys, name) ? tenant.keys[name] : undefined
  if (tenant === undefined || token === undefined)
    throw usage(`--as ${as} names nobody in credentials.json.`, { remedy: choices(credentials) })
  return { url: credentials.url, token, as, tenant: tenant.id }
}

function readCredentials(home: string): LabCredentials | null {
  const path = join(home, 'credentials.json')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LabCredentials
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw usage(`${path} cannot be read.`, { cause, remedy: 'It is made by exo up and readable by its user only.' })
  }
}

function howToSayWho(home: string): string {
  const credentials = readCredentials(home)
  return credentials === null
    ? 'Set EXO_URL and EXO_TOKEN; or start a lab deployment with exo up and use --as.'
    : choices(credentials)
}

function choices(credentials: LabCredentials): string {
  const lines = credentials.tenants.map(
    ({ id, keys }, index) => `  ${index === 0 ? '' : `${id}/`}{${Object.keys(keys).join(',')}}   in ${id}`,
  )
  return ['Choose with --as:', ...lines, `  {${PLATFORM.join(',')}}   for what is global`].join('\n')
}

function checkUrl(url: string, from: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.search !== '')
    throw usage(`${from} does not hold the address of an API.`, { remedy: 'It looks like https://exo.example.com.' })
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`
}

/** A header value, so that a stray newline in a variable is a clear message. */
function checkToken(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) throw usage('EXO_TOKEN is not a token: it holds spaces or line breaks.')
  return token
}
