/**
 * Programs that were fetched or built once, per user and version: `<cache>/<part>-<version>/`.
 *
 * Guarantees: an entry is complete or absent (made aside, then renamed), made by one process at a time, and readable by
 * the user who has to run it. Does not check an entry again after it was made: who can write the cache can already run
 * code as us.
 */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { lockWhenFree } from './lock.ts'
import { canReach } from './postgres-user.ts'
import { type Progress, StackError } from './types.ts'

/** The first place that can be written and, when `uid` is given, be reached by that user. */
async function cacheDir(uid?: number): Promise<string> {
  for (const candidate of candidates()) {
    if (makeOwnDir(candidate) && (await canReach(candidate, uid))) return candidate
  }
  throw new StackError('no directory for cached programs could be made', {
    remedy: 'Set XDG_CACHE_HOME to a directory that can be written.',
  })
}

function candidates(): string[] {
  const configured = process.env['XDG_CACHE_HOME']
  const root = process.getuid?.() === 0
  return [
    join(configured?.startsWith('/') ? configured : join(homedir(), '.cache'), 'exoarmur'),
    ...(root ? ['/var/cache/exoarmur'] : []),
    // A user without a home, such as `nobody`.
    join(tmpdir(), `exoarmur-${process.getuid?.() ?? 'user'}`),
  ]
}

/** In a shared directory somebody else may have made it first, so it must be ours and nobody else may write into it. */
function makeOwnDir(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    const info = lstatSync(path)
    return info.isDirectory() && info.uid === (process.getuid?.() ?? info.uid) && (info.mode & 0o022) === 0
  } catch {
    return false
  }
}

interface CacheEntry {
  dir: string
  /** Whether this call made it. */
  made: boolean
}

interface Wanted {
  /** `<part>-<version>`. */
  name: string
  uid?: number | undefined
  label: string
  progress: Progress
  signal?: AbortSignal | undefined
}

/** Finds the entry, or makes it with `produce`, which fills the empty directory it is given. */
export async function cached(wanted: Wanted, produce: (dir: string) => Promise<void>): Promise<CacheEntry> {
  const cache = await cacheDir(wanted.uid)
  const dir = join(cache, wanted.name)
  if (existsSync(dir)) return { dir, made: false }
  const lock = await lockWhenFree(
    `${dir}.lock`,
    ({ pid }) => wanted.progress(`${wanted.label}: waiting for process ${pid}, which is preparing the same program`),
    wanted.signal,
  )
  try {
    if (existsSync(dir)) return { dir, made: false }
    const prefix = `.${wanted.name}.`
    for (const left of readdirSync(cache)) {
      if (left.startsWith(prefix)) rmSync(join(cache, left), { recursive: true, force: true })
    }
    const aside = mkdtempSync(join(cache, prefix))
    try {
      await produce(aside)
      await runCommand('chmod', ['-R', 'a+rX,go-w', aside])
      renameSync(aside, dir)
    } finally {
      rmSync(aside, { recursive: true, force: true })
    }
    return { dir, made: true }
  } finally {
    lock.release()
  }
}

/** The entry's directory when it exists, for looking without making. */
export async function findCached(name: string, uid?: number): Promise<string | null> {
  const dir = join(await cacheDir(uid), name)
  return existsSync(dir) ? dir : null
}
