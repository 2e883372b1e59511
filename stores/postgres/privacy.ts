/** Who wants nothing of theirs to be learned from. Opting out is written here; opting the tenant back in, by a vote only. */
import type pg from 'pg'
import { inTransaction, readAs } from './pool.ts'
import { writeLeaf } from './records.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { LeafRow } from '../../domain/leaf.ts'

/** Whose word it is; `principal_id` null is the tenant's. */
export interface TrainPref {
  principal_id: string | null
  person_id: string | null
  opt_out: boolean
  by: string
}

const WORD = `jsonb_build_object('opt_out', t.opt_out, 'changed_by', t.changed_by, 'changed_at', iso(t.changed_at))`

export class PrivacyStore {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** The leaf is made from what was said before. */
  async put(
    tenantId: string,
    pref: TrainPref,
    requestId: string,
    leafOf: (before: JsonObject | null) => LeafRow,
  ): Promise<void> {
    await inTransaction(this.#pool, tenantId, async (client) => {
      const whose = pref.principal_id ?? ''
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`exo train ${tenantId} ${whose}`])
      const { rows } = await client.query<{ word: JsonObject }>(
        `select ${WORD} as word from train_prefs t where t.tenant_id = $1 and t.principal_id = $2`,
        [tenantId, whose],
      )
      await client.query(
        `insert into train_prefs (tenant_id, principal_id, person_id, opt_out, changed_by) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, principal_id) do update set person_id = excluded.person_id, opt_out = excluded.opt_out,
           changed_by = excluded.changed_by, changed_at = clock_timestamp()`,
        [tenantId, whose, pref.person_id, pref.opt_out, pref.by],
      )
      await writeLeaf(client, tenantId, null, requestId, leafOf(rows[0]?.word ?? null))
    })
  }

  /** What the tenant and the principal said, and what follows for the principal. */
  async read(tenantId: string, principalId: string, personId: string | null): Promise<JsonObject> {
    const rows = await readAs<{ prefs: JsonObject }>(
      this.#pool,
      tenantId,
      `with word as (
         select train_ok_of($1, $2, $3) as ok,
           (select ${WORD} from train_prefs t where t.tenant_id = $1 and t.principal_id = '') as tenant,
           (select ${WORD} from train_prefs t where t.tenant_id = $1 and t.principal_id = $2) as own,
           '{"opt_out": null, "changed_by": null, "changed_at": null}'::jsonb as none
       )
       select jsonb_build_object('tenant', coalesce(tenant, none),
         'user', coalesce(own, none) || jsonb_build_object('user_id', $2::text),
         'effective', jsonb_build_object('train_ok', ok, 'because', case when ok then 'opted_in'
           when tenant is null then 'nobody_opted_in' when (tenant ->> 'opt_out')::boolean then 'tenant_opted_out'
           else 'user_opted_out' end)) as prefs
       from word`,
      [tenantId, principalId, personId],
    )
    return rows[0]?.prefs ?? {}
  }

  /** For a leaf about this principal that nobody's admission came with. */
  async trainOk(tenantId: string, principalId: string): Promise<boolean> {
    const rows = await readAs<{ ok: boolean }>(
      this.#pool,
      tenantId,
      `select coalesce((select train_ok_of($1, p.id, p.person_id) from principals p where p.id = $2), false) as ok`,
      [tenantId, principalId],
    )
    return rows[0]?.ok === true
  }
}
