/**
 * What is promised of effects that leave the database, while servers die, stops are thrown and the app dies among several
 * inputs: objects appear once, a target that keeps keys applies each once, one that does not is told at most once,
 * everything ends, and after an acknowledged stop nothing more arrives. The targets themselves are the witnesses. Where the
 * app dies in the path of a single effect is test/crash/points.test.ts. `EXO_CRASH_FULL=1` has more of all.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Carried, carryVote } from '../support/carrying.ts'
import { FourKinds, type Work } from '../support/four-kinds.ts'
import { RUNNING } from '../support/opening.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import { Random, seedOfRun } from '../support/random.ts'
import { notesIn, type Operation, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const FULL = process.env.EXO_CRASH_FULL === '1'
const OF_EACH = FULL ? 20 : 4
const FLIPS = Number(process.env.EXO_FLIPS ?? '4')
const HEALED_MS = 60_000

vi.setConfig({ testTimeout: 300_000 })

const random = new Random(seedOfRun('outside'))
let own: OwnDeployment
let kinds: FourKinds
const ended: string[] = []

beforeAll(async () => {
  own = await startOwnDeployment('outside')
  kinds = await FourKinds.open(own, 'outside')
})
afterAll(async () => {
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
  const count: Record<string, number> = {}
  for (const { work, operation } of asked) {
    const status = await kinds.expectTruth(work, operation.id, HEALED_MS)
    count[`${work.kind} ${status}`] = (count[`${work.kind} ${status}`] ?? 0) + 1
    ended.push(operation.id)
  }
  return count
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

test(`${FLIPS} stops while effects are on their way: nothing arrives after an acknowledge`, async () => {
  const { tenant } = kinds
  let blocked = 0
  for (let flip = 0; flip < FLIPS; flip++) {
    const asked = await waiting(3)
    const votes = Promise.all(lastVotes(asked))
    await new Promise((resolve) => setTimeout(resolve, random.next() * 300))
    const { status, body } = await tenant.as('operator').put('/kill-switches', {
      scope: 'tenant',
      state: 'stopped',
      reason: 'a flip',
    })
    const { arrived } = kinds
    expect([status, body.drain.state]).toEqual([200, 'drained'])
    await votes
    const count = await expectTruth(asked)
    expect(kinds.arrived).toBe(arrived)
    blocked += Object.entries(count).reduce((sum, [key, n]) => sum + (key.endsWith('blocked') ? n : 0), 0)
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  }
  process.stderr.write(`[outside] ${FLIPS} flips, ${blocked} blocked\n`)
  expect(blocked).toBeGreaterThan(0)
})

test('bundles of what lived through it verify offline', async () => {
  const ids = FULL ? ended : [...new Set(Array.from({ length: 40 }, () => random.pick(ended)))]
  const { verdict, failures } = await verifyBundles(kinds.tenant.as('auditor'), ids)
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})
