/**
 * `exo doctor`: every part, what it is, where it is, which version, and whether it answers. Starts, fetches and changes
 * nothing. Exit 0 when all is well, 1 when something is broken, 4 when all that is missing is a running API.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { missingForMode, readConfig } from './config.ts'
import { describeStack, labels, type StackPart } from './stack/index.ts'

type State = 'ok' | 'absent' | 'fault'
interface Finding {
  name: string
  state: State
  detail: string
}

const OLDEST_NODE = 24
const PATIENCE_MS = 5_000

const finding = (name: string, state: State, detail: string): Finding => ({ name, state, detail })

function node(): Finding {
  const [major = 0] = process.versions.node.split('.').map(Number)
  return finding('node', major >= OLDEST_NODE ? 'ok' : 'fault', `${process.versions.node} at ${process.execPath}`)
}

function configuration(): Finding {
  try {
    const config = readConfig(process.env)
    const missing = missingForMode(config, process.env)
    return missing.length === 0
      ? finding('mode', 'ok', config.EXO_MODE)
      : finding('mode', 'fault', `${config.EXO_MODE} lacks ${missing.join(', ')}`)
  } catch (error) {
    return finding('mode', 'fault', String((error as Error).message))
  }
}

function homeOf(home: string): Finding {
  if (!existsSync(home)) return finding('home', 'absent', `${home} is made at the first start`)
  const open = (statSync(home).mode & 0o006) !== 0
  const name = join(home, 'deployment')
  const deployment = existsSync(name) ? `, deployment ${readFileSync(name, 'utf8').trim()}` : ''
  const credentials = existsSync(join(home, 'credentials.json')) ? ', lab credentials' : ''
  return finding(
    'home',
    open ? 'fault' : 'ok',
    `${home}${deployment}${credentials}${open ? ': others can read it' : ''}`,
  )
}

async function parts(home: string): Promise<Finding[]> {
  try {
    return (await describeStack(home)).map(part)
  } catch (error) {
    return [finding('stack', 'fault', String((error as Error).message))]
  }
}

function part({ name, binary, version, origin, address, pid }: StackPart): Finding {
  if (origin === 'configured') return finding(name, 'ok', `${labels[name]} at ${address}, run by somebody else`)
  const runs = pid === null ? 'does not run' : `runs as process ${pid} on ${address}`
  if (binary === null) {
    const how = origin === 'built' ? 'built from source' : 'fetched'
    return finding(name, 'absent', `${labels[name]}: will be ${how} at the first start; ${runs}`)
  }
  return finding(name, 'ok', `${labels[name]} ${version} (${origin}) at ${binary}; ${runs}`)
}

function bundles(home: string): Finding {
  const dir = join(home, 'bundles')
  const kept = existsSync(dir)
    ? readdirSync(dir)
        .filter((file) => /^[0-9a-f]{64}\b.*\.js$/.test(file))
        .sort()
    : []
  return kept.length === 0
    ? finding('bundles', 'absent', 'no workflow bundle yet; the worker makes it')
    : finding(
        'bundles',
        'ok',
        `${kept.length} of workflow code in ${dir}: ${kept.map((file) => file.slice(0, 12)).join(', ')}`,
      )
}

/** Where the API should be: as the environment says, or as the last start in this home wrote. */
function apiUrl(home: string): string | null {
  if (process.env.EXO_URL) return process.env.EXO_URL
  const path = join(home, 'credentials.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { url: string }).url || null : null
}

async function api(home: string): Promise<Finding> {
  const url = apiUrl(home)
  if (url === null) return finding('api', 'absent', 'nothing was started in this home; exo up starts it')
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) })
    const { ready, backends } = (await response.json()) as { ready: boolean; backends: { name: string; ok: boolean }[] }
    const each = backends.map(({ name, ok }) => `${name} ${ok ? 'ok' : 'DOWN'}`).join(', ')
    return finding('api', ready ? 'ok' : 'fault', `${url} answers, ${ready ? 'ready' : 'not ready'}: ${each}`)
  } catch {
    return finding('api', 'absent', `${url} does not answer; exo up starts it`)
  }
}

const home = process.env.EXO_HOME || join(process.cwd(), '.exo')
const findings = [node(), configuration(), homeOf(home), ...(await parts(home)), bundles(home), await api(home)]
const width = Math.max(...findings.map(({ name }) => name.length))
const ok = findings.every(({ state }) => state !== 'fault')
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ ok, findings }, null, 2)}\n`)
else
  for (const { name, state, detail } of findings)
    process.stdout.write(`${state.padEnd(6)}  ${name.padEnd(width)}  ${detail}\n`)
process.exitCode = !ok ? 1 : findings.at(-1)?.state === 'ok' ? 0 : 4
