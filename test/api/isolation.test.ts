/**
 * The second lock on tenancy and the separation of powers, asked of the database itself: what each role of a running
 * process can see and write, whatever its code does. Driven by the catalogue: a table somebody adds tomorrow is in it.
 */
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'
import { newPublicJwk } from '../support/own-key.ts'
import { Database } from '../support/database.ts'
import { UNTIL } from '../support/opening.ts'
import { makeTenant, pending, propose, standingFor, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'

const RUNTIME = ['app', 'guard', 'control', 'sequencer', 'stop', 'auditor'] as const
type Role = (typeof RUNTIME)[number]

/** Who is admitted past its tenant by a policy of its own, and to what. Everything else is nobody's. */
const SEES_EVERY_TENANT: Partial<Record<Role, readonly string[]>> = {
  sequencer: [
    'audit_leaves',
    'audit_nodes',
    'audit_heads',
    'outbox',
    'operations',
    'receipts',
    'claims',
    'seals',
    'operator_keys',
    'kill_switches',
    'raw_assets',
    'train_prefs',
    'strategy_locks',
  ],
  stop: ['claims'],
}
/** Whose rows of `t_system` every tenant may read. */
const SYSTEM_READ = ['config_values', 'feature_flags', 'kill_switches', 'rate_limits']

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const as = Object.fromEntries(RUNTIME.map((role) => [role, new Database(addresses.postgres.roles[role])])) as Record<
  Role,
  Database
>
let ours: Tenant
let theirs: Tenant
let tables: string[]
let readable: Record<Role, string[]>

beforeAll(async () => {
  const all = callers(url, credentials)
  ;[ours, theirs] = await Promise.all([makeTenant(all, url, 'ours'), makeTenant(all, url, 'theirs')])
  for (const tenant of [ours, theirs]) await fill(tenant)
  tables = (
    await owner.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
       where c.relkind in ('r', 'p') and not a.attisdropped and c.relnamespace = 'public'::regnamespace order by 1`,
    )
  ).map((row) => row.name)
  readable = {} as Record<Role, string[]>
  for (const role of RUNTIME)
    readable[role] = (
      await owner.query<{ name: string }>(
        `select t as name from unnest($2::text[]) t where has_any_column_privilege($1, t, 'select')`,
        [role, tables],
      )
    ).map((row) => row.name)
})

/** The outbox may be empty again by now; this is due when the test is over. */
beforeEach(async () => {
  for (const { id } of [ours, theirs])
    await owner.within(
      id,
      `insert into outbox (tenant_id, operation_id, kind, due_at) values ($1, 'op_none', 'cancel', clock_timestamp() + interval '50 seconds')`,
      [id],
    )
})
afterAll(async () => {
  for (const each of [owner, ...Object.values(as)]) await each.end()
})

/** Puts at least one row of the tenant into every table, by the product where it can, by the owner where it cannot yet. */
async function fill(tenant: Tenant): Promise<void> {
  await tenant.open({
    ...UNLIMITED,
    ...standingFor(tenant),
    firearms: [{ action: 'note.remove', license_types: ['lt_notes'] }],
    strategy_locks: [{ action: 'note.remove', required: true }],
    budget: [{ scope: {}, threshold: '100' }],
    kpi: {
      definitions: [{ surface_id: 's_main', kpi: 'k', unit: 'x', window_seconds: 60 }],
      corridors: [{ surface_id: 's_main', kpi: 'k', ceiling: '5' }],
    },
    temperature: [{ surface_id: 's_main', ceilings: { k: '5' } }],
    feature_flags: { sse_enabled: true },
  })
  await tenant.as('service').post('/kpi/raw', { kpi: 'k', value: '1' })
  expect((await tenant.as('service').post('/budget/usage', { cost: '1', action: 'note.append' })).status).toBe(201)
  const key = await tenant.as('operator2').post('/operator-keys', {
    public_jwk: newPublicJwk(),
  })
  await vote(tenant.as('operator'), key.body)
  await propose(tenant.as('agent'), { notebook: 'n', text: 't' }, { estimated_cost: '1' })
  await vote(tenant.as('operator'), await pending(tenant.as('member'), { notebook: 'n', text: 't' }))
  await tenant
    .as('operator')
    .put('/kill-switches', { scope: 'tenant', state: 'stopped', reason: 'x', actions: ['note.list'] })
  await owner.within(
    tenant.id,
    `insert into egress_targets (tenant_id, origin, methods) values ($1, 'https://example.com', '{POST}')`,
    [tenant.id],
  )
  await owner.within(
    tenant.id,
    `insert into batch_items (tenant_id, operation_id, n, state) select tenant_id, id, 1, 'committed' from operations limit 1`,
  )
  await until('something is sealed', async () => (await owner.within(tenant.id, 'select from seals')).length > 0)
  const lock = { title: 't', allowed_actions: ['note.remove'], surface_id: 's_main', valid_until: UNTIL }
  expect((await tenant.as('agent').post('/strategy-locks', lock)).status).toBe(201)
  expect((await tenant.as('owner').post('/privacy/train-prefs/tenant', { opt_out: true })).status).toBe(200)
  const config = { headers: { 'if-match': '"0"' } }
  expect((await tenant.as('owner').put('/config/tenant', { values: { a: 1 } }, config)).status).toBe(200)
  const binds = { action: 'note.append', input: { notebook: 'n', text: 't' } }
  expect((await tenant.as('agent').post('/three-wise/questions', { question: 'q', binds })).status).toBe(201)
  const asked = { filename: 'a.png', sha256: '0'.repeat(64), size_bytes: 1 }
  expect((await tenant.as('owner').post('/nexus/raw/presign-upload', asked)).status).toBe(201)
  expect((await tenant.as('owner').post('/auth/ticket', { stream: '/events' })).status).toBe(201)
}

/** Runs one statement as the role with `app.tenant` as given, and takes it back. */
async function attempt(
  role: Role,
  tenantId: string | null,
  text: string,
  values: unknown[] = [],
): Promise<pg.QueryResult> {
  return await as[role].transaction(async (client) => {
    if (tenantId !== null) await client.query(`select set_config('app.tenant', $1, true)`, [tenantId])
    return await client.query(text, values)
  }, 'rollback')
}

/** The SQLSTATE a statement is refused with, or `done` and how many rows it touched. */
async function refusalOf(role: Role, tenantId: string | null, text: string, values: unknown[] = []): Promise<string> {
  try {
    const { rowCount } = await attempt(role, tenantId, text, values)
    return `done ${rowCount}`
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

const DENIED = '42501'

describe('every table that has a tenant', () => {
  test('has row-level security, forced, with one policy for reading and writing', async () => {
    const rows = await owner.query<{ name: string; enabled: boolean; forced: boolean; own: boolean }>(
      `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
         exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'own_tenant' and p.polcmd = '*' and p.polpermissive
           and pg_get_expr(p.polqual, c.oid) = '(tenant_id = current_tenant())'
           and pg_get_expr(p.polwithcheck, c.oid) = '(tenant_id = current_tenant())') as own
       from pg_class c where c.oid = any ($1::regclass[]) order by 1`,
      [tables],
    )
    expect(rows.length).toBeGreaterThan(30)
    expect(rows.filter((row) => !row.enabled || !row.forced || !row.own)).toEqual([])
  })

  test('is every table but these, which speak of nobody’s tenant or are read by nobody', async () => {
    const rows = await owner.query<{ name: string; readers: string[] }>(
      `select c.relname as name, array(select r from unnest($2::text[]) r where has_any_column_privilege(r, c.oid, 'select') order by 1) as readers
       from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname <> all ($1) order by 1`,
      [tables, RUNTIME],
    )
    const everybody = [...RUNTIME].sort()
    expect(rows.map(({ name, readers }) => [name, readers.join()])).toEqual([
      ['api_keys', ''],
      ['audit_sequencer', 'app,control,guard,sequencer'],
      ['deployment', 'app,control,guard,sequencer'],
      ['oidc_subjects', ''],
      ['principals', 'app,control,guard'],
      ['schema_digests', ''],
      ['schema_migrations', ''],
      ['tenants', everybody.join()],
    ])
  })

  test('has no policy but the named ones', async () => {
    const rows = await owner.query<{ policy: string; tables: string[] }>(
      `select p.polname || coalesce(' to ' || (select string_agg(rolname, ',') from pg_roles where oid = any (p.polroles)), '') as policy,
         array_agg(c.relname::text order by c.relname) as tables
       from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname <> 'own_tenant' group by 1 order by 1`,
    )
    expect(rows).toEqual([
      { policy: 'only_opts_out to app', tables: ['train_prefs'] },
      { policy: 'opens_only to app', tables: ['operations'] },
      { policy: 'own_memberships', tables: ['memberships'] },
      { policy: 'own_operator_keys', tables: ['operator_keys'] },
      { policy: 'posts_usage to app', tables: ['budget_entries'] },
      {
        policy: 'sequencer_all to sequencer',
        tables: (SEES_EVERY_TENANT.sequencer ?? []).filter((table) => table !== 'train_prefs').sort(),
      },
      { policy: 'sequencer_reads to sequencer', tables: ['train_prefs'] },
      { policy: 'shown_ticket to owner', tables: ['stream_tickets'] },
      { policy: 'stop_reads_claims to stop', tables: ['claims'] },
      { policy: 'system_read', tables: SYSTEM_READ },
    ])
  })

  test('holds a row of both tenants, or the tests below would prove nothing', async () => {
    const empty: string[] = []
    for (const table of tables)
      for (const tenant of [ours, theirs]) {
        const [row] = await owner.within<{ n: number }>(
          tenant.id,
          `select count(*)::int as n from ${table} where tenant_id = $1`,
          [tenant.id],
        )
        if (row?.n === 0) empty.push(`${table} of ${tenant.id}`)
      }
    expect(empty).toEqual([])
  })

  test('shows its owner nothing either while no tenant is set', async () => {
    for (const table of tables.filter((each) => !SYSTEM_READ.includes(each)))
      expect([table, await owner.query(`select from ${table}`)]).toEqual([table, []])
  })
})

describe.each(RUNTIME)('role %s', (role) => {
  const everyTenant = (table: string) => SEES_EVERY_TENANT[role]?.includes(table) === true

  test('sees rows of the tenant that is set, and none of another', async () => {
    for (const table of readable[role]) {
      const sees = async (set: string | null, of: string) => {
        const { rows } = await attempt(role, set, `select tenant_id from ${table} where tenant_id = $1`, [of])
        return rows.length > 0
      }
      const told = `${role} ${table}`
      expect(await sees(ours.id, ours.id), `${told}: its own`).toBe(true)
      expect(await sees(theirs.id, theirs.id), `${told}: the other's, as the other`).toBe(true)
      for (const set of [ours.id, '', null, 't_nobody', `${theirs.id}'`, `${theirs.id} `, theirs.id.toUpperCase(), '%'])
        expect(await sees(set, theirs.id), `${told}: the other's, as ${set}`).toBe(everyTenant(table))
      for (const set of ['', null, 't_nobody'])
        expect(await sees(set, ours.id), `${told}: its own, as ${set}`).toBe(everyTenant(table))
    }
  })

  test('reads of the platform only what every tenant may', async () => {
    for (const table of readable[role]) {
      const { rows } = await attempt(role, ours.id, `select tenant_id from ${table} where tenant_id = 't_system'`)
      if (!everyTenant(table) && !SYSTEM_READ.includes(table)) expect([table, rows]).toEqual([table, []])
    }
  })

  test('writes no row of another tenant, whatever it may write', async () => {
    for (const table of tables) {
      const columns = await owner.query<{ name: string; updatable: boolean; writable: boolean }>(
        `select a.attname as name, has_column_privilege($1, a.attrelid, a.attnum, 'update') as updatable,
           a.attidentity = '' and a.attgenerated = '' as writable
         from pg_attribute a where a.attrelid = $2::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
        [role, table],
      )
      const [can] = await owner.query<{ insert: boolean; delete: boolean }>(
        `select has_table_privilege($1, $2, 'insert') as insert, has_table_privilege($1, $2, 'delete') as delete`,
        [role, table],
      )
      const named = columns
        .filter((column) => column.writable)
        .map((column) => `"${column.name}"`)
        .join(', ')
      const [sample] = await owner.within<{ row: object }>(
        theirs.id,
        `select to_jsonb(t) as row from ${table} t where tenant_id = $1 limit 1`,
        [theirs.id],
      )
      const told = `${role} ${table}`
      if (can?.insert === true)
        expect(
          await refusalOf(
            role,
            ours.id,
            `insert into ${table} (${named}) select ${named} from jsonb_populate_record(null::${table}, $1)`,
            [JSON.stringify(sample?.row)],
          ),
          `${told}: insert`,
        ).toMatch(everyTenant(table) ? /^(done 1|23505|42501)$/ : /^42501$/)
      if (everyTenant(table)) continue
      for (const { name, updatable, writable } of columns)
        if (updatable && writable)
          expect(
            await refusalOf(role, ours.id, `update ${table} set "${name}" = "${name}" where tenant_id = $1`, [
              theirs.id,
            ]),
            `${told}: update of ${name}`,
          ).toMatch(/^(done 0|42501)$/)
      if (can?.delete === true)
        expect(
          await refusalOf(role, ours.id, `delete from ${table} where tenant_id = $1`, [theirs.id]),
          `${told}: delete`,
        ).toMatch(/^(done 0|42501)$/)
    }
  })

  test('is nobody special and owns nothing', async () => {
    const [attributes] = await owner.query(
      `select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
         (select count(*)::int from pg_class where relowner = r.oid) as relations,
         (select count(*)::int from pg_proc where proowner = r.oid) as functions,
         array(select roleid::regrole::text from pg_auth_members where member = r.oid) as belongs_to,
         has_database_privilege(rolname, current_database(), 'temporary, create') as makes_tables,
         has_schema_privilege(rolname, 'public', 'create') as creates
       from pg_roles r where rolname = $1`,
      [role],
    )
    expect(attributes).toEqual({
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      relations: 0,
      functions: 0,
      belongs_to: role === 'stop' ? ['pg_use_reserved_connections'] : [],
      makes_tables: false,
      creates: false,
    })
    for (const other of ['owner', ...RUNTIME.filter((each) => each !== role)])
      expect([other, await refusalOf(role, null, `set role ${other}`)]).toEqual([other, DENIED])
  })

  test('empties, references and triggers nothing', async () => {
    const rows = await owner.query(
      `select c.relname from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
         and has_table_privilege($1, c.oid, 'truncate, references, trigger')`,
      [role],
    )
    expect(rows).toEqual([])
  })
})

const VALUES: Record<string, string> = {
  kill_switches: `(tenant_id, kind, value, state, epoch, changed_by) values ($1, 'action', 'a.b', 'running', 1, 'x')`,
  notes: `(tenant_id, id, notebook, text, operation_id) values ($1, 'n_forged', 'n', 't', 'op_x')`,
  receipts: `(tenant_id, operation_id, status, jws) values ($1, 'op_x', 'executed', '')`,
  claims: `(tenant_id, operation_id, effect_key, kind, state, passes) values ($1, 'op_x', 'k', 'x', 'committed', '[]')`,
  votes: `(tenant_id, operation_id, person_id, vote, nonce, jws_hash) values ($1, 'op_x', 'u', '{}', 'n', 'h')`,
  operations: `(tenant_id, id, action, principal_id, principal_kind, intent, plan, intent_hash, plan_hash, proposal, context,
    idempotency_key, request_hash) values ($1, 'op_x', 'a', 'p', 'user', '{}', '{}', '', '', '', '{}', 'k', '')`,
  license_grants: `(tenant_id, id, principal_id, license_type, actions, expires_at, granted_by_person)
    values ($1, 'gr_x', 'p', 'lt', '{}', '2090-01-01', 'u')`,
  memberships: `(tenant_id, principal_id, role) values ($1, 'p', 'owner')`,
  audit_leaves: `(tenant_id, kind, entry) values ($1, 'alarm', '')`,
  audit_heads: `(tenant_id, size, root, frontier, checkpoint) values ($1, 0, '', '{}', '')`,
  seals: `(tenant_id, operation_id, jws, bundle_key) values ($1, 'op_x', '', '')`,
  outbox: `(tenant_id, operation_id, kind) values ($1, 'op_x', 'cancel')`,
  budget_entries: `(tenant_id, source, operation_id, action, principal_id, amount, state)
    values ($1, 'operation', 'op_x', 'note.append', 'p', 1, 'settled')`,
  temperature_readings: `(tenant_id, surface_id, operation_id, pass, at, facts) values ($1, 's', 'op', 'guard', now(), '{}')`,
  config_values: `(tenant_id, scope, version, entries, changed_by) values ($1, 'tenant', 1, '{}', 'x')`,
  train_prefs: `(tenant_id, opt_out, changed_by) values ($1, false, 'x')`,
  switch_changes: `(tenant_id, kind, value, epoch, changed_by) values ($1, 'all', '', 1, 'x')`,
  policy_versions: `(tenant_id, version, changed_by, operation_id) values ($1, 99, 'x', 'op_x')`,
  waivers: `(tenant_id, gate, selector, value, until, reason, waived_by) values ($1, 'kpi', 'class', 'reversible', '2090-01-01', 'x', 'x')`,
  budget_policies: `(tenant_id, threshold) values ($1, 1)`,
  rate_limits: `(tenant_id, class, max_calls, window_seconds) values ($1, 'read', 1, 1)`,
  kpi_corridors: `(tenant_id, surface_id, kpi, floor) values ($1, 's', 'k', 1)`,
  strategy_locks: `(tenant_id, id, status, title, allowed_actions, surface_id, valid_from, valid_until, content_hash, created_by)
    values ($1, 'sl', 'approved', 't', '{}', 's', '2020-01-01', '2090-01-01', '', '')`,
  raw_assets: `(tenant_id, asset_id, filename, content_type, sha256, size, asked_by, expires_at)
    values ($1, 'ra_x', 'f', 'a/b', repeat('0', 64), 1, 'p', '2090-01-01')`,
  batch_items: `(tenant_id, operation_id, n, state) values ($1, 'op_x', 1, 'committed')`,
  egress_targets: `(tenant_id, origin, methods) values ($1, 'x', '{}')`,
  operator_keys: `(tenant_id, kid, principal_id, public_jwk) values ($1, 'k', 'p', '{}')`,
  tenants: `(id, name) values ('t_forged', $1)`,
  principals: `(id, kind, name, person_id) values ('p_forged', 'user', $1, 'u')`,
  oidc_subjects: `(issuer, subject, principal_id) values ('https://i.example', $1, 'p')`,
  api_keys: `(id, secret_hash, principal_id, expires_at) values ($1, '', 'p', '2090-01-01')`,
  deployment: `(id, mode) values ($1, 'lab')`,
}
const CONTROLS = [
  'kill_switches',
  'switch_changes',
  'policy_versions',
  'license_grants',
  'waivers',
  'budget_policies',
  'rate_limits',
  'kpi_corridors',
  'strategy_locks',
  'egress_targets',
]
const IDENTITY = ['tenants', 'principals', 'memberships', 'api_keys', 'oidc_subjects', 'operator_keys', 'deployment']

/** Tables nobody of this role may insert into. */
const NEVER_INSERTS: Record<Role, readonly string[]> = {
  app: [
    'notes',
    'receipts',
    'claims',
    'seals',
    'audit_heads',
    'budget_entries',
    'train_prefs',
    'temperature_readings',
    'batch_items',
    ...CONTROLS,
    ...IDENTITY,
  ],
  guard: ['operations', 'seals', 'audit_heads', 'train_prefs', 'config_values', ...CONTROLS, ...IDENTITY],
  control: ['operations', 'notes', 'batch_items', 'seals', 'audit_heads', 'deployment'],
  sequencer: ['operations', 'notes', 'batch_items', 'receipts', 'claims', 'votes', ...CONTROLS, ...IDENTITY],
  stop: Object.keys(VALUES),
  auditor: Object.keys(VALUES),
}

/** Statements that must be refused although the role works on the same tables. */
const NEVER: Record<Role, readonly string[]> = {
  app: [
    `update operations set status = 'executed'`,
    `update operations set intent = '{}'`,
    `update operations set plan = '{}'`,
    `update operations set proposal = ''`,
    `update operations set approval = '{}'`,
    `update votes set vote = '{}'`,
    'delete from votes',
    'delete from operations',
    'delete from audit_leaves',
    'update audit_leaves set seq = 1',
    'update license_grants set used_count = 0',
    'update kill_switches set epoch = 0',
    'delete from kill_switches',
    'delete from switch_changes',
    'update license_grants set revoked_at = null',
    `select next_policy_version('t', null, 'p', null)`,
    'delete from kpi_raw',
    'delete from budget_entries',
    `update budget_entries set state = 'released'`,
    `update strategy_locks set created_by = 'p'`,
    'delete from strategy_locks',
    `update train_prefs set opt_out = false`,
    'delete from train_prefs',
    'delete from config_values',
    'delete from temperature_readings',
    `update three_wise_questions set binding_hash = ''`,
    'delete from three_wise_questions',
    'select * from api_keys',
    'select * from oidc_subjects',
    `update oidc_subjects set subject = subject`,
    'delete from oidc_subjects',
    'select payload from outbox',
    'select secret_sha256 from stream_tickets',
    'update stream_tickets set expires_at = expires_at',
    `select end_operation('{}')`,
    `select mark_pending('{}')`,
    `select stop_switch('{}')`,
    `select end_api_key('t', 'k', 'p', 0)`,
    `update principals set status = 'active'`,
    `update memberships set status = 'active'`,
    `select read_pass('t', 'o', true)`,
  ],
  guard: [
    `update operations set intent = '{}'`,
    `update operations set plan = '{}'`,
    `update operations set proposal = ''`,
    'update operations set cancel = null',
    'delete from operations',
    'update receipts set jws = jws',
    'delete from receipts',
    'delete from claims',
    `update votes set vote = '{}'`,
    'delete from votes',
    'update notes set text = text',
    'delete from audit_leaves',
    'update audit_leaves set seq = 1',
    `update kill_switches set state = 'running'`,
    'delete from kill_switches',
    `update license_grants set standing = '{}'`,
    'update license_grants set revoked_at = null',
    'delete from license_grants',
    'update waivers set until = until',
    'update memberships set role = role',
    'select * from api_keys',
    'select * from oidc_subjects',
    `update oidc_subjects set subject = subject`,
    'delete from oidc_subjects',
    'delete from outbox',
    'delete from budget_entries',
    `select stop_switch('{}')`,
    `select revoke_identity('t', 'api_key', 'k', null)`,
    `select revoke_grant('t', 'gr_x', 'p')`,
    `select api_keys_of('t')`,
    `select open_operation('{}', '')`,
    `select cancel_operation('{}')`,
  ],
  control: [
    `update strategy_locks set allowed_actions = '{}'`,
    `insert into strategy_locks (tenant_id, id) values ('t', 'sl')`,
    'delete from strategy_locks',
    'update switch_changes set state = state',
    'delete from switch_changes',
    'delete from notes',
    'update notes set text = text',
    `update operations set intent = '{}'`,
    'delete from operations',
    'update receipts set jws = jws',
    'delete from votes',
    'delete from audit_leaves',
    'update audit_leaves set seq = 1',
    'select * from api_keys',
    'select * from oidc_subjects',
    `update oidc_subjects set subject = subject`,
    'delete from oidc_subjects',
    'update api_keys set revoked_at = null',
    'delete from tenants',
    'delete from memberships',
    `select stop_switch('{}')`,
    `select revoke_identity('t', 'api_key', 'k', null)`,
    `select api_keys_of('t')`,
    `select admit_vote('{}')`,
  ],
  sequencer: [
    `update raw_assets set sha256 = sha256`,
    `update raw_assets set expires_at = '2090-01-01'`,
    'delete from raw_assets',
    `update operations set status = 'executed'`,
    'update operations set intent = intent',
    'update receipts set jws = jws',
    'delete from receipts',
    `update audit_leaves set entry = ''`,
    `update audit_leaves set kind = 'alarm'`,
    'delete from audit_leaves',
    'delete from audit_nodes',
    'update audit_nodes set hash = hash',
    'delete from audit_heads',
    'update seals set jws = jws',
    'delete from seals',
    'select * from notes',
    'select * from api_keys',
    'select * from oidc_subjects',
    `update oidc_subjects set subject = subject`,
    'delete from oidc_subjects',
    `select end_operation('{}')`,
    `select stop_switch('{}')`,
    `select revoke_identity('t', 'api_key', 'k', null)`,
    `select api_keys_of('t')`,
  ],
  stop: [
    `update kill_switches set state = 'running'`,
    `update kill_switches set state = 'stopped'`,
    'delete from kill_switches',
    'delete from switch_drains',
    'select * from operations',
    'select * from notes',
    'select * from api_keys',
    'select * from oidc_subjects',
    `update oidc_subjects set subject = subject`,
    'delete from oidc_subjects',
    'select * from votes',
    'update claims set state = state',
    `select end_operation('{}')`,
    `select admit_vote('{}')`,
    `select read_pass('t', 'o', true)`,
  ],
  auditor: [
    'select * from api_keys',
    'select * from oidc_subjects',
    `update oidc_subjects set subject = subject`,
    'delete from oidc_subjects',
    'select * from notes',
    'select * from votes',
    'select * from kill_switches',
    'update audit_leaves set seq = 1',
    'delete from audit_leaves',
    `update operations set status = 'executed'`,
    `select end_operation('{}')`,
    `select stop_switch('{}')`,
    `select revoke_identity('t', 'api_key', 'k', null)`,
    `select api_keys_of('t')`,
    `select write_leaves('t', null, null, '[{"kind":"alarm","entry":""}]')`,
  ],
}

describe.each(RUNTIME)('role %s has not the power', (role) => {
  test.each(NEVER_INSERTS[role])('to insert into %s', async (table) => {
    expect(await refusalOf(role, ours.id, `insert into ${table} ${VALUES[table]}`, [ours.id])).toBe(DENIED)
  })

  test.each(NEVER[role])('to %s', async (statement) => {
    expect(await refusalOf(role, ours.id, statement)).toBe(DENIED)
  })
})

describe('the auditor', () => {
  test('may change nothing at all', async () => {
    const rows = await owner.query(
      `select c.relname from pg_class c where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace = 'public'::regnamespace
         and (has_table_privilege('auditor', c.oid, 'insert, update, delete')
           or has_any_column_privilege('auditor', c.oid, 'insert, update'))`,
    )
    expect(rows).toEqual([])
  })
})

describe('stopping', () => {
  test('is all the stop function can do, whatever it is told', async () => {
    const told = JSON.stringify({
      tenant_id: ours.id,
      selectors: [{ kind: 'class', value: 'observe', state: 'running' }],
      state: 'running',
      hold: null,
      reason: 'x',
      changed_by: 'x',
      leaf_hash: null,
      request_id: 'x',
      leaves: [],
    })
    const states = await as.stop.transaction(async (client) => {
      await client.query('select stop_switch($1)', [told])
      return (await client.query(`select state from kill_switches where tenant_id = $1 and kind = 'class'`, [ours.id]))
        .rows
    }, 'rollback')
    expect(states).toEqual([{ state: 'stopped' }])
  })
})

describe('functions that run with their owner’s rights', () => {
  test('are eight, with a search path that no temporary table can enter', async () => {
    const rows = await owner.query(
      `select p.proname as name, p.proconfig as settings from pg_proc p where p.prosecdef and p.pronamespace = 'public'::regnamespace order by 1`,
    )
    expect(rows).toEqual([
      { name: 'admit', settings: ['search_path=public, pg_temp'] },
      { name: 'api_keys_of', settings: ['search_path=public, pg_temp'] },
      { name: 'end_api_key', settings: ['search_path=public, pg_temp'] },
      { name: 'key_was_revoked', settings: ['search_path=public, pg_temp'] },
      { name: 'revoke_grant', settings: ['search_path=public, pg_temp'] },
      { name: 'revoke_identity', settings: ['search_path=public, pg_temp'] },
      { name: 'revoke_operator_key', settings: ['search_path=public, pg_temp'] },
      { name: 'stop_switch', settings: ['search_path=public, pg_temp'] },
    ])
  })

  test('and no view lends anybody rights', async () => {
    expect(
      await owner.query(
        `select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace`,
      ),
    ).toEqual([])
  })

  test('no function of ours is everybody’s', async () => {
    const rows = await owner.query(
      `select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace and has_function_privilege('public', p.oid, 'execute')
         and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
         and p.prorettype <> 'trigger'::regtype`,
    )
    expect(rows).toEqual([])
  })
})

describe('not even the owner', () => {
  const tries = async (statement: string) =>
    await owner
      .transaction(async (client) => {
        await client.query(`select set_config('app.tenant', $1, true)`, [ours.id])
        await client.query(statement)
      }, 'rollback')
      .then(
        () => 'done',
        (error: { code?: string }) => error.code,
      )

  test.each([
    ['changes a leaf', `update audit_leaves set entry = 'x' where seq = 0`, 'EXO02'],
    ['moves a leaf', 'update audit_leaves set seq = 1000000 where seq = 0', 'EXO02'],
    ['takes a leaf away', 'delete from audit_leaves where seq = 0', 'EXO02'],
    ['revives what ended', `update operations set status = 'evaluating' where status = 'executed'`, 'EXO01'],
    ['turns an end into another', `update operations set status = 'failed' where status = 'executed'`, 'EXO01'],
    ['takes an opinion away', `update three_wise_questions set opinions = '[]'`, 'EXO07'],
    ['approves a lock', `update strategy_locks set status = 'approved'`, 'EXO07'],
    ['overdraws a grant', 'update license_grants set used_count = 100000000 where standing is not null', '23514'],
    [
      'has one person vote twice',
      `insert into votes (tenant_id, operation_id, person_id, vote, nonce, jws_hash)
         select tenant_id, operation_id, person_id, vote || jsonb_build_object('nonce', nonce || 1), nonce || 1, jws_hash from votes limit 1`,
      '23505',
    ],
    ['keeps a vote under another person', `update votes set person_id = person_id || 1`, '23514'],
    ['keeps a vote under another nonce', `update votes set nonce = nonce || 1`, '23514'],
    [
      'claims twice',
      `insert into claims (tenant_id, operation_id, effect_key, kind, state, passes) select tenant_id, operation_id, 'other', kind, state, passes from claims limit 1`,
      '23505',
    ],
    [
      'ends twice',
      'insert into receipts (tenant_id, operation_id, status, jws) select tenant_id, operation_id, status, jws from receipts limit 1',
      '23505',
    ],
  ])('%s', async (_what, statement, code) => {
    expect(await tries(statement)).toBe(code)
  })
})
