/** Licence grants: put by role `control`, listed for the API. A revoked one never comes back under its id. */
import type { Target } from './policy-sections.ts'

/** Puts these grants; false when one of them was revoked, so that nothing stands under its id. */
async function put({ client, tenantId, operationId, change }: Target, rows: readonly unknown[]): Promise<boolean> {
  const { rowCount } = await client.query(
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
    [tenantId, JSON.stringify(rows), operationId, change.person_id],
  )
  return rowCount === rows.length
}

/** The same, and every other grant is revoked. */
async function replace(target: Target, rows: readonly unknown[]): Promise<boolean> {
  await target.client.query(
    `update license_grants g set revoked_at = clock_timestamp() where tenant_id = $1 and revoked_at is null
       and not exists (select from jsonb_array_elements($2::jsonb) r where r ->> 'id' = g.id)`,
    [target.tenantId, JSON.stringify(rows)],
  )
  return await put(target, rows)
}

export const grants = { put, replace }
