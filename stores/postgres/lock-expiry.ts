/** Strategy locks whose time is over, of every tenant, and expiring one with its leaf. */
import type pg from 'pg'
import { inTransaction } from './pool.ts'
import type { Json } from '../../domain/canonical.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import { lockBefore } from '../../domain/lock-lifecycle.ts'

interface Due {
  tenant_id: string
  id: string
}

export class LockExpiry {
  readonly #pool: pg.Pool
  /** Under role `sequencer`. */
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async due(limit: number): Promise<Due[]> {
    const { rows } = await this.#pool.query<Due>(
      `select tenant_id, id from strategy_locks where status in ('draft', 'approved') and valid_until <= clock_timestamp()
       order by valid_until limit $1`,
      [limit],
    )
    return rows
  }

  async expire({ tenant_id, id }: Due, leaf: (before: Json, after: Json, at: string) => LeafRow): Promise<boolean> {
    return await inTransaction(this.#pool, tenant_id, async (client) => {
      const { rows } = await client.query<{ before: Json; after: Json; at: string }>(
        `with before as (
           select tenant_id, id, lock_json(l) as lock from strategy_locks l
           where l.tenant_id = $1 and l.id = $2 and l.status = any ($3) and l.valid_until <= clock_timestamp() for update
         )
         update strategy_locks l set status = 'expired', updated_at = clock_timestamp() from before b
         where l.tenant_id = b.tenant_id and l.id = b.id
         returning b.lock as before, lock_json(l) as after, iso(l.updated_at) as at`,
        [tenant_id, id, lockBefore('expire')],
      )
      const [row] = rows
      if (row === undefined) return false
      await client.query('select write_leaves($1, null, null, jsonb_build_array($2::jsonb))', [
        tenant_id,
        JSON.stringify(leaf(row.before, row.after, row.at)),
      ])
      return true
    })
  }
}
