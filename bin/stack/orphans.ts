/**
 * Ends what an earlier start of the same home left running because it was killed.
 *
 * Guarantees: a process is signalled only when its pid is recorded in this home, it runs the part's program with this
 * home's data directory in its command line, and it started at the recorded time. Whatever does not match is somebody
 * else's and is left.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine, endProcess, identityOf, isAlive, type ProcessIdentity, programName } from './process-identity.ts'
import type { StackState } from './state.ts'
import { labels, type PartName, type Progress } from './types.ts'

/** Last started first, as in an orderly stop. */
const order: readonly { name: PartName; program: string; signal: NodeJS.Signals; withinMs: number }[] = [
  { name: 'temporal', program: 'temporal', signal: 'SIGTERM', withinMs: 5_000 },
  { name: 's3', program: 'versitygw', signal: 'SIGTERM', withinMs: 4_000 },
  { name: 'postgres', program: 'postgres', signal: 'SIGINT', withinMs: 8_000 },
]

export async function endOrphans(
  state: StackState,
  dataDirs: Record<PartName, string>,
  progress: Progress,
): Promise<void> {
  for (const { name, program, signal, withinMs } of order) {
    const recorded = [state.running[name], name === 'postgres' ? postmaster(dataDirs.postgres) : undefined]
    for (const identity of recorded) {
      if (identity === undefined || !isAlive(identity)) continue
      if (programName(identity.pid) !== program || !mentions(identity.pid, dataDirs[name])) continue
      progress(`${labels[name]}: ending process ${identity.pid}, left running by a start that was killed`)
      await endProcess(identity, signal, withinMs)
    }
    delete state.running[name]
  }
}

function mentions(pid: number, dir: string): boolean {
  return commandLine(pid).some((argument) => argument === dir || argument.startsWith(`${dir}/`))
}

/** PostgreSQL's own record, for a process that started while its pid could not be written to ours. */
function postmaster(dir: string): ProcessIdentity | undefined {
  try {
    const pid = Number(readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
    return Number.isInteger(pid) && pid > 1 ? identityOf(pid) : undefined
  } catch {
    return undefined
  }
}
