/** The edge's two calls: who is calling, and opening an operation. */
import type pg from 'pg'
import type { AccessToken } from '../../domain/access-token.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { Represented } from '../../domain/delegation.ts'
import type { VoteContext } from '../../domain/ports.ts'
import type { OperationRow } from './reading.ts'

export interface AdmissionRequest {
  credential:
    | { kind: 'key'; id: string; secret_sha256: string }
    | ({ kind: 'token'; id: string } & Omit<AccessToken, 'client_id' | 'token_id'>)
    | { kind: 'ticket'; secret_sha256: string; stream: string }
  tenant_id: string | null
  project_id: string | null
  surface_id: string
  app_id: string
  rate_class: 'mutation' | 'read' | 'decision' | null
  /** The operation that is voted on; null where this is no vote. */
  votes_on: string | null
}

export interface Admission {
  now: string
  principal: {
    id: string
    kind: 'agent' | 'service' | 'user'
    name: string
    person_id: string | null
    platform_role: 'platform_operator' | null
    status: 'active' | 'revoked'
  } | null
  /** The tenant this request acts in; null when the credential leaves it open or does not belong to the one named. */
  tenant_id: string | null
  memberships: { tenant_id: string; role: string; permissions: string[]; status: 'active' | 'revoked' }[]
  credential: { id: string; expires_at: string; permissions: string[] | null }
  places: { project: boolean; surface: boolean; app: boolean } | null
  rate: { limited: boolean; limit: number; retry_after: number } | null
  /** Where a ticket was asked from; null for any other credential. */
  asked_from: { tenant_id: string | null; project_id: string | null; surface_id: string; app_id: string } | null
  train_ok: boolean | null
  /** In whose name the principal calls; absent where that is its own. */
  on_behalf_of?: Represented[]
  /** What a vote of the principal's is judged by; null where none was asked for, or it may not speak in the tenant. */
  voting: { operation: OperationRow | null; context: VoteContext } | null
}

export interface OpenedOperation {
  created: boolean
  id: string
  /** Whether the body and context are those the key was first used with. */
  same: boolean
}

export class AdmissionStore {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async admit(request: AdmissionRequest): Promise<Admission> {
    const { credential, tenant_id, project_id, surface_id, app_id, rate_class, votes_on } = request
    const { rows } = await this.#pool.query<{ admit: Admission }>({
      name: 'admit',
      text: 'select admit($1, $2, $3, $4, $5, $6, $7)',
      values: [JSON.stringify(credential), tenant_id, project_id, surface_id, app_id, rate_class, votes_on],
    })
    const [row] = rows
    if (row === undefined) throw new Error('admit answered no row')
    return row.admit
  }

  async returnCall(tenantId: string, principalId: string, rateClass: string): Promise<void> {
    await this.#pool.query('select return_call($1, $2, $3)', [tenantId, principalId, rateClass])
  }

  async openOperation(operation: JsonObject, leafEntry: string): Promise<OpenedOperation> {
    const { rows } = await this.#pool.query<{ open_operation: OpenedOperation }>({
      name: 'open_operation',
      text: 'select open_operation($1, $2)',
      values: [JSON.stringify(operation), Buffer.from(leafEntry).toString('base64')],
    })
    const [row] = rows
    if (row === undefined) throw new Error('open_operation answered no row')
    return row.open_operation
  }
}
