/** What PostgreSQL says when it is not there, told from what it says of a statement that was wrong. */
import { afterAll, expect, inject, test } from 'vitest'
import { isUnavailable } from '../../stores/postgres/errors.ts'
import { Database } from '../support/database.ts'

const owner = new Database(inject('deployment').addresses.postgres.ownerUrl)
afterAll(async () => await owner.end())

test.each([
  ['only reads', '25006', true, ['set transaction read only', 'select from operations for update']],
  ['gave up a statement', '57014', true, ['set local statement_timeout = 1', 'select pg_sleep(1)']],
  ['was asked nonsense', '42P01', false, ['select from nowhere']],
  ['refuses a value', '22012', false, ['select 1 / 0']],
])('a server that %s: %s, away %s', async (_what, code, isAway, statements) => {
  const failed = owner.transaction(async (client) => {
    for (const statement of statements) await client.query(statement)
  }, 'rollback')
  const error = await failed.catch((thrown: unknown) => thrown)
  expect([(error as { code: string }).code, isUnavailable(error)]).toEqual([code, isAway])
})
