/**
 * Brings the database to this version: plain SQL files, in order, each once, one migrator at a time. Runs as the owner
 * and nothing else does. A file that was changed after it ran is refused: the schema would not be what the code expects.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { readConfig } from './config.ts'
import { prepareLab } from './lab.ts'

const DIR = join(import.meta.dirname, '..', 'stores', 'postgres', 'migrations')

export async function migrate(ownerUrl: string, progress: (line: string) => void): Promise<number> {
  const ran = await runner({
    databaseUrl: ownerUrl,
    dir: DIR,
    direction: 'up',
    migrationsTable: 'schema_migrations',
    checkOrder: true,
    singleTransaction: true,
    verbose: false,
    log: () => undefined,
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: progress },
  })
  await refuseChangedFiles(ownerUrl)
  return ran.length
}

/** Keeps the digest of each file when it is first seen, and compares ever after. */
async function refuseChangedFiles(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    await client.query('create table if not exists schema_digests (name text primary key, sha256 text not null)')
    for (const name of (await readdir(DIR)).filter((file) => file.endsWith('.sql')).sort()) {
      const digest = createHash('sha256')
        .update(await readFile(join(DIR, name)))
        .digest('hex')
      const { rows } = await client.query<{ sha256: string }>(
        `insert into schema_digests (name, sha256) values ($1, $2)
         on conflict (name) do update set name = excluded.name returning sha256`,
        [name, digest],
      )
      if (rows[0]?.sha256 !== digest)
        throw new Error(
          `this database was made by another version of migration ${name}; use the code that made it, or a new database (EXO_HOME)`,
        )
    }
  } finally {
    await client.end()
  }
}

if (import.meta.main) {
  const url = process.env.EXO_DATABASE_URL
  if (url === undefined) throw new Error('EXO_DATABASE_URL is missing: the database owner, for migrations')
  const ran = await migrate(url, (line) => process.stderr.write(`${line}\n`))
  process.stdout.write(`schema is up to date, ${ran} migration(s) ran\n`)
  const config = readConfig(process.env)
  if (config.EXO_MODE === 'lab') await prepareLab(config.EXO_HOME, url)
}
