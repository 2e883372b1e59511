/** What the API reads: operations, policy, switches, memberships. Row-level security stands behind every query. */
import type pg from 'pg'
import { readAs } from './pool.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import type { Status } from '../../domain/lifecycle.ts'
import type { NamedPlace, PlaceKind } from '../../domain/places.ts'
import type { Intent, Plan, Preview } from '../../domain/plan.ts'
import type { Vote } from '../../domain/approval.ts'
import type { Asset } from '../../domain/stored.ts'
import type { Pass } from '../../domain/verdict.ts'

export interface OperationRow {
  ordinal: string
  id: string
  tenant_id: string
  status: Status
  intent: Intent
  plan: Plan
  intent_hash: string
  plan_hash: string
  context: JsonObject
  reason: string | null
  idempotency_key: string
  principal_kind: 'agent' | 'service' | 'user'
  person_id: string | null
  preview: Preview | null
  shown_hash: string | null
  decision_hash: string | null
  passes: Pass[]
  approval: { expires_at?: string; satisfied_by?: string | null; license_id?: string | null }
  error: JsonObject | null
  undo_of: string | null
  undone_by: string | null
  resolved_by: string | null
  run_id: string | null
  created_at: string
  updated_at: string
  claim: { kind: string; key: string; state: string; attempts: number; result: Json } | null
  votes: Vote[]
  sealed: boolean
}

export interface OperationFilter {
  status?: string | undefined
  action?: string | undefined
  project?: string | undefined
  since?: string | undefined
  before?: string | undefined
  limit: number
}

const COLUMNS = `o.ordinal::text, o.id, o.tenant_id, o.status, o.intent, o.plan, o.intent_hash, o.plan_hash, o.context, o.reason,
  o.idempotency_key, o.principal_kind, o.person_id, o.preview, o.shown_hash, o.decision_hash, o.passes, o.approval, o.error,
  o.undo_of, o.undone_by, o.resolved_by, o.run_id, iso(o.created_at) as created_at, iso(o.updated_at) as updated_at,
  (select jsonb_build_object('kind', c.kind, 'key', c.effect_key, 'state', c.state, 'attempts', c.attempts, 'result', c.result)
     from claims c where c.tenant_id = o.tenant_id and c.operation_id = o.id) as claim,
  (select coalesce(jsonb_agg(v.vote order by v.ordinal), '[]') from votes v
     where v.tenant_id = o.tenant_id and v.operation_id = o.id) as votes,
  exists (select from seals s where s.tenant_id = o.tenant_id and s.operation_id = o.id) as sealed`

export class Reading {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async operation(tenantId: string, id: string): Promise<OperationRow | null> {
    const { rows } = await this.#pool.query<{ operation_row: OperationRow | null }>({
      name: 'operation_row',
      text: 'select operation_row($1, $2)',
      values: [tenantId, id],
    })
    return rows[0]?.operation_row ?? null
  }

  async operations(tenantId: string, filter: OperationFilter): Promise<OperationRow[]> {
    return await readAs<OperationRow>(
      this.#pool,
      tenantId,
      `select ${COLUMNS} from operations o where o.tenant_id = $1 and ($2::text is null or o.status = $2)
         and ($3::text is null or o.action = $3) and ($4::text is null or o.project_id = $4)
         and ($5::timestamptz is null or o.created_at >= $5) and ($6::bigint is null or o.ordinal < $6)
       order by o.ordinal desc limit $7`,
      [
        tenantId,
        filter.status ?? null,
        filter.action ?? null,
        filter.project ?? null,
        filter.since ?? null,
        filter.before ?? null,
        filter.limit,
      ],
    )
  }

  async status(tenantId: string, id: string): Promise<Status | null> {
    const { rows } = await this.#pool.query<{ operation_status: Status | null }>({
      name: 'operation_status',
      text: 'select operation_status($1, $2)',
      values: [tenantId, id],
    })
    return rows[0]?.operation_status ?? null
  }

  async byKey(
    tenantId: string,
    principalId: string,
    key: string,
  ): Promise<{ id: string; request_hash: string } | null> {
    const rows = await readAs<{ id: string; request_hash: string }>(
      this.#pool,
      tenantId,
      'select id, request_hash from operations where tenant_id = $1 and principal_id = $2 and idempotency_key = $3',
      [tenantId, principalId, key],
    )
    return rows[0] ?? null
  }

  async receipt(tenantId: string, id: string): Promise<{ receipt: string; jws: string } | null> {
    const rows = await readAs<{ receipt: string; jws: string }>(
      this.#pool,
      tenantId,
      'select jws_payload(jws) as receipt, jws from receipts where tenant_id = $1 and operation_id = $2',
      [tenantId, id],
    )
    return rows[0] ?? null
  }

  async rawAsset(tenantId: string, id: string): Promise<Omit<Asset, 'sha256' | 'size'> | null> {
    const rows = await readAs<Omit<Asset, 'sha256' | 'size'>>(
      this.#pool,
      tenantId,
      'select asset_id, filename, content_type from raw_assets where tenant_id = $1 and asset_id = $2',
      [tenantId, id],
    )
    return rows[0] ?? null
  }

  async view(tenantId: string, view: JsonObject): Promise<Json> {
    const rows = await readAs<{ view: Json }>(this.#pool, tenantId, 'select view_of($1, $2) as view', [
      tenantId,
      JSON.stringify(view),
    ])
    return rows[0]?.view ?? null
  }

  async policy(tenantId: string): Promise<JsonObject> {
    const rows = await readAs<{ document: JsonObject }>(
      this.#pool,
      tenantId,
      'select policy_document($1) as document',
      [tenantId],
    )
    return rows[0]?.document ?? {}
  }

  /** The tenant's switches and the platform's, which every tenant may read. */
  async switches(tenantId: string): Promise<SwitchItem[]> {
    return await readAs<SwitchItem>(
      this.#pool,
      tenantId,
      `select case when tenant_id = 't_system' then 'global' else 'tenant' end as scope,
         case when tenant_id = 't_system' then null else tenant_id end as tenant_id,
         jsonb_build_object('kind', kind, 'value', nullif(value, '')) as selector, state, hold, epoch::int as epoch, reason,
         changed_by, iso(changed_at) as changed_at
       from kill_switches where tenant_id in ('t_system', $1) order by tenant_id <> 't_system', kind, value`,
      [tenantId],
    )
  }

  async drain(tenantId: string): Promise<JsonObject | null> {
    const rows = await readAs<{ drain: JsonObject }>(
      this.#pool,
      tenantId,
      `select jsonb_build_object('epoch', epoch, 'state', case when drained_at is null then 'requested' else 'drained' end,
         'requested_at', iso(requested_at), 'drained_at', iso(drained_at), 'operations', open_operations) as drain
       from switch_drains where tenant_id = $1 order by epoch desc limit 1`,
      [tenantId],
    )
    return rows[0]?.drain ?? null
  }

  async kpiRaw(tenantId: string, surfaceId: string, kpi: string | null, before: string | null, limit: number) {
    return await readAs<{ id: string; item: JsonObject }>(
      this.#pool,
      tenantId,
      `select id::text, jsonb_build_object('surface_id', surface_id, 'kpi', kpi, 'value', decimal_text(value),
         'measured_at', iso(measured_at), 'measured_by', measured_by) as item
       from kpi_raw where tenant_id = $1 and surface_id = $2 and ($3::text is null or kpi = $3)
         and ($4::bigint is null or id < $4::bigint) order by kpi_raw.id desc limit $5`,
      [tenantId, surfaceId, kpi, before, limit],
    )
  }

  async operatorKeys(tenantId: string): Promise<JsonObject[]> {
    const rows = await readAs<{ key: JsonObject }>(
      this.#pool,
      tenantId,
      `select jsonb_build_object('kid', kid, 'principal_id', principal_id, 'public_jwk', public_jwk,
         'not_before', iso(not_before), 'revoked_at', iso(revoked_at)) as key
       from operator_keys where tenant_id = $1 order by not_before, kid`,
      [tenantId],
    )
    return rows.map((row) => row.key)
  }

  async places(tenantId: string, kind: PlaceKind): Promise<JsonObject[]> {
    const rows = await readAs<{ place: JsonObject }>(
      this.#pool,
      tenantId,
      `select jsonb_build_object('id', id, 'name', name, 'status', status) as place from places
       where tenant_id = $1 and kind = $2 order by id`,
      [tenantId, kind],
    )
    return rows.map((row) => row.place)
  }

  async unknownPlaces(tenantId: string, named: readonly NamedPlace[]): Promise<NamedPlace[]> {
    const rows = await readAs<{ index: number }>(
      this.#pool,
      tenantId,
      `select n.i::int - 1 as index from unnest($2::text[], $3::text[]) with ordinality as n (kind, id, i)
       where not exists (select from places p
         where p.tenant_id = $1 and p.kind = n.kind and p.id = n.id and p.status = 'active') order by n.i`,
      [tenantId, named.map(({ kind }) => kind), named.map(({ id }) => id)],
    )
    const unknown = new Set(rows.map((row) => row.index))
    return named.filter((_place, index) => unknown.has(index))
  }

  async principals(tenantId: string): Promise<JsonObject[]> {
    const rows = await readAs<{ principal: JsonObject }>(
      this.#pool,
      tenantId,
      `select jsonb_build_object('id', p.id, 'kind', p.kind, 'name', p.name, 'status', p.status, 'role', m.role,
         'permissions', m.permissions, 'membership', m.status) as principal
       from principals p left join memberships m on m.principal_id = p.id and m.tenant_id = $1
       where m.tenant_id is not null or p.home_tenant = $1 or ($1 = 't_system' and p.platform_role is not null) order by p.id`,
      [tenantId],
    )
    return rows.map((row) => row.principal)
  }

  async memberships(tenantId: string): Promise<JsonObject[]> {
    const rows = await readAs<{ membership: JsonObject }>(
      this.#pool,
      tenantId,
      `select jsonb_build_object('principal_id', principal_id, 'role', role, 'permissions', permissions, 'status', status,
         'changed_at', iso(changed_at)) as membership from memberships where tenant_id = $1 order by principal_id`,
      [tenantId],
    )
    return rows.map((row) => row.membership)
  }

  /** Without what could be used: no role of a running process can read that. */
  async apiKeys(tenantId: string): Promise<JsonObject[]> {
    const { rows } = await this.#pool.query<{ key: JsonObject }>('select api_keys_of($1) as key', [tenantId])
    return rows.map((row) => row.key)
  }

  async stillMay(tenantId: string, principalIds: readonly string[], credentialId: string): Promise<boolean> {
    const rows = await readAs<{ may: boolean }>(
      this.#pool,
      tenantId,
      `select cardinality($2::text[]) = (select count(*) from principals p where p.id = any ($2) and p.status = 'active' and case when $1 = 't_system'
           then p.platform_role is not null else exists (select from memberships m
             where m.tenant_id = $1 and m.principal_id = p.id and m.status = 'active') end)
         and not exists (select from api_keys_of($1) k where k ->> 'id' = $3 and k ->> 'state' <> 'active') as may`,
      [tenantId, principalIds, credentialId],
    )
    return rows[0]?.may === true
  }

  async check(): Promise<void> {
    await this.#pool.query('select 1')
  }

  async auditAlive(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ alive: boolean }>(
      `select alive_at > clock_timestamp() - interval '60 seconds' and self_check_ok as alive from audit_sequencer`,
    )
    return rows[0]?.alive === true
  }
}

export interface SwitchItem {
  scope: 'global' | 'tenant'
  tenant_id: string | null
  selector: { kind: 'all' | 'action' | 'provider' | 'class'; value: string | null }
  state: 'running' | 'stopped'
  hold: 'owner' | 'platform' | null
  epoch: number
  reason: string | null
  changed_by: string
  changed_at: string
}
