/** Single controls as the API lists them, and the one thing it may do to them: end a grant, with its leaf. */
import type pg from 'pg'
import { inTransaction, readAs } from './pool.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { FlagLayers } from '../../domain/feature-flags.ts'
import type { LeafRow } from '../../domain/leaf.ts'

interface Ordered {
  ordinal: string
  item: JsonObject
}

export class ControlRows {
  readonly #app: pg.Pool
  constructor(app: pg.Pool) {
    this.#app = app
  }

  /** Newest first; of one principal where one is named. */
  async grants(tenantId: string, principalId: string | null, before: string | null, limit: number): Promise<Ordered[]> {
    return await readAs<Ordered>(
      this.#app,
      tenantId,
      `select g.ordinal::text, grant_item(g) as item from license_grants g
       where g.tenant_id = $1 and ($2::text is null or g.principal_id = $2) and ($3::bigint is null or g.ordinal < $3)
       order by g.ordinal desc limit $4`,
      [tenantId, principalId, before, limit],
    )
  }

  /** Ends it and writes the leaf that `tell` makes of what it was and is; null when there is none to end. */
  async revokeGrant(
    tenantId: string,
    id: string,
    by: string,
    requestId: string,
    tell: (before: JsonObject, after: JsonObject) => LeafRow,
  ): Promise<JsonObject | null> {
    return await inTransaction(this.#app, tenantId, async (client) => {
      const { rows } = await client.query<{ ended: { before: JsonObject; after: JsonObject } | null }>(
        'select revoke_grant($1, $2, $3) as ended',
        [tenantId, id, by],
      )
      const ended = rows[0]?.ended ?? null
      if (ended === null) return null
      await client.query('select write_leaves($1, null, $2, jsonb_build_array($3::jsonb))', [
        tenantId,
        requestId,
        JSON.stringify(tell(ended.before, ended.after)),
      ])
      return ended.after
    })
  }

  /** Who stopped and resumed what, newest first. */
  async switchChanges(tenantId: string, before: string | null, limit: number): Promise<Ordered[]> {
    return await readAs<Ordered>(
      this.#app,
      tenantId,
      `select id::text as ordinal, jsonb_build_object('scope', case when tenant_id = 't_system' then 'global' else 'tenant' end,
         'selector', jsonb_build_object('kind', kind, 'value', nullif(value, '')), 'was', coalesce(was, 'unset'),
         'state', coalesce(state, 'unset'), 'hold', hold, 'epoch', epoch, 'reason', reason, 'changed_by', changed_by,
         'changed_at', iso(changed_at)) as item
       from switch_changes where tenant_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`,
      [tenantId, before, limit],
    )
  }

  async flagLayers(tenantId: string): Promise<FlagLayers> {
    const rows = await readAs<{ layers: FlagLayers }>(this.#app, tenantId, 'select flag_layers($1) as layers', [
      tenantId,
    ])
    return rows[0]?.layers ?? { global: {}, tenant: {} }
  }
}
