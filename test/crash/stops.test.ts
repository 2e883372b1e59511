/**
 * What a stop promises: once it is acknowledged nothing commits, whatever was on its way, whatever else is down. The
 * switch is thrown at random instants against a load that never pauses; World and the database's clock are the judges.
 * `EXO_FLIPS` sets how often, `EXO_SEED` repeats a run.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { carry, carryVote } from '../support/carrying.ts'
import { approve } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { RUNNING } from '../support/opening.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import { Random, seedOfRun } from '../support/random.ts'
import { ownKey } from '../support/own-key.ts'
import {
  makeTenant,
  noteOf,
  pending,
  propose,
  refused,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'

const FLIPS = Number(process.env.EXO_FLIPS ?? '40')
const IDLE_STOPS = 40
const CALLERS = 4
/** How long after its end a vote is still taken, as the contract has it. */
const SKEW_SECONDS = 5
const STOP = { scope: 'tenant', state: 'stopped', reason: 'a flip' } as const
const RESUME = { scope: 'tenant', state: 'running', reason: 'and on' } as const

const random = new Random(seedOfRun('stops'))
let own: OwnDeployment
let owner: Database
let tenant: Tenant

beforeAll(async () => {
  own = await startOwnDeployment('stops')
  owner = new Database(own.deployment.stack.addresses.postgres.ownerUrl)
  tenant = await makeTenant(own.all, own.deployment.url, 'stops')
  await tenant.open({ ...UNLIMITED, ...standingFor(tenant) })
})
afterAll(async () => {
  await owner?.end()
  await own?.stop()
})

interface Acknowledged {
  ms: number
  epoch: number
  /** Database time at which the last holder of the fence was gone. */
  drainedAt: string
}

async function stop(): Promise<Acknowledged> {
  const startedAt = performance.now()
  const { status, body } = await tenant.as('operator').put('/kill-switches', STOP)
  const ms = performance.now() - startedAt
  expect([status, body.effective, body.drain.state]).toEqual([
    200,
    { state: 'stopped', scope: 'tenant', reason: 'a flip' },
    'drained',
  ])
  return { ms, epoch: body.epoch, drainedAt: body.drain.at }
}

async function resume(): Promise<void> {
  const asked = await tenant.as('owner').put('/kill-switches', RESUME)
  const voted = await vote(tenant.as('operator'), asked.body)
  expect(voted.body.operation?.status, JSON.stringify(voted.body).slice(0, 400)).toBe('executed')
}

interface Answered {
  executed: number
  blocked: number
  other: string[]
}

/**
 * Does the work while callers append one note after another, and answers what they were answered. Who was refused tries
 * again a little later.
 */
async function underLoad(work: (answered: Answered) => Promise<void>): Promise<Answered> {
  const answered: Answered = { executed: 0, blocked: 0, other: [] }
  let on = true
  let n = 0
  const append = async () => {
    const { status, body } = await propose(tenant.as('agent'), { notebook: 'load', text: `note ${n++}` })
    if (status === 201) answered.executed++
    else if (status === 403 && body.error.code === 'kill_switch.blocked') {
      answered.blocked++
      await instant(100)
    } else answered.other.push(`${status} ${JSON.stringify(body).slice(0, 200)}`)
  }
  const calls = Array.from({ length: CALLERS }, async () => {
    while (on && answered.other.length === 0)
      await append().catch((error: unknown) => answered.other.push(String(error)))
  })
  try {
    await work(answered)
  } finally {
    on = false
    await Promise.all(calls)
  }
  expect(answered.other).toEqual([])
  return answered
}

/** An instant nobody chose: the pause is the point. */
const instant = (maxMs: number) => new Promise((resolve) => setTimeout(resolve, random.next() * maxMs))

function quantile(values: readonly number[], q: number): string {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN).toFixed(1)
}

test(
  `${FLIPS} stops at random instants against ${CALLERS} callers who go on: nothing commits after an acknowledge`,
  async () => {
    const idle: number[] = []
    for (let i = 0; i < IDLE_STOPS; i++) idle.push((await stop()).ms)
    await resume()

    const loaded: number[] = []
    const windows: { from: string; to: string }[] = []
    let seen = 0
    const { executed, blocked } = await underLoad(async (answered) => {
      for (let flip = 0; flip < FLIPS; flip++) {
        const before = answered.executed
        await until('the load runs', () => answered.executed > before + 1)
        await instant(120)
        const { ms, drainedAt } = await stop()
        const acknowledged = await own.world.now()
        loaded.push(ms)
        const sofar = answered.blocked
        await until('callers are refused', () => answered.blocked >= sofar + CALLERS)
        const later = await own.world.now()
        expect(later.count, `flip ${flip}: effects that became visible after the acknowledge`).toBe(acknowledged.count)
        expect(
          await own.world.since(drainedAt),
          `flip ${flip}: effects that committed after the fence was drained`,
        ).toBe(0)
        windows.push({ from: drainedAt, to: later.at })
        expect(later.count, `flip ${flip}: the load did something since the last flip`).toBeGreaterThan(seen)
        seen = later.count
        await resume()
      }
    })
    const effects = await own.world.effects()
    for (const { from, to } of windows) expect(await own.world.between(from, to)).toBe(0)
    const receipts = await owner.within<{ id: string }>(
      tenant.id,
      `select operation_id as id from receipts where tenant_id = $1 and status = 'executed' and jws_payload(jws)::jsonb -> 'intent' ->> 'action' = 'note.append'`,
      [tenant.id],
    )
    expect(effects.map((effect) => effect.operation_id).sort()).toEqual(receipts.map((row) => row.id).sort())
    process.stderr.write(
      `[stops] ${FLIPS} flips, ${executed} executed, ${blocked} blocked, 0 after an acknowledge; acknowledge idle p50 ${quantile(idle, 0.5)} ms, ` +
        `p99 ${quantile(idle, 0.99)} ms; loaded p50 ${quantile(loaded, 0.5)} ms, p99 ${quantile(loaded, 0.99)} ms\n`,
    )
  },
  120_000 + FLIPS * 3_000,
)

test('a global stop holds every tenant, and one platform operator resumes nothing alone', async () => {
  await underLoad(async (answered) => {
    await until('the load runs', () => answered.executed > 10)
    const stopped = await own.all.platform.put('/kill-switches', {
      scope: 'global',
      state: 'stopped',
      reason: 'everything',
    })
    expect([stopped.status, stopped.body.drain.state]).toEqual([200, 'drained'])
    const acknowledged = await own.world.now()
    const blocked = answered.blocked
    await until('callers are refused', () => answered.blocked >= blocked + 2 * CALLERS)
    expect((await own.world.now()).count).toBe(acknowledged.count)
    expect(await own.world.since(stopped.body.drain.at)).toBe(0)
    const one = await propose(tenant.as('agent'), { notebook: 'global', text: 'x' })
    expect(one.body.error.details).toMatchObject({ scope: 'global', reason: 'everything', unset: false })
    const asked = await own.all.platform.put('/kill-switches', { scope: 'global', state: 'running', reason: 'again' })
    expect(refused(await approve(own.all.platform, asked.body))).toEqual([403, 'approval.self'])
    expect((await propose(tenant.as('agent'), { notebook: 'global', text: 'x' })).status).toBe(403)
    expect((await approve(own.all.platform2, asked.body)).body.operation.status).toBe('executed')
    expect((await propose(tenant.as('agent'), { notebook: 'global', text: 'x' })).status).toBe(201)
  })
})

describe('a switch', () => {
  test('that is absent is stopped', async () => {
    await tenant.policy({ kill_switches: [] })
    const { body } = await propose(tenant.as('agent'), { notebook: 'absent', text: 'x' })
    expect(body.error.details).toMatchObject({ scope: 'tenant', unset: true, epoch: 0 })
    expect((await tenant.as('viewer').get('/kill-switches')).body.effective).toMatchObject({
      state: 'stopped',
      scope: 'tenant',
    })
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
    expect((await propose(tenant.as('agent'), { notebook: 'absent', text: 'x' })).status).toBe(201)
  })

  test('stays stopped when a stop came after the resume was asked for', async () => {
    await stop()
    const asked = await tenant.as('owner').put('/kill-switches', RESUME)
    const { epoch } = await stop()
    const voted = await vote(tenant.as('operator'), asked.body)
    expect(voted.body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed', http_status: 502 },
    })
    const { effective, switches } = (await tenant.as('viewer').get('/kill-switches')).body
    expect(effective.state).toBe('stopped')
    expect(
      switches.find(
        (row: { scope: string; selector: { kind: string } }) => row.scope === 'tenant' && row.selector.kind === 'all',
      ),
    ).toMatchObject({
      state: 'stopped',
      epoch,
    })
    expect((await propose(tenant.as('agent'), { notebook: 'epoch', text: 'x' })).status).toBe(403)
    await resume()
  })

  test('of one action, class or provider stops that and nothing else, and its epoch rises', async () => {
    const first = await tenant.as('operator').put('/kill-switches', { ...STOP, actions: ['note.remove'] })
    const again = await tenant
      .as('operator')
      .put('/kill-switches', { ...STOP, actions: ['note.remove'], reason: 'still' })
    expect(again.body.epoch).toBeGreaterThan(first.body.epoch)
    expect((await propose(tenant.as('agent'), { notebook: 'one', text: 'x' })).status).toBe(201)
    const removal = await tenant.as('agent').post('/operations', { action: 'note.remove', input: { note_id: 'n_x' } })
    expect(removal.body.error.details).toMatchObject({
      selector: { kind: 'action', value: 'note.remove' },
      reason: 'still',
    })
    await tenant.as('operator').put('/kill-switches', { ...STOP, classes: ['reversible'] })
    const blocked = await propose(tenant.as('agent'), { notebook: 'one', text: 'x' })
    expect(blocked.body.error.details).toMatchObject({ selector: { kind: 'class', value: 'reversible' } })
    const drain = (await tenant.as('viewer').get('/kill-switches/drain')).body
    expect(drain).toMatchObject({ scope: 'tenant', state: 'drained', operations: [] })
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  })

  test('held by the owner is resumed with the owner’s vote only', async () => {
    const held = await tenant.as('owner').put('/kill-switches', { ...STOP, hold: 'owner' })
    expect(held.status).toBe(200)
    expect(refused(await tenant.as('operator').put('/kill-switches', { ...STOP, hold: 'owner' }))).toEqual([
      403,
      'auth.insufficient_role',
    ])
    const asked = await tenant.as('admin').put('/kill-switches', RESUME)
    // Its answer waits for news that only the owner's vote can make.
    const operators = vote(tenant.as('operator'), asked.body)
    await until('the vote is counted', async () => (await tenant.operation(asked.body.id)).approval.votes.length === 1)
    expect((await tenant.operation(asked.body.id)).status).toBe('pending_approval')
    expect((await propose(tenant.as('agent'), { notebook: 'held', text: 'x' })).status).toBe(403)
    expect((await vote(tenant.as('owner'), asked.body)).body.operation.status).toBe('executed')
    expect((await operators).status).toBe(200)
    expect((await propose(tenant.as('agent'), { notebook: 'held', text: 'x' })).status).toBe(201)
  })
})

describe('while Temporal hangs', () => {
  const part = () => own.deployment.stack.parts().find((each) => each.name === 'temporal')?.pid ?? 0
  const hang = async (work: () => Promise<void>) => {
    const pid = part()
    process.kill(pid, 'SIGSTOP')
    try {
      await work()
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  }

  test('a stop, a vote and a cancel are taken at once; a proposal is answered within 15 s and found again by its key', async () => {
    const key = await ownKey(tenant, 'operator2', 'operator')
    const [voted, cancelled, brief] = await Promise.all(
      ['voted', 'cancelled', 'voted for seconds'].map((text) =>
        pending(tenant.as('member'), { notebook: 'hang', text }),
      ),
    )
    if (voted === undefined || cancelled === undefined || brief === undefined) throw new Error('three were asked for')
    const exp = Math.floor(Date.now() / 1000) + 2
    const timed = async <T>(name: string, withinMs: number, work: Promise<T>): Promise<T> => {
      const startedAt = performance.now()
      const answer = await work
      expect(performance.now() - startedAt, name).toBeLessThan(withinMs)
      return answer
    }
    await hang(async () => {
      const proposing = timed(
        'proposal',
        15_000,
        propose(tenant.as('agent'), { notebook: 'hang', text: 'proposed' }, {}, 'hang-key'),
      )
      const voting = timed('vote', 15_000, vote(tenant.as('operator'), voted))
      const cancelling = timed(
        'cancel',
        15_000,
        tenant.as('member').post(`/operations/${cancelled.id}/cancel`, { reason: 'no' }),
      )
      const signed = await key.sign(tenant, brief, { exp })
      const signing = timed('signed vote', 15_000, vote(tenant.as('operator2'), brief, 'approve', { vote: signed }))
      const stopping = await timed(
        'stop',
        2_000,
        tenant.as('operator').put('/kill-switches', { ...STOP, actions: ['note.remove'] }),
      )
      expect(stopping.status).toBe(200)
      expect((await timed('readiness', 5_000, own.all.nobody.get('/readyz'))).status).toBe(503)
      expect((await own.all.nobody.get('/readyz?for=stop')).status).toBe(200)
      expect(refused(await proposing)).toEqual([503, 'backend.unavailable'])
      expect((await voting).status).toBe(200)
      expect((await signing).status).toBe(200)
      expect((await cancelling).status).toBe(202)
      await until('the signed vote is too old to be admitted again', () => Date.now() / 1000 > exp + SKEW_SECONDS)
    })
    expect(await carry(tenant.as('agent'), 'hang-key', noteOf('hang', 'proposed'), 60_000)).toMatchObject({
      status: 'executed',
    })
    expect(await tenant.ended(voted.id, 60_000)).toMatchObject({ status: 'executed' })
    expect(await tenant.ended(cancelled.id, 60_000)).toMatchObject({ status: 'cancelled' })
    // Admitted in time is admitted: its row counts, however late the run hears of it.
    expect(await tenant.ended(brief.id, 60_000)).toMatchObject({ status: 'executed' })
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  })

  test('a stop made meanwhile binds what was proposed before, when it wakes', async () => {
    const asked = await pending(tenant.as('member'), { notebook: 'hang', text: 'voted under a stop' })
    const before = await own.world.count()
    await hang(async () => {
      await stop()
      expect((await vote(tenant.as('operator'), asked)).status).toBe(200)
    })
    expect(await carryVote(tenant.as('operator'), asked, 60_000)).toMatchObject({
      status: 'blocked',
      code: 'kill_switch.blocked',
    })
    expect(await own.world.count()).toBe(before)
    await resume()
  })
})
