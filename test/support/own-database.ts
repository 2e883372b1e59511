/** A database of a test's own on the shared server: empty, owned as the deployment's is, dropped at the end. */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { Database } from './database.ts'
import { readState } from '../../bin/stack/state.ts'

export interface OwnDatabase {
  ownerUrl: string
  drop(): Promise<void>
}

export async function makeDatabase(): Promise<OwnDatabase> {
  const name = `exo_own_${randomBytes(4).toString('hex')}`
  const { home, addresses } = inject('deployment')
  const owner = new URL(addresses.postgres.ownerUrl)
  const superuser = new URL(owner.href)
  Object.assign(superuser, {
    username: 'postgres',
    password: readState(home)?.postgres.superuser,
    pathname: '/postgres',
  })
  const server = new Database(superuser.href)
  await server.query(`create database ${name} owner owner`)
  owner.pathname = `/${name}`
  return {
    ownerUrl: owner.href,
    drop: async () => {
      await server.query(`drop database ${name}`)
      await server.end()
    },
  }
}
