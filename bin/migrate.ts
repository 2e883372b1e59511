/**
 * Brings the database to this version: plain SQL files, in order, each once, one migrator at a time. Runs as the owner
 * and nothing else does.
 */
import { join } from 'node:path'
import { runner } from 'node-pg-migrate'
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
  return ran.length
}

if (import.meta.main) {
  const url = process.env.EXO_DATABASE_URL
  if (url === undefined) throw new Error('EXO_DATABASE_URL is missing: the database owner, for migrations')
  const ran = await migrate(url, (line) => process.stderr.write(`${line}\n`))
  process.stdout.write(`schema is up to date, ${ran} migration(s) ran\n`)
  const config = readConfig(process.env)
  if (config.EXO_MODE === 'lab') await prepareLab(config.EXO_HOME, url)
}
