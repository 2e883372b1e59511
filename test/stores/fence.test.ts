/** The fence of one try: held by a session, beyond the transaction that it began with, for as long as that session speaks. */
import { afterAll, expect, inject, test } from 'vitest'
import type { EndDocument } from '../../domain/operation-rows.ts'
import { openPool } from '../../stores/postgres/pool.ts'
import { OperationStore } from '../../stores/postgres/operations.ts'
import { Database } from '../support/database.ts'

const LEASE_MS = 600
const { addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const options = { url: addresses.postgres.roles.guard, statementTimeoutMs: 1_000, applicationName: 'exo fence test' }
const [guard, fences] = [
  openPool({ ...options, max: 2, pipeline: true }, () => undefined),
  openPool({ ...options, max: 1, pipeline: true }, () => undefined),
]
const store = new OperationStore(guard, guard, fences, LEASE_MS)
afterAll(async () => {
  await guard.end()
  await fences.end()
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

test('it outlives the transaction that it began with, and is given back at the end', async () => {
  await store.fenced('t_held', 'op_held', async (fence) => {
    expect(await isFree('t_held')).toBe(true)
    await fence.guarded(async () => expect(await isFree('t_held')).toBe(false))
    expect(await isFree('t_held')).toBe(false)
    expect(await isFree('t_system')).toBe(false)
  })
  expect(await isFree('t_held')).toBe(true)
})

test('it is given back with the end of the operation, which nothing follows, even where that is refused', async () => {
  const end = { tenant_id: 't_ended', operation_id: 'op_ended' } as EndDocument
  await store.fenced('t_ended', 'op_ended', async (fence) => {
    await fence.guarded(async () => undefined)
    expect(await isFree('t_ended')).toBe(false)
    await expect(fence.endOperation(end)).rejects.toThrow('operation op_ended is absent')
    expect(await isFree('t_ended')).toBe(true)
    expect(fence.holds()).toBe(true)
  })
  await store.fenced('t_ended', 'op_ended', async (fence) => {
    await fence.guarded(async () => undefined)
    expect(await isFree('t_ended')).toBe(false)
  })
})

test('it is given back when the try throws, inside its transaction and after it', async () => {
  const thrown = new Error('thrown here')
  const inside = store.fenced('t_thrown', 'op_thrown', async (fence) => {
    await fence.guarded(async () => await Promise.reject(thrown))
  })
  await expect(inside).rejects.toBe(thrown)
  expect(await isFree('t_thrown')).toBe(true)
  const after = store.fenced('t_thrown', 'op_thrown', async (fence) => {
    await fence.guarded(async () => undefined)
    throw thrown
  })
  await expect(after).rejects.toBe(thrown)
  expect(await isFree('t_thrown')).toBe(true)
})

test('the server takes it back from a process that did nothing for longer than the lease', async () => {
  await store.fenced('t_paused', 'op_paused', async (fence) => {
    await fence.guarded(async () => undefined)
    expect(fence.holds()).toBe(true)
    // Nothing is heard meanwhile: neither a timer nor a socket of this process runs.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * LEASE_MS)
    expect(await isFree('t_paused')).toBe(true)
    await expect(fence.dispatchAgain(LEASE_MS, 1)).rejects.toThrow(/terminat|not queryable/)
    expect(fence.holds()).toBe(false)
  })
  expect(await isFree('t_paused')).toBe(true)
})

test('and inside its first transaction too', async () => {
  const paused = store.fenced('t_idle', 'op_idle', async (fence) => {
    await fence.guarded(async () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * LEASE_MS)
    })
  })
  await expect(paused).rejects.toThrow(/terminat|not queryable/)
  expect(await isFree('t_idle')).toBe(true)
})

test('asking begins the lease anew, and no bound on transactions ends it sooner', async () => {
  await store.fenced('t_asked', 'op_asked', async (fence) => {
    await fence.guarded(async () => undefined)
    for (let i = 0; i < 6; i++) {
      await pause(0.6 * LEASE_MS)
      expect(await fence.dispatchAgain(LEASE_MS, 1)).toBe(false)
      expect(await isFree('t_asked')).toBe(false)
    }
  })
  expect(await isFree('t_asked')).toBe(true)
})

test('a session that holds nothing may be silent for as long as it likes', async () => {
  const pids = new Set<number>()
  for (let i = 0; i < 3; i++) {
    await store.fenced('t_later', 'op_later', async (fence) => {
      await fence.guarded(async () => undefined)
      const rows = await owner.query<{ pid: number }>(
        `select pid from pg_locks where locktype = 'advisory' and granted and mode = 'ShareLock'
         and objid = (hashtextextended('exo fence t_later', 0) & 4294967295)::oid`,
      )
      for (const { pid } of rows) pids.add(pid)
    })
    await pause(1.5 * LEASE_MS)
  }
  expect(pids.size).toBe(1)
})

test('whoever holds it ends the operation on the same session, though nobody else gets a connection', async () => {
  const clients = await Promise.all([guard.connect(), guard.connect()])
  try {
    await store.fenced('t_alone', 'op_alone', async (fence) => {
      await fence.guarded(async () => undefined)
      expect(await fence.readClaimed('t_alone', 'op_alone')).toMatchObject({ operation: null })
    })
  } finally {
    for (const client of clients) client.release()
  }
})
