/**
 * `stack.json`: what a home's stack must find again, its ports, its secrets and the processes it left running.
 *
 * Guarantees: mode 0600, replaced as a whole (a crash leaves the old one), secrets of 32 random bytes made once a home.
 * Does not encrypt: whoever can read the home is the stack's operator.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessIdentity } from './process-identity.ts'
import { NotUsable, type PartName, type RoleName, roleNames } from './types.ts'

export const portNames = ['postgres', 's3', 'temporal', 'temporalHttp', 'temporalUi', 'temporalMetrics'] as const
export type PortName = (typeof portNames)[number]

export interface StackState {
  v: 1
  /** Names this stack where its home's path cannot, as in a data directory that had to lie elsewhere. */
  id: string
  ports: Partial<Record<PortName, number>>
  postgres: { superuser: string; roles: Record<RoleName, string> }
  s3: { accessKeyId: string; secretAccessKey: string; sidecar: boolean }
  /** False until the server answered once: a database file from before that may be half made. */
  temporal: { initialised: boolean }
  running: Partial<Record<PartName, ProcessIdentity>>
}

const secret = (): string => randomBytes(32).toString('hex')

export function newState(): StackState {
  const roles = Object.fromEntries(roleNames.map((role) => [role, secret()])) as Record<RoleName, string>
  return {
    v: 1,
    id: randomBytes(6).toString('hex'),
    ports: {},
    postgres: { superuser: secret(), roles },
    s3: { accessKeyId: `exo${randomBytes(8).toString('hex')}`, secretAccessKey: secret(), sidecar: false },
    temporal: { initialised: false },
    running: {},
  }
}

export const stateFile = (home: string): string => join(home, 'stack.json')

export function readState(home: string): StackState | null {
  let text: string
  try {
    text = readFileSync(stateFile(home), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const remedy = `Put the file back, or move ${home} away to begin anew with other secrets and empty stores.`
  let value: StackState
  try {
    value = JSON.parse(text) as StackState
  } catch (cause) {
    throw new NotUsable(`${stateFile(home)} is not JSON`, { remedy, cause })
  }
  if (value.v !== 1) throw new NotUsable(`${stateFile(home)} has version ${String(value.v)}, not 1`, { remedy })
  return value
}

export function writeState(home: string, state: StackState): void {
  const aside = `${stateFile(home)}.new`
  const file = openSync(aside, 'w', 0o600)
  try {
    writeSync(file, `${JSON.stringify(state, null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(aside, stateFile(home))
}
