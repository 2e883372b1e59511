/**
 * The database, its roles and its extension, made by the superuser so that nobody after it needs to be one.
 *
 * Guarantees: may run any number of times; roles that exist keep their password and attributes; no role is a superuser,
 * bypasses row security, or makes databases or roles. Grants on tables are the migrations' business.
 */
import pg from 'pg'
import { type RoleName, roleNames } from './types.ts'

const powerless = 'nosuperuser nobypassrls nocreatedb nocreaterole noreplication'

export const databaseName = 'exoarmur'

interface Superuser {
  host: string
  port: number
  user: string
  password: string
}

export async function provisionDatabase(superuser: Superuser, passwords: Record<RoleName, string>): Promise<void> {
  await session({ ...superuser, database: 'postgres' }, async (client) => {
    const existing = new Set(
      (await client.query('select rolname from pg_roles')).rows.map((row) => row.rolname as string),
    )
    for (const role of roleNames) {
      if (existing.has(role)) continue
      const password = client.escapeLiteral(passwords[role])
      await client.query(`create role ${role} login ${powerless} password ${password}`)
    }
    // Migrations run as owner and give some functions to control: owner may act as control, and inherits nothing.
    await client.query('grant control to owner with inherit false, set true')
    await client.query('grant pg_use_reserved_connections to stop')
    const made = await client.query('select 1 from pg_database where datname = $1', [databaseName])
    if (made.rowCount === 0) await client.query(`create database ${databaseName} owner owner`)
    await client.query(`revoke all on database ${databaseName} from public`)
    await client.query(`grant connect on database ${databaseName} to ${roleNames.join(', ')}`)
  })
  await session({ ...superuser, database: databaseName }, async (client) => {
    await client.query('create extension if not exists vector')
  })
}

async function session(config: pg.ClientConfig, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
