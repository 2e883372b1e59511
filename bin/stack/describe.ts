/**
 * Says what a start would use, and what runs, without starting, fetching or building anything.
 *
 * Guarantees: a pid is reported only for a process that is alive and the recorded one. A part that would have to be
 * fetched first has no binary and an empty version; its origin then is the last resort, the wheel or the build.
 */
import { configuredParts } from './configured.ts'
import { isAlive } from './process-identity.ts'
import { findPostgres } from './postgres-program.ts'
import { findProgram } from './program.ts'
import { temporal, versitygw } from './recipes.ts'
import { readState, type StackState } from './state.ts'
import type { Origin, PartName, Program, StackPart } from './types.ts'

export function describeConfigured(name: PartName, address: string): StackPart {
  return { name, pid: null, address, version: '', origin: 'configured', binary: null }
}

/** Host and port of a connection URL, without its password. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return '(not a URL)'
  }
}

export async function describeStack(home: string): Promise<StackPart[]> {
  const state = readState(home)
  const configured = configuredParts(process.env)
  return [
    configured.postgres !== null
      ? describeConfigured('postgres', hostOf(configured.postgres.ownerUrl))
      : embedded('postgres', state, await findPostgres(), 'wheel'),
    configured.s3 !== null
      ? describeConfigured('s3', hostOf(configured.s3.endpoint))
      : embedded('s3', state, await findProgram(versitygw), 'built'),
    configured.temporal !== null
      ? describeConfigured('temporal', configured.temporal.address)
      : embedded('temporal', state, await findProgram(temporal), 'built'),
  ]
}

function embedded(name: PartName, state: StackState | null, program: Program | null, lastResort: Origin): StackPart {
  const running = state?.running[name]
  const port = state?.ports[name]
  return {
    name,
    pid: running !== undefined && isAlive(running) ? running.pid : null,
    address: port === undefined ? '' : `127.0.0.1:${port}`,
    version: program?.version ?? '',
    origin: program?.origin ?? lastResort,
    binary: program?.binary ?? null,
  }
}
