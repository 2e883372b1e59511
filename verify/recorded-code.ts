/**
 * Runs workflow code that came with a bundle, which nobody here has read, in a process of its own: without environment,
 * without the right to write files, start processes or threads, and, where the kernel lets us, without any network.
 * The process ends with its one replay.
 */
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command, Replayed } from './replayer.ts'
import { Divergence } from './report.ts'
import { json, listOf, nullable, object, readJson, text, withMembers } from './shape.ts'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
/** What replays, and nothing beside it: keys and credentials may lie in the same folder. */
const READABLE = ['verify', 'domain', 'node_modules', 'package.json']
const LIMIT_MS = 60_000
const BYTES = 'exo:bytes:'

const answer = withMembers<{ refusal: string | null; commands: object[] }>({
  refusal: nullable(text),
  commands: listOf(object),
})

export async function replayRecorded(code: string, workflowId: string, history: Uint8Array): Promise<Replayed> {
  const request = JSON.stringify({ code, workflowId, history: Buffer.from(history).toString('utf8') })
  const program = [
    process.execPath,
    '--permission',
    '--allow-addons',
    ...READABLE.map((part) => `--allow-fs-read=${join(ROOT, part)}`),
    join(ROOT, 'verify', 'recorded-child.ts'),
  ]
  const output = await talk([...(hasNoNetwork() ? APART : []), ...program], request)
  const { refusal, commands } = answer(json(readJson(output, 'the replay apart'), ''), 'the replay apart')
  return { refusal, commands: commands.map((command) => reviveCommand(command)) }
}

const APART = ['unshare', '--net', '--map-root-user']

/** Whether `unshare` makes an empty network for the child here: unprivileged namespaces are not allowed everywhere. */
export function hasNoNetwork(): boolean {
  return spawnSync('unshare', [...APART.slice(1), 'true'], { stdio: 'ignore' }).status === 0
}

async function talk([file = '', ...args]: string[], request: string): Promise<string> {
  return await new Promise((done, fail) => {
    const child = spawn(file, args, {
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    child.stdin.on('error', () => undefined)
    child.once('error', () => fail(new Divergence('the recorded code could not be run apart')))
    child.once('close', (status) =>
      status === 0 ? done(output) : fail(new Divergence('the recorded code did not finish its replay')),
    )
    child.stdin.end(request)
  })
}

/** Commands cross the process as JSON: bytes as marked base64, long numbers as text. */
export function commandAsJson(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value))
    return BYTES + Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (typeof value === 'object' && value !== null && 'unsigned' in value && 'low' in value) return String(value)
  return value
}

function reviveCommand(command: unknown): Command {
  const text = JSON.stringify(command)
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(BYTES)
      ? new Uint8Array(Buffer.from(value.slice(BYTES.length), 'base64'))
      : value,
  ) as Command
}
