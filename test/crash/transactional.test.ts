/**
 * What is left when processes die anywhere in the path of a transactional effect, with dozens of operations in flight,
 * under a standing grant and by votes: nothing lost, nothing twice, receipts and World agree both ways, everything ends.
 * Faults follow one another while the loads of the faults before are still on their way; the last test looks at all of
 * them. `EXO_CRASH_FULL=1` has two hundred in flight at each fault instead of thirty to forty, kills more often, and waits for the
 * end of each load before the next fault.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Client } from '@temporalio/client'
import { type Carried, carry, carryVote, readable } from '../support/carrying.ts'
import { Database } from '../support/database.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import { Random, seedOfRun } from '../support/random.ts'
import { openTemporal, reconcileNow } from '../support/temporal.ts'
import {
  endedOf,
  makeTenant,
  noteOf,
  type Operation,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until, within } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const FULL = process.env.EXO_CRASH_FULL === '1'
const IN_FLIGHT = FULL ? 200 : 40
const KILLS = FULL ? 20 : 1
/** With few in flight, test/crash/points.test.ts comes to these and to all others. */
const AROUND = FULL ? (['A3', 'A4', 'S1', 'S2'] as const) : []
const BEFORE = FULL ? (['W4', 'W5'] as const) : []
/** After healing, everything has ended within this. */
const HEALED_MS = 60_000

vi.setConfig({ testTimeout: FULL ? 900_000 : 120_000 })

const random = new Random(seedOfRun('crash'))
let own: OwnDeployment
let owner: Database
let temporal: { client: Client; close(): Promise<void> }
let tenant: Tenant
let trials = 0

beforeAll(async () => {
  own = await startOwnDeployment('crash')
  owner = new Database(own.deployment.stack.addresses.postgres.ownerUrl, 4)
  temporal = await openTemporal(own.deployment.stack.addresses.temporal)
  tenant = await makeTenant(own.all, own.deployment.url, 'crash')
  await tenant.open({ ...UNLIMITED, ...standingFor(tenant) })
})
afterAll(async () => {
  await temporal?.close()
  await owner?.end()
  await own?.stop()
})

interface Load {
  notebook: string
  /** Each resolves when its operation has ended. */
  carried: Promise<Carried>[]
}

/** Half of the operations wait for a vote before anything is broken; then all of them move at once. */
async function prepare(count: number): Promise<() => Load> {
  const notebook = `trial-${++trials}`
  const half = Math.floor(count / 2)
  const waiting: Operation[] = []
  const ask = async (i: number) => {
    const { id } = await carry(tenant.as('member'), `${notebook}-vote-${i}`, noteOf(notebook, `by vote ${i}`))
    return await readable(tenant, id, HEALED_MS)
  }
  for (let at = 0; at < half; at += 10)
    waiting.push(...(await Promise.all(Array.from({ length: Math.min(10, half - at) }, (_, i) => ask(at + i)))))
  return () => ({
    notebook,
    carried: [
      ...waiting.map((operation) => carryVote(tenant.as('operator'), operation)),
      ...Array.from({ length: count - half }, (_, i) =>
        carry(tenant.as('agent'), `${notebook}-${i}`, noteOf(notebook, `by grant ${i}`)),
      ),
    ],
  })
}

async function ends({ carried }: Load): Promise<Carried[]> {
  return await Promise.all(carried)
}

/**
 * The whole truth about the tenant, from four witnesses that do not know each other: World, receipts, the log, Temporal.
 */
async function witnesses(notebook: string) {
  const effects = (await own.world.effects()).filter((effect) => effect.tenant_id === tenant.id)
  const operations = await owner.within<{
    id: string
    status: string
    receipt: string | null
    ends: number
    claims: number
  }>(
    tenant.id,
    `select o.id, o.status, jws_payload(r.jws) as receipt, (select count(*)::int from claims c where c.tenant_id = $1 and c.operation_id = o.id) as claims,
       (select count(*)::int from audit_leaves l where l.tenant_id = $1 and l.operation_id = o.id and l.kind in ('operation.closed',
         'operation.blocked', 'operation.proposed', 'operation.denied', 'operation.expired', 'operation.cancelled')) as ends
     from operations o left join receipts r on r.tenant_id = o.tenant_id and r.operation_id = o.id
     where o.tenant_id = $1 and o.action = 'note.append' and o.intent -> 'input' ->> 'notebook' = $2`,
    [tenant.id, notebook],
  )
  return { effects, operations }
}

/** Nothing lost, nothing twice, everybody tells the same. */
async function expectTruth(load: Load, carried: Carried[]): Promise<{ executed: number; blocked: number }> {
  const { effects, operations } = await witnesses(load.notebook)
  expect(operations.map((row) => row.id).sort()).toEqual([...new Set(carried.map((each) => each.id))].sort())
  expect(operations).toHaveLength(carried.length)
  const byOperation = new Map<string, number>()
  for (const effect of effects) {
    expect(effect.what).toBe('INSERT')
    byOperation.set(effect.operation_id, (byOperation.get(effect.operation_id) ?? 0) + 1)
  }
  const told = new Map(carried.map((each) => [each.id, each.status]))
  for (const { id, status, receipt, ends: endLeaves, claims } of operations) {
    const says = `${id} ${status}`
    expect(told.get(id), says).toBe(status)
    expect(receipt, says).not.toBeNull()
    const { status: signed, effect } = JSON.parse(receipt ?? '{}') as {
      status: string
      effect: { state: string } | null
    }
    expect(signed, says).toBe(status)
    expect([byOperation.get(id) ?? 0, claims, effect?.state ?? null, endLeaves], says).toEqual(
      status === 'executed' ? [1, 1, 'committed', 1] : [0, 0, null, 1],
    )
  }
  // The other way round: whatever World saw has a receipt that says executed.
  const executed = new Set(
    (
      await owner.within<{ id: string }>(
        tenant.id,
        `select operation_id as id from receipts where tenant_id = $1 and status = 'executed'`,
        [tenant.id],
      )
    ).map((row) => row.id),
  )
  for (const id of byOperation.keys()) expect(executed.has(id), `World saw ${id}`).toBe(true)
  await expectHistoriesAgree(operations)
  const count = (status: string) => operations.filter((row) => row.status === status).length
  return { executed: count('executed'), blocked: count('blocked') }
}

/** No history says one thing beside a receipt that says another. */
async function expectHistoriesAgree(
  operations: { id: string; status: string; receipt: string | null }[],
): Promise<void> {
  for (const { id, status, receipt } of operations) {
    const result = (await temporal.client.workflow.getHandle(`${tenant.id}/${id}`).result()) as {
      status: string
      decision_hash: string
    }
    const { decision_hash } = JSON.parse(receipt ?? '{}') as { decision_hash: string }
    expect([result.status, result.decision_hash], id).toEqual([status, decision_hash])
  }
}

test('World cannot be written by any role of a running process', async () => {
  for (const [role, url] of Object.entries(own.deployment.stack.addresses.postgres.roles)) {
    if (role === 'owner') continue
    const database = new Database(url)
    for (const statement of [
      'select from world.effects',
      'delete from world.effects',
      `insert into world.effects (what) values ('x')`,
      'select world.record()',
    ])
      await expect(database.query(statement), `${role}: ${statement}`).rejects.toMatchObject({ code: '42501' })
    await database.end()
  }
})

const loads: Load[] = []

/** Keeps the load for the last test; in full, it is looked at by itself as well. */
async function keep(load: Load): Promise<void> {
  loads.push(load)
  if (FULL) await expectTruth(load, await within('all operations ended', HEALED_MS, ends(load)))
}

describe(`${IN_FLIGHT} in flight`, () => {
  test.each(['E1', 'E2', 'E6', 'E7'] as const)('and the app killed at %s', async (point) => {
    const start = await prepare(IN_FLIGHT)
    own.arm(point, 1 + random.below(Math.floor(IN_FLIGHT / 2)))
    const load = start()
    await own.hit(point)
    await own.answers()
    await keep(load)
  })

  test.each(AROUND)('and the app killed at %s', async (point) => {
    const start = await prepare(IN_FLIGHT)
    own.arm(point, 1 + random.below(5))
    const load = start()
    await own.hit(point)
    await own.answers()
    await keep(load)
  })

  test.each(BEFORE)('and the app killed at %s', async (point) => {
    own.arm(point, 1 + random.below(5))
    const notebook = `trial-${++trials}`
    const one = async (i: number): Promise<Carried> => {
      const asked = await carry(tenant.as('member'), `${notebook}-${i}`, noteOf(notebook, `waits ${i}`))
      return point === 'W4'
        ? await carryVote(tenant.as('operator'), await readable(tenant, asked.id, HEALED_MS))
        : await cancelled(asked.id)
    }
    const load = { notebook, carried: Array.from({ length: 40 }, (_, i) => one(i)) }
    await own.hit(point)
    await own.answers()
    await keep(load)
  })

  test.each(Array.from({ length: KILLS }, (_, i) => i + 1))(
    'and the app killed at no point in particular, %i',
    async () => {
      const start = await prepare(IN_FLIGHT)
      const load = start()
      const some = random.below(IN_FLIGHT)
      const before = await own.world.count()
      await until(`${some} effects came`, async () => (await own.world.count()) >= before + some, { withinMs: 30_000 })
      own.deployment.app().kill('SIGKILL')
      await own.answers()
      await keep(load)
    },
  )

  test.each(['postgres', 'temporal', 's3'] as const)('and %s killed, which the app survives', async (name) => {
    const app = own.deployment.app().pid
    const start = await prepare(FULL ? IN_FLIGHT : 30)
    const load = start()
    const before = await own.world.count()
    await until('the load moves', async () => (await own.world.count()) > before + 3, { withinMs: 30_000 })
    const part = own.deployment.stack.parts().find((each) => each.name === name)
    process.kill(part?.pid ?? 0, 'SIGKILL')
    await until(
      `${name} is another process`,
      () => {
        const now = own.deployment.stack.parts().find((each) => each.name === name)?.pid
        return now != null && now !== part?.pid
      },
      { withinMs: 30_000 },
    )
    await until('everything is ready again', ready, { withinMs: 30_000 })
    expect(own.deployment.app().pid).toBe(app)
    await keep(load)
  })

  test('and then nothing was lost, nothing done twice, and everything ended within a minute', async () => {
    const carried = await within('all operations ended', HEALED_MS, Promise.all(loads.map(ends)))
    let executed = 0
    for (const [index, load] of loads.entries()) executed += (await expectTruth(load, carried[index] ?? [])).executed
    const all = carried.flat()
    const otherwise = all.filter((each) => each.status !== 'executed' && each.status !== 'cancelled')
    expect(otherwise).toEqual([])
    const { effects } = await witnesses('')
    expect(effects).toHaveLength(executed)
    process.stderr.write(`[crash] ${all.length} operations, ${executed} effects, hits ${JSON.stringify(own.hits())}\n`)
    for (const point of ['E1', 'E2', 'E6', 'E7', ...AROUND, ...BEFORE]) expect(own.hits()[point], point).toBe(1)
  })

  const ready = async () =>
    await own.all.nobody.get('/readyz').then(
      ({ status }) => status === 200,
      () => false,
    )
  const cancelled = async (id: string): Promise<Carried> =>
    await until(
      `${id} is cancelled`,
      async () => {
        const answer = await tenant
          .as('member')
          .post(`/operations/${id}/cancel`, { reason: 'a test' })
          .catch(() => null)
        return answer?.body?.status === 'cancelled' ? { id, status: 'cancelled', code: null } : null
      },
      { withinMs: HEALED_MS },
    )
})

test(`bundles of operations that lived through it verify offline`, async () => {
  const ended = await endedOf(tenant)
  const looked = FULL ? ended : Array.from({ length: 30 }, () => random.pick(ended))
  const { verdict, failures } = await verifyBundles(tenant.as('auditor'), [...new Set(looked)])
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})

test('the audit log is whole: dense, indexed to the end, and it agrees with itself', async () => {
  await until(
    'everything that ended is sealed and every leaf has its place',
    async () => {
      const [left] = await owner.within<{ n: number }>(
        tenant.id,
        `select (select count(*) from audit_leaves where tenant_id = $1 and seq is null)::int + (select count(*) from receipts r
           where tenant_id = $1 and not exists (select from seals s where s.tenant_id = $1 and s.operation_id = r.operation_id))::int as n`,
        [tenant.id],
      )
      return left?.n === 0
    },
    { withinMs: HEALED_MS },
  )
  const [log] = await owner.within<{ leaves: number; places: number; last: number; size: number }>(
    tenant.id,
    `select count(*)::int as leaves, count(distinct seq)::int as places, max(seq)::int + 1 as last,
       (select size::int from audit_heads where tenant_id = $1) as size from audit_leaves where tenant_id = $1`,
    [tenant.id],
  )
  expect(log).toEqual({ leaves: log?.size, places: log?.size, last: log?.size, size: expect.any(Number) })
  const twice = await owner.within(
    tenant.id,
    `select operation_id from audit_leaves where tenant_id = $1 and kind = 'operation.sealed' group by 1 having count(*) > 1`,
    [tenant.id],
  )
  expect(twice).toEqual([])
})

/**
 * The story that decides whether the fast path ships: the guard commits, the worker dies before its run is told, and a
 * stop is set before it comes back. What was committed must be told as executed, by receipt and by history; everything
 * else must be blocked and without an effect.
 */
test.each(Array.from({ length: FULL ? 10 : 1 }, (_, i) => i + 1))(
  'a worker killed after the commit and a stop set before it comes back: no history says blocked beside an effect, %i',
  async () => {
    const start = await prepare(IN_FLIGHT)
    own.arm('E7', 2 + random.below(Math.floor(IN_FLIGHT / 3)))
    const load = start()
    await own.hit('E7')
    await stopWithoutTheApi()
    const atStop = (await own.world.effects()).map((effect) => effect.operation_id)
    await own.answers()
    const carried = await within('all operations ended', HEALED_MS, ends(load))
    const { executed, blocked } = await expectTruth(load, carried)
    expect(executed + blocked).toBe(carried.length)
    expect([executed > 0, blocked > 0], `${executed} executed, ${blocked} blocked`).toEqual([true, true])
    expect((await own.world.effects()).map((effect) => effect.operation_id)).toEqual(atStop)
    const last = atStop.at(-1) ?? ''
    expect(await tenant.operation(last)).toMatchObject({ status: 'executed', effect: { state: 'committed' } })
    for (const { code } of carried.filter((each) => each.status === 'blocked')) expect(code).toBe('kill_switch.blocked')
    const ids = carried.map((each) => each.id)
    expect(await verifyBundles(tenant.as('auditor'), ids)).toEqual({ verdict: 'PASS', runs: ids.length, failures: [] })
    await resume()
  },
)

/**
 * People were asked, the run was never told, and what the pass read is no longer so: the run asks again, finds that it asked,
 * and decides over what it saw then, so that history, log and receipt tell one story.
 */
test('a worker killed after it asked people and a stop set before it comes back: the run still waits for them', async () => {
  own.arm('W4', 1)
  const carried = carry(tenant.as('member'), 'asked-and-killed', noteOf('asked', 'before the stop'))
  await own.hit('W4')
  await stopWithoutTheApi()
  await own.answers()
  const { id, status } = await carried
  expect(status).toBe('pending_approval')
  const ended = await carryVote(tenant.as('operator'), await readable(tenant, id, HEALED_MS))
  expect(ended).toEqual({ id, status: 'blocked', code: 'kill_switch.blocked' })
  expect(await verifyBundles(tenant.as('auditor'), [id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
  await resume()
})

test('a worker killed after it asked people, whose operation is cancelled before it comes back: the log tells both', async () => {
  own.arm('W4', 1)
  const carried = carry(tenant.as('member'), 'asked-and-cancelled', noteOf('asked', 'taken back'))
  await own.hit('W4')
  await own.answers()
  const { id } = await carried
  await until(
    `${id} is cancelled`,
    async () => {
      await tenant.as('member').post(`/operations/${id}/cancel`, { reason: 'a test' })
      return (await tenant.operation(id)).status === 'cancelled'
    },
    { withinMs: HEALED_MS },
  )
  expect(await verifyBundles(tenant.as('auditor'), [id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
})

/** What was denied while it had no run ends in its next one, which dies before it is told; the one after has nothing but that. */
test('a run lost after it asked people, denied meanwhile and killed at its end: the log tells all of it', async () => {
  const { id } = await carry(tenant.as('member'), 'asked-and-lost', noteOf('asked', 'denied meanwhile'))
  const { client } = temporal
  await client.workflowService.deleteWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: `${tenant.id}/${id}` },
  })
  own.arm('W5', 1)
  const asked = await readable(tenant, id, HEALED_MS)
  const denied = { decision: 'deny', intent_hash: asked.intent_hash, reason: 'not now' }
  expect((await tenant.as('operator').post(`/operations/${id}/decisions`, denied)).status).toBe(200)
  await reconcileNow(owner, client, tenant.id, id)
  await own.hit('W5', HEALED_MS)
  await own.answers()
  expect((await tenant.ended(id, HEALED_MS)).status).toBe('denied')
  expect(await verifyBundles(tenant.as('auditor'), [id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
})

/** The API lives in the process that died, so the stop comes the way that needs PostgreSQL alone. */
async function stopWithoutTheApi(): Promise<void> {
  const stopRole = new Database(own.deployment.stack.addresses.postgres.roles.stop)
  await stopRole.query('select stop_switch($1)', [
    JSON.stringify({
      tenant_id: tenant.id,
      selectors: [{ kind: 'all', value: null }],
      hold: null,
      reason: 'while the worker is dead',
      changed_by: 'a test',
      leaf_hash: null,
      request_id: 'a-test',
      leaves: [],
    }),
  ])
  await stopRole.end()
}

async function resume(): Promise<void> {
  const running = { scope: 'tenant', state: 'running', reason: 'again' }
  const { body: asked } = await tenant.as('owner').put('/kill-switches', running)
  const { body } = await vote(tenant.as('operator'), asked)
  expect(body.operation.status).toBe('executed')
}
