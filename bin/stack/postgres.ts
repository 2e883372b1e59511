/**
 * PostgreSQL: data directory, process, database and roles.
 *
 * Guarantees: a half-made data directory is never used (made aside, then renamed), commits are durable (fsync and
 * synchronous_commit stay on), everybody proves a password, and nobody listens beyond 127.0.0.1. The settings fit one
 * small machine, not a production server.
 */
import { chownSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { lastLines, plainEnvironment, runCommand } from './command.ts'
import { childOf, type StackContext, type StartedPart } from './context.ts'
import { postgresDir, postgresUid } from './postgres-user.ts'
import { obtainPostgres } from './postgres-program.ts'
import { programName } from './process-identity.ts'
import { provisionDatabase } from './provision.ts'
import { labels, StackError } from './types.ts'

const label = labels.postgres

const settings = {
  listen_addresses: '127.0.0.1',
  // Clients come over TCP; a socket's path would have to be short and reachable by another user.
  unix_socket_directories: '',
  shared_buffers: '256MB',
  max_connections: '200',
  // For role `stop`, which may use them: a stop finds a connection when all others are taken.
  reserved_connections: '4',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // A row that breaks a rule is not repeated in the log, which is no place for what it holds.
  log_error_verbosity: 'terse',
} as const

export async function startPostgres(context: StackContext): Promise<StartedPart> {
  const { home, state, progress, signal } = context
  const program = await obtainPostgres(progress, signal)
  const port = context.ports.postgres
  const parent = await postgresDir(home, state.id)
  const data = join(parent, 'data')
  if (!existsSync(data)) await makeData(context, program.binary, parent, data)
  const superuser = { host: '127.0.0.1', port, user: 'postgres', password: state.postgres.superuser }
  const child = childOf(context, 'postgres', {
    label,
    file: program.binary,
    args: [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: plainEnvironment(),
    cwd: data,
    uid: postgresUid(),
    prepare: () => forgetDeadPostmaster(data),
    ready: () => ask({ ...superuser, database: 'postgres' }),
    // Crash recovery of a large write-ahead log takes its time.
    readyWithinMs: 60_000,
    // Fast shutdown: sessions are ended, the checkpoint is written.
    stop: { signal: 'SIGINT', withinMs: 8_000 },
  })
  await child.start(signal)
  await provisionDatabase(superuser, state.postgres.roles)
  return { name: 'postgres', address: `127.0.0.1:${port}`, program, child }
}

async function ask(config: pg.ClientConfig): Promise<void> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: 1_000, query_timeout: 1_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function makeData(context: StackContext, binary: string, parent: string, data: string): Promise<void> {
  context.progress(`${label}: first start in this home, making the data directory`)
  const uid = postgresUid()
  const aside = mkdtempSync(join(parent, 'making-'))
  const password = `${aside}.password`
  try {
    writeFileSync(password, `${context.state.postgres.superuser}\n`, { mode: 0o600 })
    for (const path of [aside, password]) if (uid !== undefined) chownSync(path, uid, uid)
    const locale = ['--locale-provider=builtin', '--locale=C.UTF-8', '--lc-messages=C', '--encoding=UTF8']
    const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${password}`]
    const { code, output } = await runCommand(
      join(dirname(binary), 'initdb'),
      ['-D', aside, ...locale, ...access, '--no-instructions'],
      {
        env: plainEnvironment(),
        cwd: parent,
        signal: context.signal,
        ...(uid === undefined ? {} : { uid }),
      },
    )
    context.signal?.throwIfAborted()
    if (code !== 0) throw new StackError(`${label}: initdb failed:\n${lastLines(output)}`)
    renameSync(aside, data)
  } finally {
    rmSync(password, { force: true })
    rmSync(aside, { recursive: true, force: true })
  }
}

/**
 * PostgreSQL refuses to start while the process its pid file names is alive, and cannot know that the number went to
 * somebody else after a crash or a reboot. We can: that process is not a PostgreSQL.
 */
function forgetDeadPostmaster(data: string): void {
  const pidFile = join(data, 'postmaster.pid')
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
  if (programName(pid) !== 'postgres') rmSync(pidFile, { force: true })
}
