/**
 * How the control document is written: each section wholly, or one row of it. A switch that stays as it was keeps its epoch, a
 * grant that stays keeps its use, and its issuer when nothing in it changes; one left out is gone.
 */
import type pg from 'pg'
import { grants } from './grants.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { ControlSection, PolicyDocument } from '../../domain/policy.ts'
import type { ControlChange, RowPut } from '../../domain/ports.ts'

export interface Target {
  client: pg.PoolClient
  tenantId: string
  operationId: string
  change: ControlChange
}

/** A column, and the expression over the row `r` that fills it. */
type Columns = Readonly<Record<string, string>>

interface Table {
  table: string
  /** With the tenant, the primary key. */
  key: Columns
  rest: Columns
}

const scopePart = (part: string) => `coalesce(r -> 'scope' ->> '${part}', '')`
const texts = (member: string) => `array(select jsonb_array_elements_text(r -> '${member}'))`
const surface = { surface_id: `r ->> 'surface_id'` }
const kpi = { ...surface, kpi: `r ->> 'kpi'` }

const TABLES: Readonly<Record<Exclude<ControlSection, 'grants' | 'feature_flags'>, Table>> = {
  license_types: { table: 'license_types', key: { id: `r ->> 'id'` }, rest: { name: `r ->> 'name'` } },
  firearms: {
    table: 'firearm_policies',
    key: { action: `r ->> 'action'` },
    rest: {
      license_types: texts('license_types'),
      strategy_lock_required: `(r ->> 'strategy_lock_required')::boolean`,
    },
  },
  strategy_locks: {
    table: 'lock_policies',
    key: { action: `r ->> 'action'`, ...surface },
    rest: { required: `(r ->> 'required')::boolean` },
  },
  budget: {
    table: 'budget_policies',
    key: { surface_id: scopePart('surface_id'), app_id: scopePart('app_id'), action: scopePart('action') },
    rest: {
      threshold: `(r ->> 'threshold')::numeric`,
      daily_cap: `(r ->> 'daily_cap')::numeric`,
      window_days: `(r ->> 'window_days')::integer`,
    },
  },
  'kpi.definitions': {
    table: 'kpi_definitions',
    key: kpi,
    rest: { unit: `r ->> 'unit'`, window_seconds: `(r ->> 'window_seconds')::integer` },
  },
  'kpi.corridors': {
    table: 'kpi_corridors',
    key: kpi,
    rest: {
      floor: `(r ->> 'floor')::numeric`,
      ceiling: `(r ->> 'ceiling')::numeric`,
      max_age_seconds: `(r ->> 'max_age_seconds')::integer`,
    },
  },
  temperature: {
    table: 'temperature_limits',
    key: surface,
    rest: { floors: `r -> 'floors'`, ceilings: `r -> 'ceilings'`, weights: `r -> 'weights'` },
  },
  rate_limits: {
    table: 'rate_limits',
    key: { class: `r ->> 'class'` },
    rest: { max_calls: `(r ->> 'limit')::integer`, window_seconds: `(r ->> 'window_seconds')::integer` },
  },
  egress: {
    table: 'egress_targets',
    key: { origin: `r ->> 'origin'` },
    rest: {
      methods: texts('methods'),
      idempotency_header: `r ->> 'idempotency_header'`,
      allowed_headers: `array(select jsonb_array_elements_text(coalesce(r -> 'allowed_headers', '[]')))`,
      secret_headers: `coalesce(r -> 'secret_headers', '[]')`,
    },
  },
}

/** One section instead of what stood there. */
async function replaceRows({ client, tenantId }: Target, { table, key, rest }: Table, rows: readonly unknown[]) {
  const columns = { ...key, ...rest }
  await client.query(`delete from ${table} where tenant_id = $1`, [tenantId])
  await client.query(
    `insert into ${table} (tenant_id, ${Object.keys(columns)}) select $1, ${Object.values(columns)}
     from jsonb_array_elements($2::jsonb) r`,
    [tenantId, JSON.stringify(rows)],
  )
}

/** One row, whatever else stands in its section. */
async function putInto({ client, tenantId }: Target, { table, key, rest }: Table, { was, row }: RowPut) {
  const columns = { ...key, ...rest }
  if (row === null)
    await client.query(
      `delete from ${table} t using (select $2::jsonb as r) g where tenant_id = $1
         and (${Object.keys(key).map((column) => `t.${column}`)}) = (${Object.values(key)})`,
      [tenantId, JSON.stringify(was)],
    )
  else
    await client.query(
      `insert into ${table} (tenant_id, ${Object.keys(columns)}) select $1, ${Object.values(columns)}
       from (select $2::jsonb as r) g
       on conflict (tenant_id, ${Object.keys(key)}) do update set
         ${Object.keys(rest).map((column) => `${column} = excluded.${column}`)}`,
      [tenantId, JSON.stringify(row)],
    )
}

async function putFlags({ client, tenantId }: Target, flags: unknown): Promise<void> {
  await client.query(
    `insert into feature_flags (tenant_id, flags) values ($1, $2)
     on conflict (tenant_id) do update set flags = excluded.flags`,
    [tenantId, JSON.stringify(flags)],
  )
}

const WAIVERS: Table = {
  table: 'waivers',
  key: {
    gate: `r ->> 'gate'`,
    selector: `case when r ? 'action' then 'action' else 'class' end`,
    value: `coalesce(r ->> 'action', r ->> 'class')`,
  },
  rest: { until: `(r ->> 'until')::timestamptz`, reason: `r ->> 'reason'`, waived_by: `r ->> 'waived_by'` },
}

/** A row that stays as it was stays waived by the operation, and so by the people, that made it so. */
async function replaceWaivers(target: Target, rows: readonly object[]): Promise<void> {
  const { key, rest } = WAIVERS
  const { rows: told } = await target.client.query<{ row: object }>(
    `select r || jsonb_build_object('waived_by', coalesce(w.waived_by, $3)) as row
     from jsonb_array_elements($2::jsonb) r left join waivers w on w.tenant_id = $1
       and (w.gate, w.selector, w.value, w.until, w.reason) = (${[...Object.values(key), rest['until'], rest['reason']]})`,
    [target.tenantId, JSON.stringify(rows), target.operationId],
  )
  await replaceRows(
    target,
    WAIVERS,
    told.map(({ row }) => row),
  )
}

/** Every section present, but for the switches. False when a grant that it keeps was revoked. */
export async function replaceSections(target: Target, policy: PolicyDocument): Promise<boolean> {
  const { kpi: both, not_required, grants: granted, feature_flags } = policy
  const sections = { ...policy, 'kpi.definitions': both?.definitions, 'kpi.corridors': both?.corridors }
  for (const [section, table] of Object.entries(TABLES)) {
    const rows = sections[section as keyof typeof TABLES]
    if (rows !== undefined) await replaceRows(target, table, rows)
  }
  if (not_required !== undefined) await replaceWaivers(target, not_required)
  if (feature_flags !== undefined) await putFlags(target, feature_flags)
  return granted === undefined || (await grants.replace(target, granted))
}

/**
 * One row, when it is still what it was; false when it is not. The caller holds the document's lock, so that nobody changes
 * the row between the look and the write.
 */
export async function replaceRow(target: Target, put: RowPut): Promise<boolean> {
  const { client, tenantId } = target
  const { section, key, was, row } = put
  const { rows } = await client.query<{ same: boolean }>(
    'select control_row($1, $2, $3) is not distinct from $4::jsonb as same',
    [tenantId, section, JSON.stringify(key), was === null ? null : JSON.stringify(was)],
  )
  if (rows[0]?.same !== true) return false
  if (section === 'grants') return row !== null && (await grants.put(target, [row]))
  if (section === 'feature_flags') await putFlags(target, row)
  else await putInto(target, TABLES[section], put)
  return true
}

/** What stands now under a key, as it is told of: a grant with its use, flags in their layers. */
export async function standingRow({ client, tenantId }: Target, section: ControlSection, key: JsonObject) {
  const { rows } = await client.query<{ row: JsonObject | null }>('select standing_row($1, $2, $3) as row', [
    tenantId,
    section,
    JSON.stringify(key),
  ])
  return rows[0]?.row ?? null
}
