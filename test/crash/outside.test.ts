/**
 * What is promised of effects that leave the database, while servers die, stops are thrown and the app dies among several
 * inputs: objects appear once, a target that keeps keys applies each once, one that does not is told at most once,
 * everything ends, and after an acknowledged stop nothing more arrives. The targets themselves are the witnesses. Where the
 * app dies in the path of a single effect is test/crash/points.test.ts. `EXO_CRASH_FULL=1` has more of all.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Carried, carryVote, carryVotes } from '../support/carrying.ts'
import { Database } from '../support/database.ts'
import { countOf, FourKinds, type Kind, KINDS, type Work } from '../support/four-kinds.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import { Random, seedOfRun } from '../support/random.ts'
import { leaseIsOver, openTemporal, reconcileNow } from '../support/temporal.ts'
import { notesIn, type Operation, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'
import type { CrashPoint } from '../../domain/crash-points.ts'

const FULL = process.env.EXO_CRASH_FULL === '1'
const OF_EACH = FULL ? 20 : 4
const FLIPS = Number(process.env.EXO_FLIPS ?? '20')
const HEALED_MS = 60_000
const SWITCH = { scope: 'tenant', reason: 'a flip' } as const

vi.setConfig({ testTimeout: 300_000 })

const random = new Random(seedOfRun('outside'))
let own: OwnDeployment
let owner: Database
let kinds: FourKinds
let temporal: Awaited<ReturnType<typeof openTemporal>>
const ended: string[] = []

beforeAll(async () => {
  own = await startOwnDeployment('outside')
  owner = new Database(own.deployment.stack.addresses.postgres.ownerUrl)
  kinds = await FourKinds.open(own, 'outside')
  temporal = await openTemporal(own.deployment.stack.addresses.temporal)
})
afterAll(async () => {
  await temporal?.close()
  await owner?.end()
  await kinds?.close()
  await own?.stop()
})

interface Asked {
  work: Work
  operation: Operation
}

/** Operations of each kind outside, every vote cast but the last. */
async function waiting(ofEach: number): Promise<Asked[]> {
  const { tenant } = kinds
  const asked: Asked[] = []
  for (const kind of ['conditional', 'keyed', 'blind'] as const)
    for (let i = 0; i < ofEach; i++) {
      const work = kinds.work(kind)
      const { status, body: operation } = await tenant.as('owner').post<Operation>('/operations', work.request)
      expect(status).toBe(202)
      if (kind !== 'conditional') expect((await vote(tenant.as('operator'), operation)).status).toBe(200)
      asked.push({ work, operation })
    }
  return asked
}

const lastVotes = (asked: Asked[]): Promise<Carried>[] =>
  asked.map(({ operation }) => carryVote(kinds.tenant.as('operator2'), operation, HEALED_MS))

/** What the witnesses saw fits what the operations say of themselves; answers how many of each kind ended how. */
async function expectTruth(asked: Asked[]): Promise<Record<string, number>> {
  const ways: string[] = []
  for (const { work, operation } of asked) {
    ways.push(`${work.kind} ${await kinds.expectTruth(work, operation.id, HEALED_MS)}`)
    ended.push(operation.id)
  }
  return countOf(ways)
}

test.each(['E3', 'E2', 'E5'] as const)(
  'the app killed at %s among several inputs goes on with the next, none twice',
  async (point) => {
    const { tenant } = kinds
    const texts = Array.from({ length: 200 }, (_, i) => `${point} ${i + 1}`)
    const inputs = texts.map((text) => ({ notebook: point, text }))
    const asked = await tenant.as('owner').post<Operation>('/operations', { action: 'note.append', inputs })
    expect(asked.status).toBe(202)
    own.arm(point, point === 'E3' ? 1 : 1 + random.below(8))
    const voted = carryVote(tenant.as('operator'), asked.body, HEALED_MS)
    await own.hit(point)
    await own.answers()
    await voted
    const { status, effect } = await tenant.ended(asked.body.id, HEALED_MS)
    ended.push(asked.body.id)
    expect([status, effect.result.committed]).toEqual(['executed', 200])
    expect((await notesIn(tenant.as('viewer'), point)).reverse()).toEqual(texts)
  },
)

test.each(['postgres', 's3', 'temporal'] as const)('%s killed while effects are on their way', async (name) => {
  const asked = await waiting(OF_EACH)
  const votes = lastVotes(asked)
  const before = kinds.arrived
  await until('effects are on their way', () => kinds.arrived > before)
  const part = own.deployment.stack.parts().find((each) => each.name === name)
  process.kill(part?.pid ?? 0, 'SIGKILL')
  await Promise.all(votes)
  const count = await expectTruth(asked)
  process.stderr.write(`[outside] ${name}: ${JSON.stringify(count)}\n`)
  expect(count['conditional executed']).toBe(OF_EACH)
  expect(count['keyed executed']).toBe(OF_EACH)
})

interface Answered {
  work: Work
  id: string
  status: string
}

/** Nobody was asked: the grant was claimed, and what became of the object is there to be looked at. */
test('a run lost while its object is on its way under a grant looks for the object, and asks nobody', async () => {
  const { tenant } = kinds
  const pid = own.deployment.stack.parts().find(({ name }) => name === 's3')?.pid ?? 0
  const work = kinds.work('conditional')
  process.kill(pid, 'SIGSTOP')
  const asked = tenant
    .as('agent')
    .post('/operations', work.request)
    .catch(() => null)
  const id = await until('it is claimed', async () => {
    const { items } = (await tenant.as('viewer').get('/operations?status=executing')).body
    return items[0]?.id
  })
  await temporal.client.workflowService.deleteWorkflowExecution({
    namespace: temporal.client.options.namespace,
    workflowExecution: { workflowId: `${tenant.id}/${id}` },
  })
  own.deployment.app().kill('SIGKILL')
  process.kill(pid, 'SIGCONT')
  expect(await asked).toBeNull()
  await own.answers()
  await reconcileNow(owner, temporal.client, tenant.id, id)
  expect(await kinds.expectTruth(work, id, 2 * HEALED_MS)).toBe('executed')
  expect(await verified(id)).toEqual(PASSED)
})

test('a claim that the database refuses is not tried for ever: it failed, and nothing was sent', async () => {
  const { tenant } = kinds
  const work = kinds.work('keyed')
  const { body: asked } = await tenant.as('owner').post<Operation>('/operations', work.request)
  await owner.query(`alter table claims add constraint refused check (operation_id <> '${asked.id}') not valid`)
  try {
    const arrived = kinds.arrived
    void carryVotes(tenant, asked.id, HEALED_MS).catch(() => null)
    expect(await kinds.expectTruth(work, asked.id, HEALED_MS)).toBe('failed')
    expect((await tenant.operation(asked.id)).error.code).toBe('internal.error')
    expect(kinds.arrived).toBe(arrived)
  } finally {
    await owner.query('alter table claims drop constraint refused')
  }
})

/** The app dies at a place of what this asks for, its run is terminated meanwhile, and the time of its try ends. */
async function terminatedAt(
  point: CrashPoint,
  ask: () => Promise<string>,
  meanwhile: (id: string) => Promise<unknown> = async () => null,
): Promise<string> {
  const { tenant } = kinds
  own.arm(point, 1)
  const id = await ask()
  await own.hit(point)
  await temporal.client.workflow.getHandle(`${tenant.id}/${id}`).terminate('a test')
  await own.answers()
  await leaseIsOver(owner, tenant.id, id)
  await meanwhile(id)
  await reconcileNow(owner, temporal.client, tenant.id, id)
  return id
}

const verified = async (id: string) => await verifyBundles(kinds.tenant.as('auditor'), [id])
const PASSED = { verdict: 'PASS', runs: 1, failures: [] }

test.each([
  { point: 'E5', status: 'executed', object: 'is there' },
  { point: 'E3', status: 'unknown', object: 'is not' },
] as const)(
  'a run terminated while the app died at $point ends $status: its object $object',
  async ({ point, status }) => {
    const { tenant } = kinds
    const work = kinds.work('conditional')
    const id = await terminatedAt(point, async () => {
      const { body } = await tenant.as('owner').post<Operation>('/operations', work.request)
      void carryVote(tenant.as('operator'), body, HEALED_MS)
      return body.id
    })
    expect(await kinds.expectTruth(work, id, HEALED_MS)).toBe(status)
    expect(await verified(id)).toEqual(PASSED)
  },
)

test('a run terminated, whose row was made one of several inputs meanwhile, ends unknown: its money stays held', async () => {
  const { tenant } = kinds
  const work = kinds.work('keyed')
  const change = `update operations set plan = jsonb_set(plan, '{batch}', '{"items": 1, "unit_cost": "1"}') where id = $1`
  const id = await terminatedAt(
    'E5',
    async () => {
      const { body } = await tenant.as('owner').post<Operation>('/operations', work.request)
      void carryVotes(tenant, body.id, HEALED_MS).catch(() => null)
      return body.id
    },
    async (id) => await owner.within(tenant.id, change, [id]),
  )
  expect(await kinds.expectTruth(work, id, HEALED_MS)).toBe('unknown')
  expect((await tenant.operation(id)).error.details.reason).toBe('not as it was approved: plan')
  const held = 'select state from budget_entries where operation_id = $1'
  expect(await owner.within(tenant.id, held, [id])).toEqual([{ state: 'reserved' }])
})

test.each([
  ['E5', 25, 'executed'],
  ['E3', 0, 'failed'],
] as const)(
  'several inputs whose run is terminated at %s end with the %i that were done',
  async (point, done, status) => {
    const { tenant } = kinds
    const notebook = `terminated-${point}`
    const id = await terminatedAt(point, async () => {
      const inputs = Array.from({ length: 60 }, (_, i) => ({ notebook, text: `${i + 1}` }))
      const asked = { action: 'note.append', inputs, estimated_cost: '1' }
      const { body } = await tenant.as('owner').post<Operation>('/operations', asked)
      void carryVote(tenant.as('operator'), body, HEALED_MS)
      return body.id
    })
    const row = await tenant.ended(id, HEALED_MS)
    expect(row.status).toBe(status)
    expect(await notesIn(tenant.as('viewer'), notebook)).toHaveLength(done)
    if (done > 0) expect(row.effect.result).toMatchObject({ committed: done, failed: 0, blocked: 60 - done })
    else expect(row.error.code).toBe('run.terminated')
    expect(await verified(id)).toEqual(PASSED)
  },
)

/** Callers of every kind, who go on until they are refused, and again when they are told to. */
class Load {
  readonly answered: Answered[] = []
  refused = 0
  readonly #failed: unknown[] = []
  readonly #callers: Promise<void>[]
  readonly #kinds = [...KINDS, 'keyed', 'blind'] as const
  #ended = false
  #goOn = Promise.withResolvers<void>()

  constructor() {
    this.#callers = this.#kinds.map(async (kind) => await this.#call(kind))
  }

  /** Resolves when each caller was refused. */
  async stands(): Promise<void> {
    await until('everybody is refused', () => this.#failed.length > 0 || this.refused === this.#kinds.length)
    expect(this.#failed).toEqual([])
  }

  goOn(): void {
    this.refused = 0
    this.#goOn.resolve()
    this.#goOn = Promise.withResolvers()
  }

  async end(): Promise<void> {
    this.#ended = true
    this.goOn()
    await Promise.all(this.#callers)
    expect(this.#failed).toEqual([])
  }

  async #call(kind: Kind): Promise<void> {
    while (!this.#ended && this.#failed.length === 0) {
      const done = await carriedOnce(kinds.work(kind)).catch((error: unknown) => void this.#failed.push(error))
      if (done === undefined) return
      this.answered.push(done)
      if (done.status !== 'blocked') continue
      const { promise } = this.#goOn
      this.refused++
      await promise
    }
  }
}

/** Notes and objects by a standing grant, requests by two votes. */
async function carriedOnce(work: Work): Promise<Answered> {
  const { tenant } = kinds
  const voted = work.kind === 'keyed' || work.kind === 'blind'
  const { status, body } = await tenant.as(voted ? 'owner' : 'agent').post('/operations', work.request)
  if (status === 403 && body.error.code === 'kill_switch.blocked')
    return { work, id: body.error.details.operation_id, status: 'blocked' }
  if (status === 201) return { work, id: body.id, status: body.status }
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body).slice(0, 300)}`)
  if (voted) for (const voter of ['operator', 'operator2'] as const) await vote(tenant.as(voter), body)
  return { work, id: body.id, status: (await tenant.ended(body.id, HEALED_MS)).status }
}

const pause = (mostMs: number) => new Promise((resolve) => setTimeout(resolve, random.next() * mostMs))
const sizes = (seen: Record<Kind, readonly string[]>) => KINDS.map((kind) => seen[kind].length)

test(
  `${FLIPS} stops at random instants while callers of every kind go on: nothing arrives after an acknowledge`,
  async () => {
    const { tenant } = kinds
    const before = await kinds.witnessed()
    const load = new Load()
    const { answered } = load
    let listed = 0
    for (let flip = 0; flip < FLIPS; flip++) {
      const { arrived } = kinds
      if (random.chance(0.5)) await until('requests arrive', () => kinds.arrived > arrived)
      await pause(150)
      const { status, body } = await tenant.as('operator').put('/kill-switches', { ...SWITCH, state: 'stopped' })
      const acknowledged = sizes(await kinds.witnessed())
      expect([status, body.drain.state]).toEqual([200, 'drained'])
      listed += body.drain.operations.length
      await load.stands()
      expect(sizes(await kinds.witnessed()), `flip ${flip}: effects after the acknowledge`).toEqual(acknowledged)
      if (flip % 250 === 249) process.stderr.write(`[outside] ${flip + 1} of ${FLIPS} flips\n`)
      const asked = await tenant.as('owner').put('/kill-switches', { ...SWITCH, state: 'running' })
      expect((await vote(tenant.as('operator'), asked.body)).body.operation.status).toBe('executed')
      load.goOn()
    }
    await load.end()
    const after = await kinds.witnessed()
    const count = countOf(answered.map(({ work, status }) => `${work.kind} ${status}`))
    process.stderr.write(
      `[outside] ${FLIPS} flips: ${JSON.stringify(count)}, ${listed} listed, 0 after an acknowledge\n`,
    )
    for (const kind of KINDS) {
      // Several inputs of one operation are several notes of one id; a target that keeps keys may be told twice.
      const known = new Set(before[kind])
      const seen = new Set(after[kind].filter((each) => !known.has(each)))
      if (kind !== 'keyed') expect(after[kind].length - before[kind].length, kind).toBe(seen.size)
      const named = answered.filter(({ work }) => work.kind === kind)
      const executed = named.filter(({ status }) => status === 'executed')
      const name = ({ work, id }: Answered) => (kind === 'conditional' ? work.name : id)
      expect([...seen].sort(), kind).toEqual(executed.map(name).sort())
      expect(executed.length, kind).toBeGreaterThanOrEqual(FLIPS / 10)
      ended.push(...named.map(({ id }) => id))
    }
    expect(Object.keys(count).filter((each) => !/(executed|blocked)$/.test(each))).toEqual([])
  },
  120_000 + FLIPS * 3_000,
)

test('bundles of what lived through it verify offline', async () => {
  const ids = FULL ? ended : [...new Set(Array.from({ length: 40 }, () => random.pick(ended)))]
  const { verdict, failures } = await verifyBundles(kinds.tenant.as('auditor'), ids)
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})
