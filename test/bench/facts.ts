/**
 * `npm run bench:facts`: the statement that reads all facts of a pass, among few tenants and among many, each with a hundred
 * rows of every control. Prints median and tail of one round trip, both times, and the plan of the second. Exits 1 when
 * the median is 2 ms or more, or when a step of the plan reads a whole table, or more rows than
 * one tenant has. `--tenants N`, 10,000 when absent.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { measure } from './measure.ts'
import { startDeployment } from '../../bin/deployment.ts'
import { openPool } from '../../stores/postgres/pool.ts'

const { values } = parseArgs({ options: { tenants: { type: 'string', default: '10000' } } })
const TENANTS = Number(values.tenants)
const FEW = 10
const ROWS = 100
const LIMIT_MS = 2
const CALLS = 500

/** A hundred rows of each control, of tenants from $1 to $2; what the measured operation asks for is among them. */
const FILL: Readonly<Record<string, string>> = {
  kill_switches: `(tenant_id, kind, value, state, epoch, changed_by)
    select t, case r when 1 then 'all' else 'action' end, case r when 1 then '' else 'some.action_' || r end, 'running', r, 'p_x'`,
  principals: `(id, kind, name, home_tenant) select 'p_' || substr(t, 3) || '_' || r, 'agent', 'Agent', t`,
  memberships: `(tenant_id, principal_id, role) select t, 'p_' || substr(t, 3) || '_' || r, 'member'`,
  places: `(tenant_id, kind, id, name)
    select t, case r when 1 then 'project' when 2 then 'app' else 'surface' end,
      case r when 1 then 'p_main' when 2 then 'a_main' when 3 then 's_main' else 's_' || r end, 'Place'`,
  license_types: `(tenant_id, id, name) select t, 'lt_' || r, 'Type ' || r`,
  firearm_policies: `(tenant_id, action, license_types)
    select t, case r when 1 then 'note.append' else 'some.action_' || r end, array['lt_1']`,
  license_grants: `(tenant_id, id, principal_id, license_type, actions, expires_at, granted_by_person)
    select t, 'gr_' || r, 'p_' || substr(t, 3) || '_' || ceil(r / 5.0), 'lt_1', array['note.append'], '2090-01-01', 'u_x'`,
  lock_policies: `(tenant_id, action, surface_id, required)
    select t, case r when 1 then 'note.append' else 'some.action_' || r end, '*', true`,
  three_wise_questions: `(tenant_id, id, question, binding_hash, asked_by, expires_at)
    select t, 'tw_' || r, 'Is it wise?', repeat('0', 64), 'p_x', '2090-01-01'`,
  strategy_locks: `(tenant_id, id, status, title, allowed_actions, surface_id, valid_from, valid_until, content_hash, created_by, three_wise_id)
    select t, 'sl_' || r, case when r <= 5 then 'approved' else 'expired' end, 'A lock', array['note.append'], '*', '2020-01-01',
      '2090-01-01', repeat('0', 64), 'p_x', 'tw_' || r`,
  budget_policies: `(tenant_id, surface_id, threshold)
    select t, case r when 1 then '' else 's_' || r end, 1000000`,
  budget_entries: `(tenant_id, source, operation_id, action, principal_id, surface_id, app_id, amount, state)
    select t, 'operation', 'op_' || r, 'note.append', 'p_x', 's_main', 'a_main', 1, 'settled'`,
  kpi_definitions: `(tenant_id, surface_id, kpi, unit, window_seconds) select t, 's_' || r, 'errors', 'percent', 3600`,
  kpi_corridors: `(tenant_id, surface_id, kpi, ceiling)
    select t, case when r <= 3 then 's_main' else 's_' || r end, 'kpi_' || r, 5`,
  kpi_raw: `(tenant_id, surface_id, kpi, value, measured_at, measured_by)
    select t, 's_main', 'kpi_' || (1 + r % 3), 1, clock_timestamp() - make_interval(mins => r), 'p_x'`,
  temperature_limits: `(tenant_id, surface_id, ceilings)
    select t, case r when 1 then 's_main' else 's_' || r end, '{"kpi_1": "5", "kpi_2": "5", "kpi_3": "5"}'`,
  waivers: `(tenant_id, gate, selector, value, until, reason, waived_by)
    select t, 'kpi', 'action', 'some.action_' || r, '2090-01-01', 'none', 'p_x'`,
  audit_leaves: `(tenant_id, kind, entry, seq) select t, 'alarm', convert_to(t || r, 'UTF8'), r - 1`,
}

const say = (line: string) => void process.stdout.write(`${line}\n`)
const nameOf = (nth: number) => `t_bench_${String(nth).padStart(6, '0')}`
const measured = nameOf(Math.ceil(FEW / 2))
const intent = {
  tenant_id: measured,
  principal_id: `p_${measured.slice(2)}_1`,
  action: 'note.append',
  class: 'reversible',
  project_id: 'p_main',
  surface_id: 's_main',
  app_id: 'a_main',
}

async function fill(owner: pg.Client, from: number, to: number): Promise<void> {
  // Rows of many tenants in one statement: the policies that forbid it to everybody are put back afterwards.
  const { rows: forced } = await owner.query<{ relname: string }>(
    'select relname from pg_class where relforcerowsecurity',
  )
  const tables = forced.map(({ relname }) => relname)
  await owner.query(tables.map((table) => `alter table ${table} no force row level security`).join(';'))
  await owner.query(
    `insert into tenants (id, name) select 't_bench_' || lpad(n::text, 6, '0'), 'Bench' from generate_series($1::int, $2::int) n`,
    [from, to],
  )
  for (const [table, rows] of Object.entries(FILL)) {
    const text = `insert into ${table} ${rows}
      from (select 't_bench_' || lpad(n::text, 6, '0') as t from generate_series($1::int, $2::int) n) tenants, generate_series(1, ${ROWS}) r`
    await owner.query(text, [from, to])
  }
  await owner.query(tables.map((table) => `alter table ${table} force row level security`).join(';'))
  await owner.query('analyze')
}

/** In the role and under the policies that the guard has. */
async function within<T>(guard: pg.PoolClient, work: () => Promise<T>): Promise<T> {
  await guard.query('begin')
  await guard.query(`select set_config('app.tenant', $1, true)`, [measured])
  const result = await work()
  await guard.query('rollback')
  return result
}

async function timed(guard: pg.PoolClient): Promise<number> {
  return await within(guard, async () => {
    const once = async () => {
      const { rows } = await guard.query<{ facts: { firearms: { grants: unknown[] } } }>({
        name: 'facts',
        text: 'select facts_of($1, $2) as facts',
        values: [intent, {}],
      })
      if (rows[0]?.facts.firearms.grants.length !== 5) throw new Error('the facts are not those that were filled in')
    }
    await measure(once, 50, 1)
    const { p50, p95 } = await measure(once, CALLS, 1)
    say(`  p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms, load ${loadavg()[0]?.toFixed(1)}`)
    return p50
  })
}

/** The plan of the function's own statement, with its arguments as parameters. */
async function planOf(owner: pg.Client, guard: pg.PoolClient): Promise<string[]> {
  const { rows } = await owner.query<{ prosrc: string }>(`select prosrc from pg_proc where proname = 'facts_of'`)
  const body = (rows[0]?.prosrc ?? '').replaceAll(/\bintent\b/g, '$1').replaceAll(/\bplan\b/g, '$2')
  return await within(guard, async () => {
    await guard.query(`prepare facts_plan (jsonb, jsonb) as ${body}`)
    const given = `'${JSON.stringify(intent)}', '{}'`
    const explained = await guard.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, costs off, timing off, buffers off) execute facts_plan (${given})`,
    )
    return explained.rows.map((row) => row['QUERY PLAN'])
  })
}

const home = await mkdtemp(join(tmpdir(), 'exo-facts-'))
const deployment = await startDeployment({ home, port: 0, progress: say, headless: true })
const { postgres } = deployment.stack.addresses
const owner = new pg.Client({ connectionString: postgres.ownerUrl })
// As the worker opens its own: plans are made once.
const asGuard = { url: postgres.roles.guard, max: 1, statementTimeoutMs: 600_000, planOnce: true }
const pool = openPool({ ...asGuard, applicationName: 'bench' }, (error) => say(String(error)))
let guard: pg.PoolClient | undefined
try {
  await owner.connect()
  guard = await pool.connect()
  await fill(owner, 1, FEW)
  say(`${FEW} tenants with ${ROWS} rows of each of ${Object.keys(FILL).length} tables`)
  const few = await timed(guard)
  const startedAt = performance.now()
  await fill(owner, FEW + 1, TENANTS)
  say(`${TENANTS} tenants (filled in ${((performance.now() - startedAt) / 1000).toFixed(0)} s)`)
  const many = await timed(guard)
  const plan = await planOf(owner, guard)
  say(`\n${plan.join('\n')}\n`)
  // One row says how the sequencer is. No step looks at more rows than one tenant has of one control.
  const scans = plan.filter(
    (line) =>
      (/Seq Scan on (?!audit_sequencer)/.test(line) && !line.includes('never executed')) ||
      Number(/actual rows=([\d.]+)/.exec(line)?.[1] ?? 0) > ROWS,
  )
  for (const scan of scans) say(`NOT HELD: ${scan.trim()}`)
  if (many >= LIMIT_MS) say(`NOT HELD: the median is ${many.toFixed(2)} ms`)
  say(`median ${few.toFixed(2)} ms among ${FEW} tenants, ${many.toFixed(2)} ms among ${TENANTS}; one round trip`)
  process.exitCode = scans.length === 0 && many < LIMIT_MS ? 0 : 1
} finally {
  guard?.release()
  await pool.end()
  await owner.end()
  await deployment.stop()
  await rm(home, { recursive: true, force: true })
}
