/**
 * `npm run chaos -- --seed N --minutes M`: a deployment of its own under a load that never pauses, while a seeded schedule of
 * faults is carried out; then everything is healed, and the oracle looks. Exits 1 when something does not hold, or when so
 * little worked that nothing would have been seen.
 */
import { parseArgs } from 'node:util'
import { Faults } from './faults.ts'
import { Link } from './link.ts'
import { Load, pause } from './load.ts'
import { Machine } from './machine.ts'
import { findFaults } from './oracle.ts'
import { digestOf, makeSchedule, skipping } from './schedule.ts'
import { Database } from '../support/database.ts'
import { notRequired } from '../support/opening.ts'
import { startOwnDeployment } from '../support/own-deployment.ts'
import { Random } from '../support/random.ts'
import { Receiver } from '../support/receiver.ts'
import { openTemporal } from '../support/temporal.ts'
import { makeTenant, standingFor, UNLIMITED } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'
import type { DeploymentOptions } from '../../bin/deployment.ts'

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
/** After healing, everything has ended within this. */
const HEALED_MS = 90_000
const BUNDLES = 80

const say = (line: string) => void process.stdout.write(`${line}\n`)
const machine = await Machine.make(minutes)
const schedule = makeSchedule(seed, minutes * 60_000)
const { todo, skipped } = skipping(schedule, machine.missing)
const { startDeployment } = await machine.checkout()
say(`seed ${seed}, ${minutes} min, ${callers} callers, ${schedule.length} faults, schedule ${digestOf(schedule)}`)
for (const [kind, why] of machine.missing)
  say(`not on this machine: ${skipped.filter(({ fault }) => fault.kind === kind).length} x ${kind}, ${why}`)

const links: Link[] = []
const link = async (host: string, port: number) => {
  const made = await Link.to(host, port)
  links.push(made)
  return made
}
const through: { postgres?: Link; temporal?: Link; s3?: Link } = {}
const between: DeploymentOptions['between'] = async (addresses) => {
  const database = new URL(addresses.postgres.roles.app)
  const [host = '', port] = addresses.temporal.address.split(':')
  const store = new URL(addresses.s3.endpoint)
  through.postgres = await link(database.hostname, Number(database.port))
  through.temporal = await link(host, Number(port))
  through.s3 = await link(store.hostname, Number(store.port))
  const at = (text: string, via: Link) => Object.assign(new URL(text), { host: `127.0.0.1:${via.port}` }).href
  const roles = { ...addresses.postgres.roles }
  for (const role of Object.keys(roles) as (keyof typeof roles)[]) roles[role] = at(roles[role], through.postgres)
  return {
    ...addresses,
    postgres: { ...addresses.postgres, roles },
    temporal: { ...addresses.temporal, address: `127.0.0.1:${through.temporal.port}` },
    s3: { ...addresses.s3, endpoint: at(addresses.s3.endpoint, through.s3).replace(/\/$/, '') },
  }
}
const own = await startOwnDeployment('chaos', machine.appEnvironment(), between, startDeployment)
const { addresses } = own.deployment.stack
const owner = new Database(addresses.postgres.ownerUrl)
const temporal = await openTemporal(addresses.temporal)
const keyed = await Receiver.start()
const blind = await Receiver.start()
const portOf = ({ origin }: Receiver) => Number(new URL(origin).port)
const targets = { keyed: await link('127.0.0.1', portOf(keyed)), blind: await link('127.0.0.1', portOf(blind)) }
const at = ({ port }: Link) => `http://127.0.0.1:${port}`
const origins = { keyed: at(targets.keyed), blind: at(targets.blind) }
const tenant = await makeTenant(own.all, own.deployment.url, 'chaos')
await tenant.open({
  ...UNLIMITED,
  ...standingFor(tenant, 1_000_000, '1000000'),
  not_required: notRequired('reversible', 'contained', 'irreversible'),
  rate_limits: [
    { class: 'mutation', limit: 10_000_000, window_seconds: 60 },
    { class: 'read', limit: 10_000_000, window_seconds: 60 },
    { class: 'decision', limit: 10_000_000, window_seconds: 60 },
  ],
  egress: [
    { origin: origins.keyed, methods: ['POST'], idempotency_header: 'Idempotency-Key' },
    { origin: origins.blind, methods: ['POST'], idempotency_header: null },
  ],
})

const random = new Random(seed + 1)
const load = new Load(tenant, random, origins)
const faults = new Faults({
  own,
  tenant,
  links: {
    postgres: through.postgres as Link,
    temporal: through.temporal as Link,
    s3: through.s3 as Link,
    ...targets,
  },
  temporal: temporal.client,
  load,
  random,
  machine,
})
const working = load.run(callers)
await faults.run(todo, say)
load.stop()
for (const each of links) each.heal()
own.disarm()
const healedAt = Date.now()
say('healed; waiting for everything to end')
await working
const recoveredMs = Date.now() - healedAt
await until(
  'everything that ended is sealed',
  async () =>
    (await owner.within(tenant.id, `select from outbox where tenant_id = $1`, [tenant.id]).catch(() => [0])).length ===
    0,
  { withinMs: HEALED_MS },
)
await pause(1_000)

const viewer = tenant.as('viewer')
const wrong = await findFaults({
  tenantId: tenant.id,
  done: load.done,
  notes: await own.world.effects(),
  keyed,
  blind,
  objectAt: async (name) => {
    const response = await fetch(`${own.deployment.url}/objects/${name}`, {
      headers: { authorization: `Bearer ${viewer.token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
    })
    return response.status === 200 ? await response.text() : null
  },
  windows: faults.windows,
  owner,
})
const ids = load.done.flatMap(({ id, name }) =>
  id === null || faults.reset.has(id) || load.timeless.has(name) ? [] : [id],
)
const some = [...new Set(Array.from({ length: BUNDLES }, () => random.pick(ids)))]
const { verdict, failures } = await verifyBundles(tenant.as('auditor'), some, {
  exo: await machine.verifier(own.deployment.home),
})
wrong.push(...failures)

const count = new Map<string, number>()
for (const { sort, status } of load.done) count.set(`${sort} ${status}`, (count.get(`${sort} ${status}`) ?? 0) + 1)
say('')
say(
  `operations    ${load.done.length}, of which executed ${load.done.filter(({ status }) => status === 'executed').length}`,
)
for (const [what, n] of [...count].sort()) say(`  ${what.padEnd(28)} ${n}`)
say(
  `effects       ${(await own.world.effects()).length} notes, ${keyed.received.length} keyed and ${blind.received.length} blind requests`,
)
say(
  `faults        ${[...faults.fired.values()].reduce((sum, n) => sum + n, 0)} fired, ${faults.windows.length} acknowledged stops`,
)
for (const [what, n] of [...faults.fired].sort()) say(`  ${what.padEnd(28)} ${n}`)
say(`crash points  ${JSON.stringify(own.hits())}`)
say(`recovery      everything had ended ${(recoveredMs / 1000).toFixed(1)} s after the last fault`)
say(`bundles       ${some.length} verified offline: ${verdict}`)
const executed = load.done.filter(({ status }) => status === 'executed').length
const ended = load.done.filter(({ status }) => status !== 'stuck').length
if (executed < load.done.length * 0.3) wrong.push(`only ${executed} of ${load.done.length} were executed`)
if (ended < load.done.length * 0.9) wrong.push(`only ${ended} of ${load.done.length} ended`)
if (recoveredMs > HEALED_MS) wrong.push(`recovery took ${recoveredMs} ms`)
if (faults.fired.size < Math.min(8, todo.length)) wrong.push(`only ${faults.fired.size} kinds of fault fired`)
if (faults.windows.length === 0 && minutes >= 1) wrong.push('no stop was acknowledged')
say(wrong.length === 0 ? 'violations    none' : `violations    ${wrong.length}`)
for (const each of wrong.slice(0, 50)) say(`  ${each}`)
for (const { id } of await owner.within<{ id: string }>(
  tenant.id,
  'select id from operations where tenant_id = $1 and ended_at is null limit 20',
  [tenant.id],
))
  say(await whereItStands(id))

await temporal.close()
await owner.end()
await own.stop()
for (const each of links) await each.close()
await keyed.stop()
await blind.stop()
machine.remove()
process.exit(wrong.length === 0 ? 0 : 1)

/** An operation that did not end: its row, its claim, and what Temporal says of its run. */
async function whereItStands(id: string): Promise<string> {
  const rows = await owner.within(
    tenant.id,
    `select o.intent ->> 'action' as action, o.status, o.run_id, o.created_at, o.updated_at, jsonb_array_length(o.passes) as passes, c.state, c.kind, c.attempts, c.lease_until from operations o
       left join claims c on c.tenant_id = o.tenant_id and c.operation_id = o.id where o.tenant_id = $1 and o.id = $2`,
    [tenant.id, id],
  )
  const run = await temporal.client.workflow
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
