/**
 * Approving a lock in one call: the control operation is the drafter's, who asked for it by drafting, and the call is the
 * vote of somebody else. The API attests that vote as it does on any operation. Whoever holds a key of their own, or must
 * sign where votes are self-signed, is answered the waiting operation and votes on it with their key.
 */
import { endedWell } from './operation-view.ts'
import { type Opened, openOperation, readKey, readOperation } from './opening.ts'
import type { LockRow } from '../domain/lock-lifecycle.ts'
import type { OperationRow } from './ports.ts'
import type { Caller, Ctx } from './request.ts'
import { theResource } from './routes/controls.ts'
import { attest, castVote } from './routes/decisions.ts'
import { answer } from './routes/operations.ts'
import { ExoError } from '../domain/errors.ts'

interface Decision {
  content_hash: string
  reason: string
}

export async function approveLock(c: Ctx, row: LockRow, { content_hash, reason }: Decision): Promise<Response> {
  const key = readKey(c)
  const opened = await openApproval(c, row, content_hash, key)
  const { row: operation } = opened
  if (operation.status !== 'pending_approval' || (await signsAlone(c, operation))) return told(c, opened, key)
  const { after } = await castVote(c, operation, await attest(c, operation, { decision: 'approve', reason }))
  return told(c, { row: after, replayed: opened.replayed }, key)
}

/** The operation this key opened before, one that waits for a vote already, or a new one. */
async function openApproval(
  c: Ctx,
  { lock, drafted_with }: LockRow,
  content_hash: string,
  callersKey: string,
): Promise<Opened> {
  const ports = c.get('ports')
  const { tenant_id, principal } = c.get('caller')
  // No key that a caller may send holds a slash, so that nobody else's operation is found by it.
  const key = `approve/${lock.id}/${principal.id}/${callersKey}`
  const request = { action: 'strategy_lock.approve', input: { id: lock.id, content_hash }, run: 'execute' } as const
  const requester = await drafterOf(c, lock.drafted_by, drafted_with)
  const known = await ports.reading.byKey(tenant_id, requester.principal.id, key)
  if (known === null) {
    const waiting = await ports.locks.pendingApproval(tenant_id, lock.id, content_hash, requester.principal.id)
    if (waiting !== null) return { row: await readOperation(ports, tenant_id, waiting), replayed: false }
  }
  return await openOperation(c, request, { inNameOf: { requester, key } })
}

/** In whose name it is asked. Nothing is asked in the name of somebody who is no member any more. */
async function drafterOf(c: Ctx, principalId: string, credentialId: string): Promise<Caller> {
  const { tenant_id, now, train_ok } = c.get('caller')
  const member = await c.get('ports').locks.member(tenant_id, principalId)
  if (member?.active !== true)
    throw new ExoError('strategy_lock.state_conflict', 'Whoever drafted this version is no member any more.', {
      drafted_by: principalId,
    })
  const { id, kind, name, person_id } = member
  return {
    now,
    tenant_id,
    principal: { id, kind, name, person_id, platform_role: null, status: 'active' },
    credential: { id: credentialId, expires_at: now, permissions: [] },
    memberships: [],
    permissions: [],
    on_behalf_of: [],
    train_ok: train_ok && (await c.get('ports').privacy.trainOk(tenant_id, id)),
  }
}

async function signsAlone(c: Ctx, { id, plan }: OperationRow): Promise<boolean> {
  if (plan.approval.assurance === 'self_signed') return true
  const { tenant_id, principal } = c.get('caller')
  const { voter } = await c.get('ports').votes.rows.context(tenant_id, id, '', principal.id)
  return voter?.has_active_key === true
}

/** The lock once it is approved; the operation while it waits; a conflict when the lock changed before the vote counted. */
function told(c: Ctx, opened: Opened, key: string): Response {
  const { status, error, id } = opened.row
  if (status === 'failed' && error?.['code'] === 'effect.precondition_failed')
    throw new ExoError('strategy_lock.state_conflict', undefined, { operation_id: id })
  const response = answer(c, opened, endedWell(status) ? theResource : undefined)
  response.headers.set('idempotency-key', key)
  return response
}
