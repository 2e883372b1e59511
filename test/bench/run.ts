/**
 * `npm run bench`: our whole price beside a bare Temporal workflow with one regular activity, on one server, in one run,
 * interleaved, at 1 and 30 in flight; beside a bare HTTP server that inserts one row. Prints; asserts nothing.
 * `BENCH_ONLY=outside` measures the effects outside alone.
 */
import { readFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import pg from 'pg'
import { startDeployment } from '../../bin/deployment.ts'
import { runChain } from '../../domain/gates/chain.ts'
import { aPlan, anIntent, goodFacts } from '../support/domain.ts'
import { type Caller, callers } from '../support/client.ts'
import { notRequired, openGlobal, openTenant, standingNotes } from '../support/opening.ts'
import { Receiver } from '../support/receiver.ts'
import { startSecondApp } from '../support/second-app.ts'
import { leanClient } from './lean-client.ts'
import { startRowServer } from './row-server.ts'
import { measure, type Figures, table } from './measure.ts'
import { byHand, outsideCases, type OutsideTools } from './outside.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? '7')
const ONE = Number(process.env.BENCH_ONE ?? '40')
const MANY = Number(process.env.BENCH_MANY ?? '400')

Runtime.install({ logger: new DefaultLogger('ERROR') })
const say = (line: string) => process.stdout.write(`${line}\n`)
const home = await mkdtemp(join(tmpdir(), 'exo-bench-'))
const deployment = await startDeployment({ home, port: 0, progress: say, headless: true })
const closers: (() => Promise<unknown>)[] = []
let counter = 0
try {
  const all = callers(deployment.url, deployment.credentials)
  await openGlobal(all)
  const keyed = await Receiver.start()
  const blind = await Receiver.start()
  await openTenant(all, 't_demo', {
    ...standingNotes('t_demo', 1_000_000, ['note.append', 'note.remove', 'object.put']),
    not_required: notRequired('reversible', 'contained', 'irreversible'),
    egress: [
      { origin: keyed.origin, methods: ['POST'], idempotency_header: 'Idempotency-Key' },
      { origin: blind.origin, methods: ['POST'], idempotency_header: null },
    ],
    rate_limits: [
      { class: 'mutation', limit: 10_000_000, window_seconds: 60 },
      { class: 'read', limit: 10_000_000, window_seconds: 60 },
      { class: 'decision', limit: 10_000_000, window_seconds: 60 },
    ],
  })
  const { address, namespace } = deployment.stack.addresses.temporal

  // The same product with the fast path off, with a queue of its own.
  const regular = await startSecondApp(deployment, { EXO_FAST_PATH: 'false', EXO_TASK_QUEUE: 'exoarmur-regular' })
  closers.push(regular.stop)
  const bareWorker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    namespace,
    taskQueue: 'bare',
    workflowsPath: join(import.meta.dirname, 'bare-workflow.ts'),
    activities: { noop: async (input: string) => input, ...byHand(deployment.stack.addresses.s3) },
  })
  const bareRun = bareWorker.run()
  const client = new Client({ connection: await Connection.connect({ address }), namespace })
  const rowServer = await startRowServer(deployment.stack.addresses.postgres.ownerUrl)
  closers.push(
    async () => {
      bareWorker.shutdown()
      await bareRun
    },
    rowServer.close,
    async () => await keyed.stop(),
    async () => await blind.stop(),
  )

  const leanly = (url: string, headers?: Record<string, string>) => {
    const lean = leanClient(url, headers)
    closers.unshift(lean.close)
    return lean
  }
  const append = (url: string) => {
    const lean = leanly(url, all.as('t_demo', 'agent').context)
    const input = () => ({ notebook: 'bench', text: `note ${counter++}` })
    return async () => void (await lean.post('/operations', { action: 'note.append', input: input() }))
  }
  const rows = leanly(rowServer.url)
  const cases: Record<string, () => Promise<void>> = {
    'bare workflow, one activity': async () => {
      await client.workflow.execute('bare', { taskQueue: 'bare', workflowId: `bare-${counter++}`, args: ['x'] })
    },
    'ours, fast path': append(deployment.url),
    'ours, regular activity': append(regular.url),
    'bare HTTP, one row': async () => void (await rows.post('/', { text: `row ${counter++}` })),
  }
  const onlyOutside = process.env.BENCH_ONLY === 'outside'
  const figures = new Map<string, Figures[]>()
  const measured = Object.entries(onlyOutside ? {} : cases)
  for (const [name, work] of measured) {
    say(`warming up: ${name}`)
    // Long enough for both sides' code to be compiled: a service runs for days.
    await measure(work, 100, 1)
    await measure(work, 300, 30)
    figures.set(name, [])
  }
  for (let round = 1; round <= ROUNDS; round++)
    for (const inFlight of [1, 30])
      for (const [name, work] of inTurn(round, measured)) {
        await settled()
        const got = await measure(work, inFlight === 1 ? ONE : MANY, inFlight)
        figures.get(name)?.push(got)
        say(
          `round ${round}, ${String(inFlight).padStart(2)} in flight, ${name}: p50 ${got.p50.toFixed(1)} ms, ${got.rate.toFixed(0)}/s`,
        )
      }
  say('')
  say(
    `machine: ${cpus().length} × ${cpus()[0]?.model ?? '?'}, node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`,
  )
  if (!onlyOutside) say(table(figures, 'bare workflow, one activity'))
  await compareOutside({ all, client, keyed: keyed.origin, blind: blind.origin })
  if (!onlyOutside) await printShape()
} finally {
  for (const closeOne of closers) await closeOne()
  await deployment.stop()
  await rm(home, { recursive: true, force: true })
}
process.exit()

/** Every other round the other way round, so that nobody always runs after the same one. */
function inTurn<T>(round: number, cases: readonly T[]): readonly T[] {
  return round % 2 === 0 ? cases.toReversed() : cases
}

/** Effects outside, each beside the same call by hand. */
async function compareOutside(tools: OutsideTools): Promise<void> {
  const cases = outsideCases(tools)
  const figures = new Map<string, Figures[]>(Object.keys(cases).map((name) => [name, []]))
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, { prepare, work }] of inTurn(round, Object.entries(cases))) {
      await prepare?.(ONE)
      await settled()
      const got = await measure(work, ONE, 1)
      if (round > 0) figures.get(name)?.push(got)
    }
  const names = [...figures.keys()]
  const only = (from: number, to: number) =>
    new Map(names.slice(from, to).map((name) => [name, figures.get(name) ?? []]))
  say(table(only(0, 2), names[0] ?? ''))
  say(table(only(2, 5), names[2] ?? ''))
}

/** Waits until nothing is left to seal or to list, so that one case does not pay for the one before it. */
async function settled(): Promise<void> {
  const pool = new pg.Client({ connectionString: deployment.stack.addresses.postgres.roles.sequencer })
  await pool.connect()
  for (let tries = 0; tries < 600; tries++) {
    const { rows } = await pool.query('select count(*)::int as left from outbox')
    if (rows[0].left === 0) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await pool.end()
  await new Promise((resolve) => setTimeout(resolve, 1_500))
}

/** What one operation costs in events, statements and commits, read off the servers' own counters. */
async function printShape(): Promise<void> {
  const pool = new pg.Client({ connectionString: deployment.stack.addresses.postgres.ownerUrl })
  await pool.connect()
  const commits = async () =>
    Number(
      (await pool.query(`select xact_commit from pg_stat_database where datname = current_database()`)).rows[0]
        .xact_commit,
    )
  const trips = async () =>
    [
      ...(await (await fetch(`${deployment.url}/metrics`)).text()).matchAll(
        /^exo_database_round_trips_total\{role="(\w+)"\} (\d+)/gm,
      ),
    ]
      .filter(([, role]) => role === 'app' || role === 'guard')
      .reduce((sum, [, , count]) => sum + Number(count), 0)
  const n = 50
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const idleFrom = await commits()
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const idle = (await commits()) - idleFrom
  const before = await commits()
  const tripsBefore = await trips()
  const startedAt = performance.now()
  const agent = theAgent()
  let last = ''
  for (let i = 0; i < n; i++) {
    const { body } = await agent.post('/operations', {
      action: 'note.append',
      input: { notebook: 'shape', text: `${i}` },
    })
    last = body.id
  }
  say(`database round trips from proposal to answer: ${((await trips()) - tripsBefore) / n}`)
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  const seconds = (performance.now() - startedAt) / 1000
  say(
    `PostgreSQL commits per operation, sequencer and seal included: ${((await commits()) - before - (idle / 3) * seconds) / n}`,
  )
  const history = await new Client({
    connection: await Connection.connect({ address: deployment.stack.addresses.temporal.address }),
    namespace: deployment.stack.addresses.temporal.namespace,
  }).workflow
    .getHandle(`t_demo/${last}`)
    .fetchHistory()
  say(`events per history: ${history.events?.length}`)
  await pool.end()
  say(`chain: ${chainMicroseconds().toFixed(1)} µs for all eight gates`)
  await printParked()
}

/** The pure chain over one good facts document. */
function chainMicroseconds(): number {
  const [plan, intent, facts] = [aPlan(), anIntent(), goodFacts()]
  const rounds = 20_000
  for (let i = 0; i < rounds; i++) runChain(plan, intent, facts)
  const at = performance.now()
  for (let i = 0; i < rounds; i++) runChain(plan, intent, facts)
  return ((performance.now() - at) * 1000) / rounds
}

/** What operations that wait for people cost the worker in memory. */
async function printParked(): Promise<void> {
  const rss = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${deployment.app().pid}/status`, 'utf8'))?.[1]) / 1024
  const member = callers(deployment.url, deployment.credentials).as('t_demo', 'member')
  const parked = 200
  const before = rss()
  const park = async () => {
    await member.post('/operations', { action: 'note.append', input: { notebook: 'parked', text: `${counter++}` } })
  }
  await measure(park, parked, 10)
  const grown = rss() - before
  say(
    `parked approvals: ${parked} grew the process by ${grown.toFixed(0)} MiB; 1,000 while cached: ${((grown / parked) * 1000).toFixed(0)} MiB`,
  )
}

function theAgent(): Caller {
  return callers(deployment.url, deployment.credentials).as('t_demo', 'agent')
}
