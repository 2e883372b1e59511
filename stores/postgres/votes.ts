/** What admitting a vote reads and writes. Works under role `app` and role `guard` alike. */
import type pg from 'pg'
import { inTransaction } from './pool.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import type { VoteContext, VoteRows } from '../../domain/ports.ts'

export class VoteStore implements VoteRows {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async context(tenantId: string, operationId: string, kid: string, by: string | null): Promise<VoteContext> {
    return await inTransaction(this.#pool, tenantId, async (client) => {
      const { rows } = await client.query<{ context: VoteContext }>(
        `with k as (
           select kid, principal_id, public_jwk from operator_keys where kid = $3 and revoked_at is null
         ), who as (
           select coalesce($4, (select principal_id from k)) as id
         )
         select jsonb_build_object(
           -- Never before a vote that is in already, whatever the clock did since.
           'now', iso(greatest(clock_timestamp(), (select max((v.vote ->> 'at')::timestamptz) from votes v
               where v.tenant_id = $1 and v.operation_id = $2))),
           'operation', (select jsonb_build_object('status', o.status, 'intent_hash', o.intent_hash,
               'plan_hash', o.plan_hash, 'shown_hash', o.shown_hash, 'plan', o.plan, 'intent', o.intent,
               'action', o.action, 'context', o.context, 'firearms', firearms_of(o.intent)) from operations o where o.tenant_id = $1 and o.id = $2),
           -- Of the requester and of the voter.
           'train_ok', coalesce((select train_ok_of($1, o.principal_id, o.person_id) from operations o
               where o.tenant_id = $1 and o.id = $2), false)
             and coalesce((select train_ok_of($1, p.id, p.person_id) from principals p where p.id = (select id from who)), false),
           'key', (select to_jsonb(k) from k),
           'voter', (select jsonb_build_object('principal_id', p.id, 'kind', p.kind, 'person_id', p.person_id,
               'status', p.status, 'platform_role', p.platform_role, 'role', m.role,
               'membership_permissions', coalesce(to_jsonb(m.permissions), '[]'),
               'has_active_key', exists (select from operator_keys a where a.principal_id = p.id and a.revoked_at is null))
             from principals p
             left join memberships m on m.tenant_id = $1 and m.principal_id = p.id and m.status = 'active'
             where p.id = (select id from who))) as context`,
        [tenantId, operationId, kid, by],
      )
      const [row] = rows
      if (row === undefined) throw new Error('the vote context answered no row')
      return row.context
    })
  }

  async admit(document: Parameters<VoteRows['admit']>[0]): ReturnType<VoteRows['admit']> {
    const { rows } = await this.#pool.query<{ admit_vote: Awaited<ReturnType<VoteRows['admit']>> }>(
      'select admit_vote($1)',
      [JSON.stringify(document)],
    )
    const [row] = rows
    if (row === undefined) throw new Error('admit_vote answered no row')
    return row.admit_vote
  }

  async writeLeaf(
    tenantId: string,
    operationId: string | null,
    requestId: string | null,
    leaf: LeafRow,
  ): Promise<void> {
    await inTransaction(this.#pool, tenantId, async (client) => {
      await client.query('select write_leaves($1, $2, $3, jsonb_build_array($4::jsonb))', [
        tenantId,
        operationId,
        requestId,
        JSON.stringify(leaf),
      ])
    })
  }
}
