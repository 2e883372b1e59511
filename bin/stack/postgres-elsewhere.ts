/**
 * A data directory for a home that PostgreSQL's user cannot reach, such as one under /root.
 *
 * Guarantees: found again through a link in the home; a directory whose home is known to be gone is removed when the
 * next one is made. A home that only cannot be seen, because its disk is not mounted, keeps its data.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { programName } from './process-identity.ts'

export const elsewhere = '/var/lib/exoarmur'

/** Where the home's link leads, or null when there is none. */
export function linkTarget(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null
  } catch {
    return null
  }
}

/** The path for the data of a home; `id` names it, because a home that is made anew at the same path is another. */
export function reserveElsewhere(home: string, id: string): string {
  mkdirSync(elsewhere, { recursive: true, mode: 0o755 })
  for (const entry of readdirSync(elsewhere)) {
    if (entry.endsWith('.home')) removeIfForgotten(join(elsewhere, entry))
  }
  const dir = join(elsewhere, id)
  writeFileSync(`${dir}.home`, `${home}\n`, { mode: 0o600 })
  return dir
}

function removeIfForgotten(record: string): void {
  // A start that is under way has not made its link yet.
  if (Date.now() - statSync(record).mtimeMs < 60_000) return
  const home = readFileSync(record, 'utf8').trim()
  const dir = record.slice(0, -'.home'.length)
  const inHome = linkTarget(join(home, 'postgres'))
  const surelyGone = existsSync(dirname(home)) || home.startsWith(`${tmpdir()}/`)
  if (inHome === dir || !surelyGone || isServed(dir)) return
  rmSync(dir, { recursive: true, force: true })
  rmSync(record, { force: true })
}

function isServed(dir: string): boolean {
  try {
    const pid = Number(readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
    return programName(pid) === 'postgres'
  } catch {
    return false
  }
}
