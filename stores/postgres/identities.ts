/** Principals, the subjects and keys they are known by, and what they are in a tenant: written inside the guard's transaction by role `control` only. */
import type pg from 'pg'
import type { IssuerSubject } from '../../domain/ports.ts'

export interface NewPrincipal {
  id: string
  kind: 'agent' | 'service' | 'user'
  name: string
  person_id: string | null
  subject: IssuerSubject | null
}

/** One of `t_system` is an operator of the platform. False when the subject is somebody already; the transaction is then not to be committed. */
export async function insertPrincipal(
  client: pg.PoolClient,
  homeTenant: string,
  operationId: string,
  { id, kind, name, person_id, subject }: NewPrincipal,
): Promise<boolean> {
  await client.query(
    `insert into principals (id, kind, name, person_id, home_tenant, platform_role)
     values ($1, $2, $3, $4, nullif($5, 't_system'), case when $5 = 't_system' then 'platform_operator' end)`,
    [id, kind, name, person_id, homeTenant],
  )
  if (subject === null) return true
  const { rowCount } = await client.query(
    'insert into oidc_subjects (issuer, subject, principal_id, operation_id) values ($1, $2, $3, $4) on conflict do nothing',
    [subject.issuer, subject.subject, id, operationId],
  )
  return rowCount === 1
}

/** `gone` when there is no such active principal, `last_owner` when the tenant would have no owner after it. */
export async function putMembership(
  client: pg.PoolClient,
  tenantId: string,
  { principal_id, role, permissions }: { principal_id: string; role: string; permissions: string[] },
): Promise<'put' | 'gone' | 'last_owner'> {
  if (role !== 'owner') {
    await client.query('select lock_owners($1)', [tenantId])
    const { rows } = await client.query<{ last: boolean }>('select is_last_owner($1, $2) as last', [
      tenantId,
      principal_id,
    ])
    if (rows[0]?.last === true) return 'last_owner'
  }
  const { rowCount } = await client.query(
    `insert into memberships as m (tenant_id, principal_id, role, permissions)
     select $1, p.id, $3, $4 from principals p where p.id = $2 and p.status = 'active'
     on conflict (tenant_id, principal_id) do update set role = excluded.role, permissions = excluded.permissions,
       status = 'active', changed_at = clock_timestamp()`,
    [tenantId, principal_id, role, permissions],
  )
  return rowCount === 1 ? 'put' : 'gone'
}

export interface NewApiKey {
  id: string
  secret_sha256: string
  principal_id: string
  permissions: string[] | null
  expires_at: string
  replaces: { id: string; overlap_seconds: number } | null
}

/** Null when the principal, or the key to replace, is active no more; the transaction is then not to be committed. */
export async function insertApiKey(
  client: pg.PoolClient,
  tenantId: string,
  { id, secret_sha256, principal_id, permissions, expires_at, replaces }: NewApiKey,
): Promise<{ tenants: string[] | null } | null> {
  const tenants = tenantId === 't_system' ? null : [tenantId]
  const { rowCount } = await client.query(
    `insert into api_keys (id, secret_hash, principal_id, tenants, permissions, expires_at)
     select $1, decode($2, 'hex'), p.id, $4, $5, $6 from principals p
     where p.id = $3 and p.status = 'active' and $6::timestamptz > clock_timestamp()
       and case when $7 = 't_system' then p.platform_role is not null
                else exists (select from memberships m where m.tenant_id = $7 and m.principal_id = p.id and m.status = 'active') end`,
    [id, secret_sha256, principal_id, tenants, permissions, expires_at, tenantId],
  )
  if (rowCount !== 1) return null
  if (replaces === null) return { tenants }
  const { rows } = await client.query<{ ended: boolean }>('select end_api_key($1, $2, $3, $4) as ended', [
    tenantId,
    replaces.id,
    principal_id,
    replaces.overlap_seconds,
  ])
  return rows[0]?.ended === true ? { tenants } : null
}
