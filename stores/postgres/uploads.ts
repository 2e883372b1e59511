/** Tickets of uploads as the sweep sees them, of every tenant: which are over, and closing them. */
import type pg from 'pg'
import { inTransaction } from './pool.ts'
import type { LeafRow } from '../../domain/leaf.ts'

interface Ticket {
  tenant_id: string
  asset_id: string
}

/** The registrations of ticket `a`. */
const REGISTRATION = `select from operations o where o.tenant_id = a.tenant_id and o.action = 'raw.register'
  and o.intent -> 'input' ->> 'asset_id' = a.asset_id`
/** Somebody may still count on what was uploaded. */
const WANTED = `exists (${REGISTRATION} and (o.ended_at is null or (o.status = 'unknown' and o.resolved_by is null)))`
const REGISTERED = `exists (${REGISTRATION} and (o.status = 'executed' or exists (select from operations s
  where s.tenant_id = o.tenant_id and s.id = o.resolved_by and s.intent -> 'input' ->> 'outcome' = 'committed')))`

export class Uploads {
  readonly #pool: pg.Pool
  /** Under role `sequencer`. */
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async over(seconds: number, limit: number): Promise<Ticket[]> {
    const { rows } = await this.#pool.query<Ticket>(
      `select a.tenant_id, a.asset_id from raw_assets a
       where a.closed_at is null and a.cleared_at is null and not ${WANTED}
         and a.expires_at < clock_timestamp() - make_interval(secs => $1)
       order by a.expires_at limit $2`,
      [seconds, limit],
    )
    return rows
  }

  async close({ tenant_id, asset_id }: Ticket, leaf: (closedAs: string, at: string) => LeafRow): Promise<void> {
    await inTransaction(this.#pool, tenant_id, async (client) => {
      const { rows } = await client.query<{ closed_as: string; at: string }>(
        `update raw_assets a set closed_at = clock_timestamp(), closed_as = case
             when ${REGISTERED} then 'registered' else 'swept' end
         where a.tenant_id = $1 and a.asset_id = $2 and a.closed_at is null and not ${WANTED}
         returning a.closed_as, iso(a.closed_at) as at`,
        [tenant_id, asset_id],
      )
      const [closed] = rows
      if (closed !== undefined)
        await client.query('select write_leaves($1, null, null, jsonb_build_array($2::jsonb))', [
          tenant_id,
          JSON.stringify(leaf(closed.closed_as, closed.at)),
        ])
    })
  }

  /** In no order: what the store does not take away keeps nothing else waiting. */
  async uncleared(limit: number): Promise<Ticket[]> {
    const { rows } = await this.#pool.query<Ticket>(
      `select a.tenant_id, a.asset_id from raw_assets a
       where a.closed_at is not null and a.cleared_at is null order by random() limit $1`,
      [limit],
    )
    return rows
  }

  async cleared(tickets: readonly Ticket[]): Promise<void> {
    await this.#pool.query(
      `update raw_assets a set cleared_at = clock_timestamp()
       from jsonb_to_recordset($1) as t (tenant_id text, asset_id text)
       where a.tenant_id = t.tenant_id and a.asset_id = t.asset_id`,
      [JSON.stringify(tickets)],
    )
  }
}
