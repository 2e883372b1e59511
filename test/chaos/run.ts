/**
 * `npm run chaos -- --seed N --minutes M`: a deployment of its own under a load that never pauses, while a seeded schedule of
 * faults is carried out; then everything is healed, and the oracle looks. Exits 1 when something does not hold, or when so
 * little worked that nothing would have been seen.
 */
import { parseArgs } from 'node:util'
import { Crashes } from './crashes.ts'
import { isApplied } from './effects.ts'
import { Faults } from './faults.ts'
import { findShortfalls } from './floors.ts'
import { prepareGround } from './ground.ts'
import { type Done, Load, pause } from './load.ts'
import { Machine } from './machine.ts'
import { findFaults } from './oracle.ts'
import { Parts } from './parts.ts'
import { againSince, endedSince, meanwhile, notYetAgain, RECOVERED_MS, secondsOf, worstAfter } from './recovery.ts'
import { report } from './report.ts'
import { Runs } from './runs.ts'
import { digestOf, makeSchedule, skipping } from './schedule.ts'
import { Stops } from './stops.ts'
import { readStore } from './store-watch.ts'
import { Caller } from '../support/client.ts'
import type { Database } from '../support/database.ts'
import { Follower } from '../support/follower.ts'
import { Random } from '../support/random.ts'
import type { Receiver } from '../support/receiver.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2_147_483_647) },
    minutes: { type: 'string', default: '3' },
    callers: { type: 'string', default: '8' },
  },
})
const [seed, minutes, callers] = [Number(values.seed), Number(values.minutes), Number(values.callers)]
if (![seed, minutes, callers].every((each) => Number.isFinite(each) && each > 0)) {
  process.stderr.write('usage: npm run chaos -- [--seed N] [--minutes M] [--callers K]\n')
  process.exit(2)
}
const BUNDLES = 80

const say = (line: string) => void process.stdout.write(`${line}\n`)
const machine = await Machine.make(minutes)
const schedule = makeSchedule(seed, minutes * 60_000)
const { todo, skipped } = skipping(schedule, machine.missing)
say(
  `seed ${seed}, ${minutes} min, ${callers} callers, ${schedule.length} faults, schedule ${digestOf(schedule)}, ${new Date().toISOString()}`,
)
for (const [kind, why] of machine.missing)
  say(`not on this machine: ${skipped.filter(({ fault }) => fault.kind === kind).length} x ${kind}, ${why}`)

const random = new Random(seed + 1)
const ground = await prepareGround(machine, random)
const { own, tenant, targets, owner } = ground
const load = new Load(tenant, random, ground.origins)
const stops = new Stops(tenant, own.world)
const runs = new Runs({ tenantId: tenant.id, temporal: ground.temporal, load, random })
const crashes = new Crashes({ orders: ground.orders, stops, runs })
const faults = new Faults({ parts: new Parts(ground), links: ground.links, crashes, stops, runs, load, machine })
const followers = ground.urls.map((url) => new Follower(new Caller(url, tenant.as('viewer').token)))
for (const follower of followers) await follower.skipToTheEnd()
const following = followers.map(async (follower) => await follower.follow())
const working = load.run(callers)
await faults.run(todo, say)
for (const each of Object.values(ground.links)) each.heal()
const healedAt = Date.now()
say('healed; waiting for work of every sort to succeed again, and for everything to end')
await until('work of every sort succeeds again', () => notYetAgain(healedAt, load.done).length === 0, {
  withinMs: RECOVERED_MS,
}).catch(() => undefined)
const againMs = notYetAgain(healedAt, load.done).length === 0 ? Date.now() - healedAt : Infinity
load.stop()
await working
const stoppedAt = Date.now()
const sealedMs = await until('what ended is sealed', async () => (await countUnsealed(owner, tenant.id)) === 0, {
  withinMs: RECOVERED_MS,
}).then(
  () => Date.now() - stoppedAt,
  () => Infinity,
)
const ends = load.done.flatMap(({ id, status }) => (id === null || status === 'stuck' ? [] : [id]))
const hasHeard = (follower: Follower) => {
  const heard = new Set(follower.ends)
  return ends.every((id) => heard.has(id))
}
await until('whoever follows heard of every end', () => followers.every(hasHeard)).catch(() => undefined)
await pause(1_000)
for (const follower of followers) follower.stop()
await Promise.all(following)

const notes = await own.world.effects()
const store = await readStore(
  own.deployment.stack.addresses.s3,
  ['objects', 'raw'].map((folder) => `tenants/${tenant.id}/dev/${folder}/`),
)
const wrong = await findFaults({
  tenantId: tenant.id,
  done: load.done,
  notes,
  ...targets,
  store,
  puts: ground.watch.puts,
  terminated: runs.terminated,
  windows: stops.windows,
  heard: followers.map((follower) => follower.ends),
  owner,
})
// A run that was reset is two histories, and one that was terminated after its operation had ended and before it was told so
// breaks off: no verifier passes either. Of a wrong clock times do not follow.
const isTerminated = ({ id }: Done) => id !== null && runs.terminated.has(id)
const isToldSo = ({ code, reason }: Done) => code === 'run.terminated' || reason === 'run.terminated'
const isWhole = (each: Done) =>
  !runs.reset.has(each.id ?? '') && !load.timeless.has(each.name) && (!isTerminated(each) || isToldSo(each))
const whole = load.done.filter((each) => each.id !== null && isWhole(each))
const picked = [...Array.from({ length: BUNDLES }, () => random.pick(whole)), ...whole.filter(isTerminated)]
const some = [...new Set(picked.flatMap(({ id }) => id ?? []))]
const { verdict, failures } = await verifyBundles(tenant.as('auditor'), some, {
  exo: await machine.verifier(own.deployment.home),
})
wrong.push(...failures, ...faults.failures)
const effects = {
  transactional: notes.length,
  conditional: store.size,
  keyed: appliedBy(targets.keyed),
  blind: appliedBy(targets.blind),
}
wrong.push(
  ...findShortfalls({
    minutes,
    done: load.done,
    effects,
    planned: todo.map(({ fault }) => fault),
    faults: faults.done.map(({ fault }) => fault),
    met: crashes.met,
  }),
)

// What waits for a time that was told by a wrong clock is taken back by who asked for it, and not by us.
const done = load.done.filter(({ name }) => !load.timeless.has(name))
const recoveries = [
  { ...worstAfter(faults.done, load.done, againSince), until: 'work succeeded again' },
  { ...worstAfter(faults.done, done, endedSince), until: 'what was open had ended, less what targets took' },
  { after: 'the last of all', ms: againMs, until: 'work of every sort succeeded again' },
  {
    after: 'the last of all',
    ms: endedSince(healedAt, done),
    until: 'what was open had ended, less what targets took',
  },
  { after: 'the load', ms: sealedMs, until: 'what had ended was sealed' },
]
for (const each of recoveries)
  if (each.ms > RECOVERED_MS)
    wrong.push(`it took ${secondsOf(each.ms)} after ${each.after} until ${each.until}${meanwhile(each, load.done)}`)

report(say, {
  done: load.done,
  effects,
  todo,
  faults: faults.done,
  stops: stops.windows.length,
  hits: crashes.hits(),
  recoveries,
})
const broken = load.done.length - whole.length
say(
  `bundles       ${some.length} verified offline: ${verdict}; ${broken} are of runs reset, broken off or of a wrong clock`,
)
say(wrong.length === 0 ? 'violations    none' : `violations    ${wrong.length}`)
for (const each of wrong.slice(0, 50)) say(`  ${each}`)
for (const { id } of await owner.within<{ id: string }>(
  tenant.id,
  'select id from operations where tenant_id = $1 and ended_at is null limit 20',
  [tenant.id],
))
  say(await whereItStands(id))

await ground.stop()
machine.remove()
process.exit(wrong.length === 0 ? 0 : 1)

/** How many are still to be sealed; null while nobody answers. */
async function countUnsealed(from: Database, tenantId: string): Promise<number | null> {
  const asked = from.within(tenantId, 'select from outbox where tenant_id = $1', [tenantId])
  return (await asked.catch(() => null))?.length ?? null
}

/** How many operations a target said yes to. */
function appliedBy({ received }: Receiver): number {
  return new Set(received.filter(isApplied).map(({ headers }) => headers['x-exo-operation-id'])).size
}

/** An operation that did not end: its row, its claim, and what Temporal says of its run. */
async function whereItStands(id: string): Promise<string> {
  const rows = await owner.within(
    tenant.id,
    `select o.intent ->> 'action' as action, o.status, o.run_id, o.created_at, o.updated_at, jsonb_array_length(o.passes) as passes, c.state, c.kind, c.attempts, c.lease_until from operations o
       left join claims c on c.tenant_id = o.tenant_id and c.operation_id = o.id where o.tenant_id = $1 and o.id = $2`,
    [tenant.id, id],
  )
  const run = await ground.temporal.workflow
    .getHandle(`${tenant.id}/${id}`)
    .describe()
    .then(
      ({ status, runId, raw }) => ({
        status: status.name,
        runId,
        waits: raw.pendingActivities?.map(({ attempt, state, lastFailure }) => ({
          attempt,
          state,
          lastFailure: lastFailure?.message,
        })),
      }),
      (error: unknown) => String(error),
    )
  return `  ${id}: ${JSON.stringify({ rows, run })}`
}
