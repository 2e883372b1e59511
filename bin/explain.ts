/**
 * `exo config --explain`: each setting, where its value comes from, the value unless it is a secret, and what it means.
 * Reads what a process would read, starts nothing, and goes on where a process would refuse to start.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { missingForMode, readConfig, type Config } from './config.ts'
import { type SettingName, settingRows } from './settings.ts'

export interface Explained {
  name: string
  source: 'default' | 'environment' | 'file' | 'unset'
  /** Null for a secret, and for what is unset. */
  value: string | null
  secret: boolean
  meaning: string
}

export interface Explanation {
  settings: Explained[]
  /** What the mode lacks, what is no setting, and what is not valid. */
  faults: string[]
}

export function explain(env: NodeJS.ProcessEnv): Explanation {
  const faults: string[] = []
  let config: Config | null = null
  try {
    config = readConfig(env)
    faults.push(...missingForMode(config, env).map((name) => `${name} is missing: mode ${config?.EXO_MODE} needs it`))
  } catch (error) {
    faults.push(
      ...String((error as Error).message)
        .split('\n')
        .slice(1)
        .map((line) => line.trim()),
    )
  }
  const home = config?.EXO_HOME ?? env.EXO_HOME ?? '.exo'
  const shown = settingRows
    .filter(([, { reader }]) => reader !== 'test')
    .map(([name, row]): Explained => {
      const { meaning, secret = false } = row
      const { source, value } = found(name, env, config, home)
      return { name, source, value: secret ? null : value, secret, meaning }
    })
  return { settings: shown, faults }
}

function found(
  name: SettingName,
  env: NodeJS.ProcessEnv,
  config: Config | null,
  home: string,
): { source: Explained['source']; value: string | null } {
  const given = env[name]
  if (given) {
    // A list is long and may hold more than its names; a file of one is named by its path.
    const isList = name === 'EXO_OIDC_ISSUERS' || name === 'EXO_REVIEWERS'
    if (isList && given.trim().startsWith('[')) return { source: 'environment', value: 'a list' }
    const namesFile = isList || name.startsWith('EXO_KEY')
    return { source: namesFile ? 'file' : 'environment', value: given }
  }
  const file = IN_HOME[name]
  if (file !== undefined && existsSync(join(home, file)))
    return {
      source: 'file',
      value: name === 'EXO_DEPLOYMENT' ? readFileSync(join(home, file), 'utf8').trim() : join(home, file),
    }
  const value = (config as Record<string, unknown> | null)?.[name]
  return value === undefined ? { source: 'unset', value: null } : { source: 'default', value: String(value) }
}

/** Where the lab keeps what nobody set. */
const IN_HOME: Partial<Record<SettingName, string>> = {
  EXO_DEPLOYMENT: 'deployment',
  EXO_KEY_PROPOSAL: 'keys/proposal.jwk',
  EXO_KEY_ATTEST: 'keys/attest.jwk',
  EXO_KEY_RECEIPT: 'keys/receipt.jwk',
  EXO_KEY_SEAL: 'keys/seal.jwk',
  EXO_KEY_CHECKPOINT: 'keys/checkpoint.jwk',
  EXO_KEY_CREDENTIALS: 'keys/credentials.secret',
  EXO_KEY_PUBLIC: 'keys/public.json',
}

function asText({ settings, faults }: Explanation): string {
  const wide = Math.max(...settings.map(({ name }) => name.length))
  const lines = settings.map(({ name, source, value, secret, meaning }) => {
    const shown = secret && source !== 'unset' ? 'set, not shown' : (value ?? '')
    return `${name.padEnd(wide)}  ${source.padEnd(11)}  ${shown}\n${''.padEnd(wide)}  ${meaning}`
  })
  return [...lines, ...faults.map((fault) => `fault: ${fault}`)].join('\n')
}

if (import.meta.main) {
  const explanation = explain(process.env)
  process.stdout.write(
    process.argv.includes('--json') ? `${JSON.stringify(explanation, null, 2)}\n` : `${asText(explanation)}\n`,
  )
  process.exitCode = explanation.faults.length === 0 ? 0 : 1
}
