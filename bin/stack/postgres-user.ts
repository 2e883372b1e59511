/**
 * The user PostgreSQL runs as, and the directories that user can reach.
 *
 * PostgreSQL refuses to run as root, so root runs it as 65534 (`nobody`), who cannot pass through a directory like
 * /root that is closed to others. Guarantees: a directory returned from here is reachable by that user, proved by going
 * there as that user. Never opens a directory to others except the stack's own home, whose files stay closed one by
 * one.
 */
import { chmodSync, chownSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { elsewhere, linkTarget, reserveElsewhere } from './postgres-elsewhere.ts'
import { StackError } from './types.ts'

export const nobody = 65534

/** Undefined means: as ourselves. */
export function postgresUid(): number | undefined {
  return process.getuid?.() === 0 ? nobody : undefined
}

export async function canReach(dir: string, uid: number | undefined): Promise<boolean> {
  if (uid === undefined) return true
  const { code } = await runCommand('/bin/sh', ['-c', 'cd "$1" && test -x .', 'sh', dir], { uid, cwd: '/', env: {} })
  return code === 0
}

/** The directory that holds PostgreSQL's data, owned by its user and closed to everybody else. */
export async function postgresDir(home: string, id: string): Promise<string> {
  const inHome = join(home, 'postgres')
  const uid = postgresUid()
  if (uid === undefined) return makeDir(inHome, undefined)

  const existing = linkTarget(inHome)
  if (existing !== null) return makeDir(existing, uid)
  if (!(await canReach(home, uid))) chmodSync(home, 0o711)
  if (await canReach(home, uid)) return makeDir(inHome, uid)
  chmodSync(home, 0o700)

  let dir: string
  try {
    dir = makeDir(reserveElsewhere(home, id), uid)
  } catch (cause) {
    throw unreachable(home, cause)
  }
  if (!(await canReach(dir, uid))) throw unreachable(home)
  symlinkSync(dir, inHome)
  return dir
}

function unreachable(home: string, cause?: unknown): StackError {
  return new StackError(
    `PostgreSQL does not run as root, and user ${nobody} can reach neither ${home} nor ${elsewhere}`,
    {
      remedy: 'Set EXO_HOME to a directory whose parents all are open to others (mode 755), or do not run as root.',
      cause,
    },
  )
}

function makeDir(path: string, uid: number | undefined): string {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
  if (uid !== undefined) chownSync(path, uid, uid)
  return realpathSync(path)
}
