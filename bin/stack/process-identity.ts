/**
 * Says whether a process id still means the process it was recorded for.
 *
 * Guarantees: on Linux a recycled id is told apart from the recorded process by its start time, so nobody else's
 * process is ever signalled. Does not see into other process-id namespaces: a process of another container counts as
 * gone.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

export interface ProcessIdentity {
  pid: number
  /** Clock ticks since boot, field 22 of /proc/PID/stat; null where there is no /proc. */
  started: string | null
}

/** Null for a process that is gone, and for one that ended and only waits to be reaped. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name may hold spaces and brackets, so fields count from the last bracket: state is field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, started: startTime(pid) }
}

export function isAlive(identity: ProcessIdentity): boolean {
  if (process.platform === 'linux') return identity.started !== null && startTime(identity.pid) === identity.started
  try {
    process.kill(identity.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return []
  }
}

/**
 * The program file's name, from the link to it: a process may rewrite its command line, as PostgreSQL's children do.
 */
export function programName(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
      .replace(/ \(deleted\)$/, '')
      .replace(/^.*\//, '')
  } catch {
    const first = commandLine(pid)[0]
    return first === undefined ? null : first.replace(/^.*\//, '')
  }
}

async function waitUntilGone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs
  while (isAlive(identity)) {
    if (Date.now() >= deadline) return false
    await pause(50)
  }
  return true
}

/** Asks with `signal`, and after `withinMs` insists with SIGKILL. */
export async function endProcess(identity: ProcessIdentity, signal: NodeJS.Signals, withinMs: number): Promise<void> {
  for (const [next, patienceMs] of [
    [signal, withinMs],
    ['SIGKILL', 2_000],
  ] as const) {
    if (!isAlive(identity)) return
    try {
      process.kill(identity.pid, next)
    } catch {
      return
    }
    if (await waitUntilGone(identity, patienceMs)) return
  }
}
