/**
 * The control tables, written inside the guard's transaction by role `control` only. One section of the policy document
 * is one replacement; a row of another tenant cannot be reached, whatever the document says.
 */
import type pg from 'pg'
import { insertApiKey, insertPrincipal, type NewApiKey, type NewPrincipal, putMembership } from './identities.ts'
import { replaceRow, replaceSections, standingRow, type Target } from './policy-sections.ts'
import { replaceSwitches } from './switch-rows.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import type { PolicyDocument } from '../../domain/policy.ts'
import type { ControlChange, ControlsPort, NewMember, RowPut } from '../../domain/ports.ts'

export class ControlsStore implements ControlsPort {
  readonly #client: pg.PoolClient
  readonly #tenantId: string
  readonly #operationId: string
  constructor(client: pg.PoolClient, tenantId: string, operationId: string) {
    this.#client = client
    this.#tenantId = tenantId
    this.#operationId = operationId
  }

  async putPolicy(
    baseVersion: number,
    epoch: number | null,
    policy: PolicyDocument,
    change: ControlChange,
  ): Promise<JsonObject | null> {
    if (!(await this.#nextVersion(baseVersion, change))) return null
    const target = this.#target(change)
    if (policy.kill_switches !== undefined && !(await replaceSwitches(target, policy.kill_switches, epoch ?? 0)))
      return null
    if (!(await replaceSections(target, policy))) return null
    const { rows } = await this.#client.query<{ document: JsonObject }>('select policy_document($1) as document', [
      this.#tenantId,
    ])
    return rows[0]?.document ?? null
  }

  async resume(
    selectors: { kind: string; value: string | null; epoch: number }[],
    hold: string | null,
    change: ControlChange,
  ): Promise<Json | null> {
    const { rows: epochs } = await this.#client.query<{ epoch: string }>(
      'select next_switch_epoch($1)::text as epoch',
      [this.#tenantId],
    )
    for (const { kind, value, epoch } of selectors) {
      const { rowCount } = await this.#client.query(
        `insert into kill_switches as k (tenant_id, kind, value, state, hold, epoch, reason, changed_by, leaf_hash)
         select $1, $2, $3, 'running', $4, $5, $6, $7, $8
         where $9 = coalesce((select epoch from kill_switches where tenant_id = $1 and kind = $2 and value = $3), 0)
         on conflict (tenant_id, kind, value) do update set state = 'running', hold = excluded.hold, epoch = excluded.epoch,
           reason = excluded.reason, changed_by = excluded.changed_by, changed_at = clock_timestamp(),
           leaf_hash = excluded.leaf_hash
         where k.epoch = $9`,
        [this.#tenantId, kind, value ?? '', hold, epochs[0]?.epoch, change.reason, change.by, change.leaf_hash, epoch],
      )
      if (rowCount !== 1) return null
    }
    return { epoch: Number(epochs[0]?.epoch), selectors: selectors.map(({ kind, value }) => ({ kind, value })) }
  }

  async putRow(put: RowPut, change: ControlChange): Promise<{ row: JsonObject | null } | null> {
    await this.#nextVersion(null, change)
    const target = this.#target(change)
    if (!(await replaceRow(target, put))) return null
    return { row: await standingRow(target, put.section, put.key) }
  }

  /** Takes the document's lock; false when it is not at the version that the change is over. */
  async #nextVersion(base: number | null, { by }: ControlChange): Promise<boolean> {
    const { rows } = await this.#client.query<{ version: number | null }>(
      'select next_policy_version($1, $2, $3, $4) as version',
      [this.#tenantId, base, by, this.#operationId],
    )
    return typeof rows[0]?.version === 'number'
  }

  #target(change: ControlChange): Target {
    return { client: this.#client, tenantId: this.#tenantId, operationId: this.#operationId, change }
  }

  async resolveUnknown(operationId: string, committed: boolean): Promise<boolean> {
    const { rows } = await this.#client.query<{ resolved: boolean }>(
      'select resolve_unknown($1, $2, $3, $4) as resolved',
      [this.#tenantId, operationId, this.#operationId, committed],
    )
    return rows[0]?.resolved === true
  }

  async createTenant(tenant: { id: string; name: string }, members: NewMember[]): Promise<boolean> {
    const { rowCount } = await this.#client.query(
      'insert into tenants (id, name) values ($1, $2) on conflict do nothing',
      [tenant.id, tenant.name],
    )
    if (rowCount !== 1) return false
    await this.#client.query(`select set_config('app.tenant', $1, true)`, [tenant.id])
    for (const [kind, id, name] of [
      ['project', 'p_main', 'Main project'],
      ['surface', 's_main', 'Main surface'],
      ['app', 'a_main', 'Main app'],
    ])
      await this.#client.query('insert into places (tenant_id, kind, id, name) values ($1, $2, $3, $4)', [
        tenant.id,
        kind,
        id,
        name,
      ])
    for (const member of members) {
      if (!member.existing)
        if (
          !(await insertPrincipal(this.#client, tenant.id, this.#operationId, { ...member, id: member.principal_id }))
        )
          return false
      await this.#client.query(
        'insert into memberships (tenant_id, principal_id, role, permissions) values ($1, $2, $3, $4)',
        [tenant.id, member.principal_id, member.role, member.permissions],
      )
      if (member.key !== null)
        await this.#client.query(
          'insert into api_keys (id, secret_hash, principal_id, tenants, expires_at) values ($1, $2, $3, $4, $5)',
          [
            member.key.id,
            Buffer.from(member.key.secret_sha256, 'hex'),
            member.principal_id,
            [tenant.id],
            member.key.expires_at,
          ],
        )
    }
    await this.#client.query(`select set_config('app.tenant', $1, true)`, [this.#tenantId])
    return true
  }

  async createPrincipal(principal: NewPrincipal): Promise<boolean> {
    return await insertPrincipal(this.#client, this.#tenantId, this.#operationId, principal)
  }

  async putMembership(membership: {
    principal_id: string
    role: string
    permissions: string[]
  }): Promise<'put' | 'gone' | 'last_owner'> {
    return await putMembership(this.#client, this.#tenantId, membership)
  }

  async createApiKey(key: NewApiKey): Promise<{ tenants: string[] | null } | null> {
    return await insertApiKey(this.#client, this.#tenantId, key)
  }

  async approveLock(lock: {
    id: string
    content_hash: string
    approved_by: string | null
  }): Promise<JsonObject | null> {
    const { rows } = await this.#client.query<{ lock: JsonObject }>(
      `update strategy_locks l set status = 'approved', approved_by = $4, updated_at = clock_timestamp()
       where tenant_id = $1 and id = $2 and content_hash = $3 and status = 'draft' and valid_until > clock_timestamp()
       returning lock_json(l) as lock`,
      [this.#tenantId, lock.id, lock.content_hash, lock.approved_by],
    )
    return rows[0]?.lock ?? null
  }

  async optTenantIn(by: string, was: Json): Promise<JsonObject | null> {
    const view = `view_of($1, '{"kind": "train_prefs"}')`
    await this.#client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`exo train ${this.#tenantId} `])
    const { rowCount } = await this.#client.query(
      `insert into train_prefs as t (tenant_id, opt_out, changed_by) select $1, false, $2
       where coalesce(${view}, 'null') = $3::jsonb
       on conflict (tenant_id, principal_id) do update set opt_out = false, changed_by = excluded.changed_by,
         changed_at = clock_timestamp()`,
      [this.#tenantId, by, JSON.stringify(was)],
    )
    if (rowCount !== 1) return null
    const { rows } = await this.#client.query<{ word: JsonObject }>(`select ${view} as word`, [this.#tenantId])
    return rows[0]?.word ?? null
  }

  async createOperatorKey(key: {
    kid: string
    principal_id: string
    public_jwk: JsonObject
    operation_id: string
  }): Promise<boolean> {
    const { rowCount } = await this.#client.query(
      `insert into operator_keys (kid, principal_id, public_jwk, operation_id, tenant_id) values ($1, $2, $3, $4, $5)
       on conflict do nothing`,
      [key.kid, key.principal_id, JSON.stringify(key.public_jwk), key.operation_id, this.#tenantId],
    )
    return rowCount === 1
  }
}
