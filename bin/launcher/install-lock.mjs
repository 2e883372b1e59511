/**
 * A lock directory that holds its owner's pid, for a time when no package is installed yet.
 *
 * Guarantees: one holder at a time, and a holder that died is not waited for. A pid that was given to another process
 * in the meantime is taken for the holder: then the directory has to be removed by hand.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export async function underLock(lock, onWait, work) {
  mkdirSync(dirname(lock), { recursive: true, mode: 0o700 })
  for (let told = false; !take(lock); told = true) {
    if (!told) onWait()
    await pause(300)
  }
  try {
    await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function take(lock) {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (!holderLives(lock)) breakStale(lock)
    return false
  }
}

/** A lock without a pid is being taken at this moment, or its holder died between two system calls. */
function holderLives(lock) {
  try {
    const pid = Number(readFileSync(join(lock, 'pid'), 'utf8'))
    if (pid > 0) process.kill(pid, 0)
    return pid > 0 || Date.now() - statSync(lock).mtimeMs < 5_000
  } catch (error) {
    if (error.code !== 'ENOENT') return error.code === 'EPERM'
    return existsSync(lock) && Date.now() - statSync(lock).mtimeMs < 5_000
  }
}

/** Moved aside before it is removed, so that of two breakers one finds nothing to break. */
function breakStale(lock) {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
  } catch {
    return
  }
  rmSync(aside, { recursive: true, force: true })
}
