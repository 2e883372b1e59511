/**
 * What is promised of effects that leave the database, while the app dies at the worst places and stops are thrown: objects
 * appear once, a target that keeps keys applies each once, one that does not is told at most once, everything ends, and
 * after an acknowledged stop nothing more arrives. The targets themselves are the witnesses. `EXO_CRASH_FULL=1` has more of
 * all.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Carried, carryVote } from '../support/carrying.ts'
import { notRequired, RUNNING } from '../support/opening.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import { Random, seedOfRun } from '../support/random.ts'
import { Receiver } from '../support/receiver.ts'
import { makeTenant, notesIn, type Operation, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const FULL = process.env.EXO_CRASH_FULL === '1'
const OF_EACH = FULL ? 20 : 4
const ROUNDS = FULL ? 10 : 1
const FLIPS = Number(process.env.EXO_FLIPS ?? '4')
const HEALED_MS = 60_000

vi.setConfig({ testTimeout: 300_000 })

const random = new Random(seedOfRun('outside'))
let own: OwnDeployment
let tenant: Tenant
let keyed: Receiver
let blind: Receiver
let names = 0
const ended: string[] = []

beforeAll(async () => {
  own = await startOwnDeployment('outside')
  tenant = await makeTenant(own.all, own.deployment.url, 'outside')
  keyed = await Receiver.start()
  blind = await Receiver.start()
  await tenant.open({
    ...UNLIMITED,
    not_required: notRequired('reversible', 'contained', 'irreversible'),
    egress: [
      { origin: keyed.origin, methods: ['POST'], idempotency_header: 'Idempotency-Key' },
      { origin: blind.origin, methods: ['POST'], idempotency_header: null },
    ],
  })
})
afterAll(async () => {
  await own?.stop()
  await keyed?.stop()
  await blind?.stop()
})

type Kind = 'conditional' | 'keyed' | 'blind'
const KINDS: readonly Kind[] = ['conditional', 'keyed', 'blind']

/** Operations of each kind, every vote cast but the last. */
async function waiting(ofEach: number): Promise<{ kind: Kind; operation: Operation }[]> {
  const asked: { kind: Kind; operation: Operation }[] = []
  for (const kind of KINDS)
    for (let i = 0; i < ofEach; i++) {
      const name = `o-${++names}`
      const body =
        kind === 'conditional'
          ? { action: 'object.put', input: { name, text: `text of ${name}` } }
          : {
              action: 'http.post',
              target: `${(kind === 'keyed' ? keyed : blind).origin}/ok`,
              input: { body: { name } },
            }
      const { status, body: operation } = await tenant.as('owner').post<Operation>('/operations', body)
      expect(status).toBe(202)
      if (kind !== 'conditional') expect((await vote(tenant.as('operator'), operation)).status).toBe(200)
      asked.push({ kind, operation })
    }
  return asked
}

const lastVotes = (asked: { operation: Operation }[]): Promise<Carried>[] =>
  asked.map(({ operation }) => carryVote(tenant.as('operator2'), operation, HEALED_MS))

const sentFor = (id: string) =>
  [...keyed.received, ...blind.received].filter(({ headers }) => headers['x-exo-operation-id'] === id)

/** What the targets saw fits what the operation says of itself. */
async function expectTruth(asked: { kind: Kind; operation: Operation }[]): Promise<Record<string, number>> {
  const count: Record<string, number> = {}
  for (const { kind, operation } of asked) {
    const row = await tenant.ended(operation.id, HEALED_MS)
    const what = `${kind} ${operation.id} ${row.status}`
    count[`${kind} ${row.status}`] = (count[`${kind} ${row.status}`] ?? 0) + 1
    ended.push(operation.id)
    const requests = sentFor(operation.id)
    if (kind === 'conditional') {
      const { name, text } = operation.input as { name: string; text: string }
      const response = await fetch(`${own.deployment.url}/objects/${name}`, {
        headers: { authorization: `Bearer ${tenant.as('viewer').token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
      })
      expect(response.status === 200, what).toBe(row.status === 'executed')
      if (response.status === 200) expect(await response.text(), what).toBe(text)
    }
    if (kind === 'keyed') {
      expect(new Set(requests.map(({ headers }) => headers['idempotency-key'])).size, what).toBeLessThan(2)
      if (row.status === 'executed') expect(requests.length, what).toBeGreaterThan(0)
    }
    if (kind === 'blind') {
      expect(requests.length, what).toBeLessThan(2)
      if (row.status === 'executed') expect(requests.length, what).toBe(1)
    }
    if (row.status === 'blocked') expect(requests, what).toEqual([])
  }
  return count
}

test.each(Array.from({ length: ROUNDS }, () => ['E1', 'E3', 'E5', 'E7']).flat())(
  'the app killed at %s',
  async (point) => {
    const asked = await waiting(OF_EACH)
    own.arm(point, 1 + random.below(asked.length))
    const votes = lastVotes(asked)
    await own.hit(point)
    await own.answers()
    await Promise.all(votes)
    const count = await expectTruth(asked)
    process.stderr.write(`[outside] ${point}: ${JSON.stringify(count)}\n`)
    expect(count['conditional executed']).toBe(OF_EACH)
    expect(count['keyed executed']).toBe(OF_EACH)
    expect((count['blind executed'] ?? 0) + (count['blind unknown'] ?? 0)).toBe(OF_EACH)
  },
)

test.each(['E3', 'E2', 'E5'])(
  'the app killed at %s among several inputs goes on with the next, none twice',
  async (point) => {
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
  const before = keyed.received.length + blind.received.length
  await until('effects are on their way', () => keyed.received.length + blind.received.length > before)
  const part = own.deployment.stack.parts().find((each) => each.name === name)
  process.kill(part?.pid ?? 0, 'SIGKILL')
  await Promise.all(votes)
  const count = await expectTruth(asked)
  process.stderr.write(`[outside] ${name}: ${JSON.stringify(count)}\n`)
  expect(count['conditional executed']).toBe(OF_EACH)
  expect(count['keyed executed']).toBe(OF_EACH)
})

test(`${FLIPS} stops while effects are on their way: nothing arrives after an acknowledge`, async () => {
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
    const arrived = [keyed.received.length, blind.received.length]
    expect([status, body.drain.state]).toEqual([200, 'drained'])
    await votes
    const count = await expectTruth(asked)
    expect([keyed.received.length, blind.received.length]).toEqual(arrived)
    blocked += Object.entries(count).reduce((sum, [key, n]) => sum + (key.endsWith('blocked') ? n : 0), 0)
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  }
  process.stderr.write(`[outside] ${FLIPS} flips, ${blocked} blocked\n`)
  expect(blocked).toBeGreaterThan(0)
})

test('bundles of what lived through it verify offline', async () => {
  const ids = FULL ? ended : [...new Set(Array.from({ length: 40 }, () => random.pick(ended)))]
  const { verdict, failures } = await verifyBundles(tenant.as('auditor'), ids)
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})
