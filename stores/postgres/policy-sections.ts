/**
 * How each section of the control document replaces its rows. A switch that stays as it was keeps its epoch, a grant
 * that stays keeps its use, and its issuer when nothing in it changes; one left out is gone.
 */
import type pg from 'pg'
import type { PolicyDocument, PolicySection, SwitchRow } from '../../domain/policy.ts'
import type { ControlChange } from '../../domain/ports.ts'

interface Target {
  client: pg.PoolClient
  tenantId: string
  operationId: string
  change: ControlChange
}

type Replace = (target: Target, rows: string) => Promise<void>

/** Deletes a table's rows of the tenant and inserts those of the JSON array `$2`. */
const wholly =
  (table: string, columns: string, select: string): Replace =>
  async ({ client, tenantId }, rows) => {
    await client.query(`delete from ${table} where tenant_id = $1`, [tenantId])
    await client.query(
      `insert into ${table} (tenant_id, ${columns}) select $1, ${select} from jsonb_array_elements($2::jsonb) r`,
      [tenantId, rows],
    )
  }

const SECTIONS: Readonly<Record<Exclude<PolicySection, 'kill_switches' | 'kpi' | 'feature_flags'>, Replace>> = {
  license_types: wholly('license_types', 'id, name', `r ->> 'id', r ->> 'name'`),
  firearms: wholly(
    'firearm_policies',
    'action, license_types, strategy_lock_required',
    `r ->> 'action', array(select jsonb_array_elements_text(r -> 'license_types')), (r ->> 'strategy_lock_required')::boolean`,
  ),
  grants: async ({ client, tenantId, operationId, change }, rows) => {
    await client.query(
      `update license_grants g set revoked_at = clock_timestamp() where tenant_id = $1 and revoked_at is null
         and not exists (select from jsonb_array_elements($2::jsonb) r where r ->> 'id' = g.id)`,
      [tenantId, rows],
    )
    await client.query(
      `insert into license_grants as g (tenant_id, id, principal_id, license_type, actions, project_id, surface_id,
         expires_at, standing, granted_by_person)
       select $1, coalesce(r ->> 'id', 'gr_' || substr(encode(sha256(($3 || ':' || n)::bytea), 'hex'), 1, 24)),
         r ->> 'principal_id', r ->> 'license_type', array(select jsonb_array_elements_text(r -> 'actions')),
         r ->> 'project_id', r ->> 'surface_id', (r ->> 'expires_at')::timestamptz, nullif(r -> 'standing', 'null'), $4
       from jsonb_array_elements($2::jsonb) with ordinality as e (r, n)
       on conflict (tenant_id, id) do update set principal_id = excluded.principal_id,
         license_type = excluded.license_type, actions = excluded.actions, project_id = excluded.project_id,
         surface_id = excluded.surface_id, expires_at = excluded.expires_at, standing = excluded.standing,
         granted_by_person = case
           when (g.principal_id, g.license_type, g.actions, g.project_id, g.surface_id, g.expires_at, g.standing)
             is distinct from (excluded.principal_id, excluded.license_type, excluded.actions, excluded.project_id,
               excluded.surface_id, excluded.expires_at, excluded.standing)
           then excluded.granted_by_person else g.granted_by_person end
       where g.revoked_at is null`,
      [tenantId, rows, operationId, change.person_id],
    )
  },
  strategy_locks: wholly(
    'lock_policies',
    'action, surface_id, required',
    `r ->> 'action', r ->> 'surface_id', (r ->> 'required')::boolean`,
  ),
  budget: wholly(
    'budget_policies',
    'surface_id, app_id, action, threshold, daily_cap, window_days',
    `coalesce(r -> 'scope' ->> 'surface_id', ''), coalesce(r -> 'scope' ->> 'app_id', ''),
     coalesce(r -> 'scope' ->> 'action', ''), (r ->> 'threshold')::numeric, (r ->> 'daily_cap')::numeric,
     (r ->> 'window_days')::integer`,
  ),
  temperature: wholly(
    'temperature_limits',
    'surface_id, floors, ceilings, weights',
    `r ->> 'surface_id', r -> 'floors', r -> 'ceilings', r -> 'weights'`,
  ),
  rate_limits: wholly(
    'rate_limits',
    'class, max_calls, window_seconds',
    `r ->> 'class', (r ->> 'limit')::integer, (r ->> 'window_seconds')::integer`,
  ),
  egress: wholly(
    'egress_targets',
    'origin, methods, idempotency_header, allowed_headers, secret_headers',
    `r ->> 'origin', array(select jsonb_array_elements_text(r -> 'methods')), r ->> 'idempotency_header',
     array(select jsonb_array_elements_text(coalesce(r -> 'allowed_headers', '[]'))), coalesce(r -> 'secret_headers', '[]')`,
  ),
  not_required: async (target, rows) => {
    await wholly(
      'waivers',
      'gate, selector, value, until, reason, waived_by',
      `r ->> 'gate', case when r ? 'action' then 'action' else 'class' end, coalesce(r ->> 'action', r ->> 'class'),
       (r ->> 'until')::timestamptz, r ->> 'reason', ${target.client.escapeLiteral(target.operationId)}`,
    )(target, rows)
  },
}

/**
 * Switches, row by row: one that somebody set after `epoch` is left alone. False when the rows are then not those of the
 * document, because a stop came since it was asked for; the caller rolls back.
 */
export async function replaceSwitches(
  { client, tenantId, change }: Target,
  switches: readonly SwitchRow[],
  epoch: number,
): Promise<boolean> {
  const rows = JSON.stringify(switches)
  const named = `r -> 'selector' ->> 'kind' = k.kind and coalesce(r -> 'selector' ->> 'value', '') = k.value`
  await client.query(
    `delete from kill_switches k where tenant_id = $1 and epoch <= $3
       and not exists (select from jsonb_array_elements($2::jsonb) r where ${named})`,
    [tenantId, rows, epoch],
  )
  await client.query(
    `insert into kill_switches as k (tenant_id, kind, value, state, hold, epoch, reason, changed_by, leaf_hash)
     select $1, r -> 'selector' ->> 'kind', coalesce(r -> 'selector' ->> 'value', ''), r ->> 'state', r ->> 'hold',
       next_switch_epoch($1), $3, $4, $5
     from jsonb_array_elements($2::jsonb) r
     on conflict (tenant_id, kind, value) do update set state = excluded.state, hold = excluded.hold,
       epoch = excluded.epoch, reason = excluded.reason, changed_by = excluded.changed_by,
       changed_at = clock_timestamp(), leaf_hash = excluded.leaf_hash
     where k.epoch <= $6 and (k.state, k.hold) is distinct from (excluded.state, excluded.hold)`,
    [tenantId, rows, change.reason, change.by, change.leaf_hash, epoch],
  )
  const { rows: others } = await client.query(
    `select from kill_switches k where tenant_id = $1 and not exists (select from jsonb_array_elements($2::jsonb) r
       where ${named} and r ->> 'state' = k.state and r ->> 'hold' is not distinct from k.hold)`,
    [tenantId, rows],
  )
  return others.length === 0
}

/** Every section present, but for the switches. */
export async function replaceSections(target: Target, policy: PolicyDocument): Promise<void> {
  const { client, tenantId } = target
  for (const [section, replace] of Object.entries(SECTIONS)) {
    const rows = policy[section as keyof typeof SECTIONS]
    if (rows !== undefined) await replace(target, JSON.stringify(rows))
  }
  if (policy.kpi !== undefined) {
    await wholly(
      'kpi_definitions',
      'surface_id, kpi, unit, window_seconds',
      `r ->> 'surface_id', r ->> 'kpi', r ->> 'unit', (r ->> 'window_seconds')::integer`,
    )(target, JSON.stringify(policy.kpi.definitions))
    await wholly(
      'kpi_corridors',
      'surface_id, kpi, floor, ceiling, max_age_seconds',
      `r ->> 'surface_id', r ->> 'kpi', (r ->> 'floor')::numeric, (r ->> 'ceiling')::numeric,
       (r ->> 'max_age_seconds')::integer`,
    )(target, JSON.stringify(policy.kpi.corridors))
  }
  if (policy.feature_flags !== undefined)
    await client.query(
      `insert into feature_flags (tenant_id, flags) values ($1, $2)
       on conflict (tenant_id) do update set flags = excluded.flags`,
      [tenantId, JSON.stringify(policy.feature_flags)],
    )
}
