/** Principals and the subjects they are known by: written inside the guard's transaction by role `control` only. */
import type pg from 'pg'
import type { IssuerSubject } from '../../domain/ports.ts'

export interface NewPrincipal {
  id: string
  kind: 'agent' | 'service' | 'user'
  name: string
  person_id: string | null
  subject: IssuerSubject | null
}

/** False when the subject is somebody already; the transaction is then not to be committed. */
export async function insertPrincipal(
  client: pg.PoolClient,
  homeTenant: string,
  operationId: string,
  { id, kind, name, person_id, subject }: NewPrincipal,
): Promise<boolean> {
  await client.query('insert into principals (id, kind, name, person_id, home_tenant) values ($1, $2, $3, $4, $5)', [
    id,
    kind,
    name,
    person_id,
    homeTenant,
  ])
  if (subject === null) return true
  const { rowCount } = await client.query(
    'insert into oidc_subjects (issuer, subject, principal_id, operation_id) values ($1, $2, $3, $4) on conflict do nothing',
    [subject.issuer, subject.subject, id, operationId],
  )
  return rowCount === 1
}
