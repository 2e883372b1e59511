/** A server that hangs: its process and those that it started stand still, and none of them is gone. */
import { readdirSync, readFileSync } from 'node:fs'

/** Answers what lets them go on. Throws where there is no such process. */
export function hang(pid: number): () => void {
  process.kill(pid, 'SIGSTOP')
  // Looked for afterwards: a process that stands still starts no others.
  const children = childrenOf(pid)
  for (const child of children) signal(child, 'SIGSTOP')
  return () => {
    for (const each of [...children, pid]) signal(each, 'SIGCONT')
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === String(pid))
    .map(Number)
}

function parentOf(entry: string): string | undefined {
  try {
    return readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

/** One that has ended meanwhile is none to be told anything. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
