/**
 * A lock file that names its holder.
 *
 * Guarantees: the file appears complete or not at all (written aside, then linked), and a holder that died, by any
 * signal, is recognised by pid and start time and its lock broken. Does not work across machines that share a file
 * system, and takes a holder in another process-id namespace for dead.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts'

export interface Lock {
  release(): void
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function holderIn(content: string): ProcessIdentity | null {
  try {
    const value = JSON.parse(content) as Partial<ProcessIdentity>
    return typeof value.pid === 'number' ? { pid: value.pid, started: value.started ?? null } : null
  } catch {
    return null
  }
}

function link(path: string, content: string, aside: string): boolean {
  writeFileSync(aside, content, { mode: 0o600 })
  try {
    linkSync(aside, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(aside, { force: true })
  }
}

/** Takes the lock, or says who holds it. */
export function tryLock(path: string): Lock | ProcessIdentity {
  const mine = JSON.stringify({ ...identityOf(process.pid), nonce: Math.random() })
  const aside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  for (;;) {
    if (link(path, mine, aside)) {
      return {
        release() {
          if (contentOf(path) === mine) rmSync(path, { force: true })
        },
      }
    }
    const content = contentOf(path)
    if (content === null) continue
    const holder = holderIn(content)
    if (holder !== null && isAlive(holder)) return holder
    breakStale(path, content, aside)
  }
}

/** Two breakers may meet: the loser may have moved the winner's fresh lock away, and puts it back. */
function breakStale(path: string, stale: string, aside: string): void {
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (contentOf(aside) !== stale) {
    try {
      linkSync(aside, path)
    } catch {
      // A third process took the lock meanwhile: the moved holder has lost it, and its release does not touch theirs.
    }
  }
  rmSync(aside, { force: true })
}

/** Waits for the lock; `onWait` is called once, with the holder, so that the wait can be explained. */
export async function lockWhenFree(
  path: string,
  onWait: (holder: ProcessIdentity) => void,
  signal?: AbortSignal,
): Promise<Lock> {
  for (let told = false; ; ) {
    signal?.throwIfAborted()
    const outcome = tryLock(path)
    if ('release' in outcome) return outcome
    if (!told) onWait(outcome)
    told = true
    await pause(200)
  }
}
