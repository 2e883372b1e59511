/** Callers' own configuration. A row is replaced only by who has seen its version; the leaf tells what stood before. */
import type pg from 'pg'
import { inTransaction, readAs } from './pool.ts'
import { writeLeaf } from './records.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { CONFIG_SCOPES, type ConfigScope } from '../../domain/config-values.ts'
import type { LeafRow } from '../../domain/leaf.ts'

export interface ConfigRow {
  version: number
  values: JsonObject
  changed_by: string | null
  changed_at: string | null
}

const NONE: ConfigRow = { version: 0, values: {}, changed_by: null, changed_at: null }
const COLUMNS = `version, entries as values, changed_by, iso(changed_at) as changed_at`

export class ConfigStore {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** What stands in each scope for this surface. */
  async read(tenantId: string, surfaceId: string): Promise<Record<ConfigScope, ConfigRow>> {
    const rows = await readAs<ConfigRow & { scope: ConfigScope }>(
      this.#pool,
      tenantId,
      `select scope, ${COLUMNS} from config_values
       where (tenant_id = 't_system' and scope = 'system')
         or (tenant_id = $1 and (scope = 'tenant' or (scope = 'surface' and surface_id = $2)))`,
      [tenantId, surfaceId],
    )
    const found = new Map(rows.map(({ scope, ...row }) => [scope, row]))
    const [system, tenant, surface] = CONFIG_SCOPES.map((scope) => found.get(scope) ?? NONE)
    return { system: system ?? NONE, tenant: tenant ?? NONE, surface: surface ?? NONE }
  }

  /** The row as it then stands, or the version that stands instead of `seen`. */
  async put(
    tenantId: string,
    place: { scope: ConfigScope; surface_id: string },
    change: { seen: number; values: JsonObject; by: string },
    requestId: string,
    leafOf: (before: ConfigRow, after: ConfigRow) => LeafRow,
  ): Promise<{ row: ConfigRow } | { stands: number }> {
    const key = [tenantId, place.scope, place.surface_id]
    return await inTransaction(this.#pool, tenantId, async (client) => {
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`exo config ${key.join(' ')}`])
      const { rows: before } = await client.query<ConfigRow>(
        `select ${COLUMNS} from config_values where tenant_id = $1 and scope = $2 and surface_id = $3`,
        key,
      )
      const was = before[0] ?? NONE
      if (was.version !== change.seen) return { stands: was.version }
      const { rows } = await client.query<ConfigRow>(
        `insert into config_values (tenant_id, scope, surface_id, version, entries, changed_by) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, scope, surface_id) do update set version = excluded.version, entries = excluded.entries,
           changed_by = excluded.changed_by, changed_at = clock_timestamp() returning ${COLUMNS}`,
        [...key, was.version + 1, JSON.stringify(change.values), change.by],
      )
      const [row] = rows
      if (row === undefined) throw new Error('config_values answered no row')
      await writeLeaf(client, tenantId, null, requestId, leafOf(was, row))
      return { row }
    })
  }
}
