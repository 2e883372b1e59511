/** The fence of one try: whether it is held is the server's word, not what this process has heard so far. */
import { afterAll, expect, inject, test } from 'vitest'
import { openPool } from '../../stores/postgres/pool.ts'
import { OperationStore } from '../../stores/postgres/operations.ts'
import { Database } from '../support/database.ts'

const { addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const pool = openPool(
  { url: addresses.postgres.roles.guard, max: 2, statementTimeoutMs: 1_000, applicationName: 'exo fence test' },
  () => undefined,
)
const store = new OperationStore(pool, pool, pool)
afterAll(async () => {
  await pool.end()
  await owner.end()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const isFree = async (tenantId: string) =>
  (
    await owner.query<{ free: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('exo fence ' || $1, 0)) free`,
      [tenantId],
    )
  )[0]?.free

test('a process that did nothing for longer than the lease is told that it lost it, before it has heard so', async () => {
  const fence = await store.fence('t_paused', 300)
  expect(await fence.renew()).toBe(true)
  // Nothing is heard meanwhile: neither a timer nor a socket of this process runs.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900)
  expect(await fence.renew()).toBe(false)
  await fence.release()
  expect(await isFree('t_paused')).toBe(true)
})

test('asking starts the lease anew, and no bound on transactions ends it sooner', async () => {
  const fence = await store.fence('t_renewed', 900)
  for (let i = 0; i < 5; i++) {
    await pause(600)
    expect(await fence.renew()).toBe(true)
    expect(await isFree('t_renewed')).toBe(false)
  }
  await fence.release()
  expect(await isFree('t_renewed')).toBe(true)
})
