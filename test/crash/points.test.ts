/**
 * The app killed at every place of domain/crash-points.ts, and while two statements that no place divides are
 * on their way: with work of all four kinds of effect in flight, nothing is lost, nothing done twice, the witnesses
 * agree with the operations, and everything ends within a minute. Deaths follow one another while the work of those before is
 * still on its way. `EXO_CRASH_FULL=1` kills ten times at each place for each kind by itself, and waits for the end of each.
 * `EXO_POINTS` names the places, all when absent.
 */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type Carried, carry, carryVotes } from '../support/carrying.ts'
import { findContradictions } from '../support/contradictions.ts'
import { Database } from '../support/database.ts'
import { Follower } from '../support/follower.ts'
import { countOf, FourKinds, type Kind, KINDS, type Work } from '../support/four-kinds.ts'
import { RUNNING } from '../support/opening.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import { Random, seedOfRun } from '../support/random.ts'
import { leaseIsOver, openTemporal, reconcileNow } from '../support/temporal.ts'
import { until, within } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'
import { CRASH_POINTS, type CrashPoint } from '../../domain/crash-points.ts'
import { ObjectStore } from '../../stores/objects.ts'

const FULL = process.env.EXO_CRASH_FULL === '1'
const ROUNDS = FULL ? 10 : 1
/** Of each kind that is in flight. */
const OF_EACH = FULL ? 6 : 1
const HEALED_MS = 60_000
/** Callers have more of it than that: the app may die again before they are told. */
const PATIENCE_MS = 300_000
const POINTS = (process.env.EXO_POINTS?.split(',') ?? Object.keys(CRASH_POINTS)).map(asPoint)
const OUTSIDE: readonly Kind[] = ['conditional', 'keyed', 'blind']
/** Places that not every kind comes to: W3 is for a vote that does not decide, and one is enough for the others. */
const OF_SOME: Partial<Record<CrashPoint, readonly Kind[]>> = {
  E3: OUTSIDE,
  E4: OUTSIDE,
  E5: OUTSIDE,
  W3: ['keyed', 'blind'],
}
const reaching = (point: CrashPoint, of: readonly Kind[]) =>
  of.filter((kind) => OF_SOME[point]?.includes(kind) !== false)
const STOP = { scope: 'tenant', state: 'stopped', reason: 'while it dies' }

vi.setConfig({ testTimeout: 180_000 })

const random = new Random(seedOfRun('points'))
let own: OwnDeployment
let owner: Database
let temporal: Awaited<ReturnType<typeof openTemporal>>
let kinds: FourKinds
let keys = 0
const ended: string[] = []

beforeAll(async () => {
  own = await startOwnDeployment('points')
  owner = new Database(own.deployment.stack.addresses.postgres.ownerUrl, 2)
  temporal = await openTemporal(own.deployment.stack.addresses.temporal)
  kinds = await FourKinds.open(own, 'points')
})
afterAll(async () => {
  await temporal?.close()
  await owner?.end()
  await kinds?.close()
  await own?.stop()
})

afterEach(() => own.disarm())

interface Carrying {
  work: Work
  ends: Promise<Carried>
}

/** Callers who ask, voters who vote, all of whom repeat until they are told. Half of the notes have a standing grant. */
function inFlight(of: readonly Kind[]): Carrying[] {
  return of.flatMap((kind) =>
    Array.from({ length: OF_EACH }, (_, i) => {
      const work = kinds.work(kind)
      const standing = kind === 'transactional' && (FULL ? i % 2 === 1 : random.chance(0.5))
      return { work, ends: toItsEnd(work, standing) }
    }),
  )
}

/** Asks until it waits for people or has ended. */
const ask = async ({ request }: Work, who: 'agent' | 'owner', withinMs: number): Promise<Carried> =>
  await carry(kinds.tenant.as(who), `points-${++keys}`, request, withinMs)

async function toItsEnd(work: Work, standing: boolean): Promise<Carried> {
  const { tenant } = kinds
  const asked = await ask(work, standing ? 'agent' : 'owner', PATIENCE_MS)
  if (asked.status !== 'pending_approval') return asked
  return await carryVotes(tenant, asked.id, PATIENCE_MS)
}

/** Everything ends within a minute, and the witnesses agree; answers how many ended how. */
async function expectTruth(flying: readonly Carrying[]): Promise<Record<string, number>> {
  const ways: string[] = []
  for (const { work, ends } of flying) {
    const { id } = await ends
    ways.push(`${work.kind} ${await kinds.expectTruth(work, id, HEALED_MS)}`)
    ended.push(id)
  }
  return countOf(ways)
}

const kept: { what: string; flying: readonly Carrying[] }[] = []

/** Keeps the work to be looked at when all of it has ended; in full, that is at once. */
async function keep(what: string, flying: readonly Carrying[]): Promise<void> {
  kept.push({ what, flying })
  if (FULL) await settle()
}

/** All was executed, but for what a target that keeps no keys was told: of that nobody may know. */
async function settle(): Promise<void> {
  const looked = kept.splice(0)
  const all = Promise.all(looked.flatMap(({ flying }) => flying.map(({ ends }) => ends)))
  await within('everything ended', HEALED_MS, all)
  for (const { what, flying } of looked) {
    const count = await expectTruth(flying)
    process.stderr.write(`[points] ${what}: ${JSON.stringify(count)}\n`)
    for (const ending of Object.keys(count))
      expect(ending, what).toMatch(/^((transactional|conditional|keyed) executed|blind (executed|unknown))$/)
  }
}

function asPoint(name: string): CrashPoint {
  if (!Object.hasOwn(CRASH_POINTS, name)) throw new Error(`EXO_POINTS: there is no ${name}`)
  return name as CrashPoint
}

type Trial = (point: CrashPoint, of: readonly Kind[]) => Promise<void>

const whileWorking: Trial = async (point, of) => {
  const reached = reaching(point, of)
  // What nobody asked for, once for a tenant in five seconds, is not waited for twice; and of the votes that do not decide,
  // the run of a busy process hears most together with those that do.
  const often = ['U3', 'W3'].includes(point) ? 1 : Math.min(3, reached.length * OF_EACH)
  own.arm(point, 1 + random.below(often))
  const flying = inFlight(reached)
  await own.hit(point)
  await own.answers()
  await keep(`${point} ${of.join(' ')}`, flying)
}

/** Work is taken back before anybody votes: it ends without an effect. */
const whileCancelling: Trial = async (point, of) => {
  const { tenant } = kinds
  own.arm(point, 1 + random.below(of.length * OF_EACH))
  const cancelled = of.flatMap((kind) =>
    Array.from({ length: OF_EACH }, async () => {
      const work = kinds.work(kind)
      const { id } = await ask(work, 'owner', HEALED_MS)
      await until(
        `${id} is cancelled`,
        async () =>
          await tenant
            .as('owner')
            .post(`/operations/${id}/cancel`, { reason: 'a test' })
            .then(
              ({ body }) => body?.status === 'cancelled',
              () => false,
            ),
        { withinMs: HEALED_MS },
      )
      return { work, id }
    }),
  )
  await own.hit(point)
  await own.answers()
  for (const { work, id } of await Promise.all(cancelled)) {
    expect(await kinds.expectTruth(work, id, HEALED_MS)).toBe('cancelled')
    ended.push(id)
  }
}

/** Somebody follows the log; after the death they go on where they were, miss nothing and hear nothing twice. */
const whileFollowed: Trial = async (point, of) => {
  const follower = new Follower(kinds.tenant.as('viewer'))
  await follower.skipToTheEnd()
  const following = follower.follow()
  own.arm(point, 2 + random.below(4))
  const flying = inFlight(of)
  await own.hit(point)
  await own.answers()
  const ids = (await Promise.all(flying.map(({ ends }) => ends))).map(({ id }) => id)
  await until('whoever follows heard of every end', () => ids.every((id) => follower.ends.includes(id)), {
    withinMs: HEALED_MS,
    seen: () => follower.ends.length,
  })
  follower.stop()
  await following
  expect(new Set(follower.ends).size).toBe(follower.ends.length)
  await keep(`${point} ${of.join(' ')}`, flying)
}

/** The copy of the tree's head outside the database comes up with it although nothing new is written. */
const whileMirroring: Trial = async (point, of) => {
  await whileWorking(point, of)
  const store = new ObjectStore({ ...own.deployment.stack.addresses.s3, env: 'dev' })
  const bytes = async () => await store.get(store.checkpointKey(kinds.tenant.id))
  const head = async () =>
    (
      await owner.within<{ checkpoint: string }>(
        kinds.tenant.id,
        'select checkpoint from audit_heads where tenant_id = $1',
        [kinds.tenant.id],
      )
    )[0]
  await until(
    'the copy is the head',
    async () => new TextDecoder().decode((await bytes()) ?? new Uint8Array()) === (await head())?.checkpoint,
    { withinMs: HEALED_MS },
  )
}

/** A stop is asked for while work is in flight, and again: what it promised holds although nobody was told. */
const whileStopping: Trial = async (point, of) => {
  await settle()
  const flying = inFlight(of)
  await new Promise((resolve) => setTimeout(resolve, random.below(400)))
  for (const place of [point, 'K3'] as const) {
    own.arm(place, 1)
    const asked = kinds.tenant
      .as('operator')
      .put('/kill-switches', STOP)
      .catch(() => null)
    await own.hit(place)
    expect(await asked).toBeNull()
    await own.answers()
  }
  await stopHolds(flying, point)
}

async function stopHolds(flying: readonly Carrying[], what: string): Promise<void> {
  const again = await until(
    'the stop is acknowledged',
    async () =>
      await kinds.tenant
        .as('operator')
        .put('/kill-switches', STOP)
        .catch(() => null),
    { withinMs: HEALED_MS },
  )
  expect([again.status, again.body.effective.state, again.body.drain.state]).toEqual([200, 'stopped', 'drained'])
  const before = [await own.world.count(), kinds.arrived]
  const count = await expectTruth(flying)
  expect([await own.world.count(), kinds.arrived]).toEqual(before)
  process.stderr.write(`[points] ${what}: ${JSON.stringify(count)}\n`)
  await kinds.tenant.policy({ kill_switches: [RUNNING('tenant')] })
}

/** Deaths of a trial at other places than its own. */
const beside: CrashPoint[] = []

/**
 * A run is terminated by hand, so that its operation is put right by whoever looks after them, who dies twice on the way: one
 * that waits for people, and where the effect is outside one whose target has answered a process that died of it.
 */
const whileReconciling: Trial = async (point, of) => {
  // So that nobody else's effect dies in its stead.
  await settle()
  const kind = random.pick(of)
  const work = kinds.work(kind)
  const { tenant } = kinds
  const { id, status } = await ask(work, 'owner', HEALED_MS)
  expect(status).toBe('pending_approval')
  if (kind !== 'transactional') {
    own.arm('E5', 1)
    void carryVotes(tenant, id, PATIENCE_MS).catch(() => null)
    await own.hit('E5')
    beside.push('E5')
  } else own.arm(point, 1)
  await temporal.client.workflow.getHandle(`${tenant.id}/${id}`).terminate('a test')
  if (kind !== 'transactional') {
    await own.answers()
    await leaseIsOver(owner, tenant.id, id)
    own.arm(point, 1)
  }
  await reconcileNow(owner, temporal.client, tenant.id, id)
  await own.hit(point, 120_000)
  own.arm('Q2', 1)
  await own.answers()
  await reconcileNow(owner, temporal.client, tenant.id, id)
  await own.hit('Q2', 120_000)
  await own.answers()
  const ends = { transactional: 'failed', conditional: 'executed', keyed: 'unknown', blind: 'unknown' }
  expect(await kinds.expectTruth(work, id, 2 * HEALED_MS), kind).toBe(ends[kind])
  const { error } = await tenant.operation(id)
  if (kind !== 'conditional') expect([error.code, error.details.reason]).toContain('run.terminated')
  ended.push(id)
}

const TRIALS: Partial<Record<CrashPoint, Trial>> = {
  A6: whileFollowed,
  W5: whileCancelling,
  U3: whileMirroring,
  K1: whileStopping,
  Q1: whileReconciling,
}

const rounds = Array.from({ length: ROUNDS }, (_, i) => i + 1)
/** Places that are come to in the trial of another. */
const WITH: Partial<Record<CrashPoint, CrashPoint>> = { K3: 'K1', Q2: 'Q1' }
const runs = POINTS.filter((point) => WITH[point] === undefined).flatMap((point) =>
  (FULL ? KINDS.map((kind) => [kind]) : [[...KINDS]])
    .filter((of) => reaching(point, of).length > 0)
    .flatMap((of) => rounds.map((round) => ({ point, of, round }))),
)

test.each(runs)('killed at $point, $of in flight, $round', async ({ point, of }) => {
  await (TRIALS[point] ?? whileWorking)(point, of)
})

/** The app dies while what it asked of the database waits for a lock of this type, which the test holds meanwhile. */
async function killedWaiting(locktype: string, holding: string, ask: () => void): Promise<void> {
  await settle()
  const holder = new Database(own.deployment.stack.addresses.postgres.ownerUrl, 1)
  try {
    await holder.query('begin')
    await holder.query(holding)
    ask()
    await until('a statement waits', async () => {
      const waiting = await owner.query('select from pg_locks where not granted and locktype = $1', [locktype])
      return waiting.length > 0
    })
    own.deployment.app().kill('SIGKILL')
  } finally {
    await holder.query('rollback')
    await holder.end()
  }
  await own.answers()
}

test.each(rounds)("killed while an operation's row is written, %i", async () => {
  let flying: Carrying[] = []
  await killedWaiting('relation', 'lock table operations in exclusive mode', () => {
    flying = inFlight(KINDS)
  })
  await keep('a row on its way', flying)
})

test.each(rounds)('killed while a stop drains, %i', async () => {
  const { tenant } = kinds
  let flying: Carrying[] = []
  const fence = `select pg_advisory_xact_lock_shared(hashtextextended('exo fence ${tenant.id}', 0))`
  await killedWaiting('advisory', fence, () => {
    flying = inFlight(KINDS)
    void tenant
      .as('operator')
      .put('/kill-switches', STOP)
      .catch(() => null)
  })
  await stopHolds(flying, 'a stop that drains')
})

test('and then everything ended, nothing lost and nothing twice, and the rows agree', async () => {
  await settle()
  let found: string[] = []
  const agree = async () => {
    found = await findContradictions(owner, kinds.tenant.id)
    return found.length === 0
  }
  await until('the rows agree', agree, { withinMs: HEALED_MS, seen: () => found })
})

test('every place was come to', () => {
  const hits = own.hits()
  process.stderr.write(`[points] hits ${JSON.stringify(hits)}\n`)
  const times = (point: CrashPoint) =>
    runs.filter((run) => run.point === (WITH[point] ?? point)).length + beside.filter((each) => each === point).length
  for (const point of POINTS) expect(hits[point] ?? 0, point).toBe(times(point))
})

test('bundles of what lived through it verify offline', async () => {
  const some = [...new Set(Array.from({ length: FULL ? 40 : 20 }, () => random.pick(ended)))]
  const { verdict, failures } = await verifyBundles(kinds.tenant.as('auditor'), some)
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})
