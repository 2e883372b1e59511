/**
 * What was spent: entries that guards wrote and usage that was posted, listed and summed by SQL with exact decimals. The
 * API posts; it can write no entry of an operation, and changes none.
 */
import type pg from 'pg'
import { inTransaction, readAs } from './pool.ts'
import { writeLeaf } from './records.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { LeafRow } from '../../domain/leaf.ts'

export interface PostedUsage {
  id: string
  operation_id: string | null
  action: string
  principal_id: string
  project_id: string | null
  surface_id: string
  app_id: string
  request_id: string
  trace_id: string | null
  run_id: string | null
  step_id: string | null
  cost: string
  idempotency_key: string
  /** Of what was asked and where: the same key stands for the same. */
  request_hash: string
}

/** An entry under its key: written just now, or found there. */
export interface Keyed {
  entry: JsonObject
  replayed: boolean
  request_hash: string
}

export interface UsageFilter {
  surface_id?: string | undefined
  action?: string | undefined
  operation_id?: string | undefined
  window_days: number
  before: string | null
  limit: number
}

const ITEM = `jsonb_build_object('id', e.id, 'source', e.source, 'operation_id', e.operation_id, 'action', e.action,
  'principal_id', e.principal_id, 'project_id', e.project_id, 'surface_id', e.surface_id, 'app_id', e.app_id,
  'request_id', e.request_id, 'trace_id', e.trace_id, 'run_id', e.run_id, 'step_id', e.step_id,
  'cost', decimal_text(e.amount), 'currency', 'USD', 'state', e.state, 'at', iso(e.at))`

export class UsageStore {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** The entry as it stands; null when the operation it names is absent, or another action's. */
  async post(tenantId: string, usage: PostedUsage, leaf: LeafRow): Promise<Keyed | null> {
    const { principal_id, idempotency_key, request_hash } = usage
    const written = await inTransaction(this.#pool, tenantId, async (client) => {
      const { rows } = await client.query<{ entry: JsonObject }>(
        `insert into budget_entries as e (tenant_id, source, state, id, operation_id, action, principal_id, project_id,
           surface_id, app_id, request_id, trace_id, run_id, step_id, amount, idempotency_key, request_hash)
         select $1, 'posted', 'settled', $2, $3::text, $4::text, $5, $6, $7, $8, $9, $10, $11, $12, $13::numeric, $14, $15
         where $3 is null or exists (select from operations where tenant_id = $1 and id = $3 and action = $4)
         on conflict (tenant_id, principal_id, idempotency_key) where source = 'posted' do nothing returning ${ITEM} as entry`,
        [
          tenantId,
          usage.id,
          usage.operation_id,
          usage.action,
          principal_id,
          usage.project_id,
          usage.surface_id,
          usage.app_id,
          usage.request_id,
          usage.trace_id,
          usage.run_id,
          usage.step_id,
          usage.cost,
          idempotency_key,
          request_hash,
        ],
      )
      const [row] = rows
      if (row === undefined) return null
      await writeLeaf(client, tenantId, null, usage.request_id, leaf)
      return { entry: row.entry, replayed: false, request_hash }
    })
    return written ?? (await this.byKey(tenantId, principal_id, idempotency_key))
  }

  async byKey(tenantId: string, principalId: string, key: string): Promise<Keyed | null> {
    const rows = await readAs<{ entry: JsonObject; request_hash: string }>(
      this.#pool,
      tenantId,
      `select ${ITEM} as entry, e.request_hash from budget_entries e
       where e.tenant_id = $1 and e.principal_id = $2 and e.idempotency_key = $3 and e.source = 'posted'`,
      [tenantId, principalId, key],
    )
    return rows[0] === undefined ? null : { ...rows[0], replayed: true }
  }

  /** Newest first. */
  async page(tenantId: string, filter: UsageFilter): Promise<{ ordinal: string; item: JsonObject }[]> {
    return await readAs<{ ordinal: string; item: JsonObject }>(
      this.#pool,
      tenantId,
      `select e.ordinal::text, ${ITEM} as item from budget_entries e
       where e.tenant_id = $1 and ($2::text is null or e.surface_id = $2) and ($3::text is null or e.action = $3)
         and ($4::text is null or e.operation_id = $4) and e.at > clock_timestamp() - make_interval(days => $5)
         and ($6::bigint is null or e.ordinal < $6) order by e.ordinal desc limit $7`,
      [
        tenantId,
        filter.surface_id ?? null,
        filter.action ?? null,
        filter.operation_id ?? null,
        filter.window_days,
        filter.before,
        filter.limit,
      ],
    )
  }

  /** Over the window of the threshold that governs the surface and app, or of the tenant's when no surface is named. */
  async summary(
    tenantId: string,
    surfaceId: string | null,
    appId: string,
    windowDays: number | null,
  ): Promise<JsonObject> {
    const rows = await readAs<{ summary: JsonObject }>(
      this.#pool,
      tenantId,
      `with span as (
         select coalesce($4, (select b.window_days from budget_policies b
           where b.tenant_id = $1 and b.threshold is not null and b.action = '' and b.surface_id in ('', coalesce($2, ''))
             and b.app_id in ('', $3) order by (b.surface_id <> '') desc, (b.app_id <> '') desc limit 1), 7) as days
       )
       select jsonb_build_object('currency', 'USD', 'window_days', span.days,
         'settled', decimal_text(coalesce(sum(e.amount) filter (where e.state = 'settled'), 0)),
         'reserved', decimal_text(coalesce(sum(e.amount) filter (where e.state = 'reserved'), 0))) as summary
       from span left join budget_entries e on e.tenant_id = $1 and e.state <> 'released' and e.amount > 0
         and e.at > clock_timestamp() - make_interval(days => span.days) and ($2::text is null or e.surface_id = $2)
       group by span.days`,
      [tenantId, surfaceId, appId, windowDays],
    )
    return rows[0]?.summary ?? {}
  }
}
