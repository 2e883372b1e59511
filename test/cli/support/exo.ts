/**
 * The command as people run it: a process of its own, in a home of the test's own whose credentials.json names the
 * members of a tenant that nobody else uses.
 */
import { spawn } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callers } from '../../support/client.ts'
import type { SharedDeployment } from '../../support/stack.ts'
import { makeTenant, type Tenant } from '../../support/tenant.ts'

export const MAIN = join(import.meta.dirname, '..', '..', '..', 'cli', 'main.ts')

export interface Ran {
  code: number | null
  out: string
  err: string
  /** Standard output as the one JSON document it must be. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, field by field
  json: any
}

interface RunOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: string
  /** Called with standard output whenever it grew. */
  onOutput?: (out: string, signal: (name: NodeJS.Signals) => void) => void
}

export function runExo(home: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { PATH, HOME, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }), EXO_HOME: home, ...options.env },
      cwd: options.cwd ?? home,
    })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      options.onOutput?.(out, (name) => void child.kill(name))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.once('error', reject)
    child.once('close', (code) => {
      const isDocument = args.includes('--json')
      resolve({ code, out, err, json: isDocument && out !== '' ? JSON.parse(out) : null })
    })
    child.stdin.end(options.stdin ?? '')
  })
}

export interface Desk {
  home: string
  tenant: Tenant
  /** `exo(line)` splits at spaces; a list keeps its words. */
  exo(words: string | readonly string[], options?: RunOptions): Promise<Ran>
  /** The same with `--json`, and the document. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, field by field
  json(words: string | readonly string[], options?: RunOptions): Promise<any>
  /** Proposes a note that waits for people, and answers its id. */
  waiting(text?: string, more?: readonly string[]): Promise<string>
  close(): Promise<void>
}

const NAMES = [
  'owner',
  'admin',
  'operator',
  'operator2',
  'operator3',
  'member',
  'viewer',
  'auditor',
  'agent',
  'service',
] as const

/** A home, and a tenant that is open for reversible actions. */
export async function openDesk(deployment: SharedDeployment, stem: string): Promise<Desk> {
  const { url, credentials } = deployment
  const tenant = await makeTenant(callers(url, credentials), url, stem)
  await tenant.open()
  const home = await mkdtemp(join(tmpdir(), 'exo-cli-'))
  const keys = Object.fromEntries(NAMES.map((name) => [name, tenant.as(name).token]))
  const { platform_operator, platform_operator2 } = credentials
  const own = { url, tenants: [{ id: tenant.id, keys }], platform_operator, platform_operator2 }
  await writeFile(join(home, 'credentials.json'), JSON.stringify(own), { mode: 0o600 })
  await copyFile(join(deployment.home, 'processes.json'), join(home, 'processes.json'))
  const exo = (words: string | readonly string[], options?: RunOptions) =>
    runExo(home, typeof words === 'string' ? words.split(' ') : words, options)
  const json = async (words: string | readonly string[], options?: RunOptions) =>
    (await exo([...(typeof words === 'string' ? words.split(' ') : words), '--json'], options)).json
  return {
    home,
    tenant,
    exo,
    json,
    waiting: async (text = 'a note', more = []) => {
      const asked = await json([
        'propose',
        'note.append',
        '--field',
        'notebook=inbox',
        '--field',
        `text=${text}`,
        '--as',
        'agent',
        ...more,
      ])
      if (asked.status !== 'pending_approval')
        throw new Error(`expected to wait: ${JSON.stringify(asked).slice(0, 600)}`)
      return asked.id as string
    },
    close: () => rm(home, { recursive: true, force: true }),
  }
}
