/**
 * Opens a home: makes it, locks it, finds or makes its state, and clears away what a killed start left running.
 *
 * Guarantees: one stack a home at a time; the second is refused with the holder's pid. The directory is closed to
 * others, except that root lets PostgreSQL's user pass through it.
 */
import { chmodSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { tryLock } from './lock.ts'
import { endOrphans } from './orphans.ts'
import { newState, readState, type StackState, writeState } from './state.ts'
import { NotUsable, type Progress } from './types.ts'

interface OpenHome {
  /** Absolute, without symbolic links: servers are given paths under it. */
  home: string
  state: StackState
  release(): void
}

export async function openHome(path: string, progress: Progress): Promise<OpenHome> {
  if (!existsSync(path)) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, 0o700)
  }
  const home = realpathSync(path)
  const lock = tryLock(join(home, 'stack.lock'))
  if (!('release' in lock)) {
    throw new NotUsable(`${home} is in use by process ${lock.pid}`, {
      remedy: 'Stop that process, or set EXO_HOME to another directory for a second stack.',
    })
  }
  try {
    const state = readState(home) ?? newState()
    const dirs = { temporal: join(home, 'temporal'), s3: join(home, 's3'), postgres: real(join(home, 'postgres')) }
    await endOrphans(state, dirs, progress)
    writeState(home, state)
    return { home, state, release: lock.release }
  } catch (error) {
    lock.release()
    throw error
  }
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
