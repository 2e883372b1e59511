/**
 * Opens an operation once: row and leaf in one transaction, then the start of its run. A key that is known answers its
 * operation before any state is asked. The row outlives a Temporal that does not answer: the outbox starts it later.
 */
import { callerActor, namesOf } from './delegation.ts'
import { findAction, planOperation, readInput, type OperationRequest } from './planning.ts'
import type { ApiPorts, OperationRow } from './ports.ts'
import { randomBytes } from 'node:crypto'
import type { Caller, Ctx } from './request.ts'
import type { EffectfulAction } from '../actions/define.ts'
import { canonicalJson, type JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { makeLeaf } from '../domain/leaf.ts'
import { LIMITS } from '../domain/limits.ts'
import { PROPOSAL_TYP } from '../domain/receipt.ts'

const KEY = /^[A-Za-z0-9._:-]{1,128}$/

export interface Opened {
  row: OperationRow
  replayed: boolean
}

/** `Idempotency-Key`, or a new one. */
export function readKey(c: Ctx): string {
  const given = c.req.header('idempotency-key')
  if (given === undefined) return `key_${randomBytes(12).toString('hex')}`
  if (!KEY.test(given)) throw new ExoError('context.invalid', undefined, { field: 'Idempotency-Key' })
  return given
}

/** Whether the caller has asked for an operation under the key of this request before. */
export async function isKnownKey(c: Ctx): Promise<boolean> {
  const { tenant_id, principal } = c.get('caller')
  if (c.req.header('idempotency-key') === undefined) return false
  return (await c.get('ports').reading.byKey(tenant_id, principal.id, readKey(c))) !== null
}

/** In the caller's name, or in that of somebody who asked for it before: the operation is then theirs, and the key too. */
export async function openOperation(
  c: Ctx,
  request: OperationRequest,
  options: { undoOf?: string; inNameOf?: { requester: Caller; key: string } } = {},
): Promise<Opened> {
  const ports = c.get('ports')
  const caller = options.inNameOf?.requester ?? c.get('caller')
  const context = c.get('context')
  const action = findAction(request.action)
  if (action.class === 'observe') throw new ExoError('action.unknown', undefined, { action: request.action })
  const effectful = action as EffectfulAction<unknown>
  const { input, hash } = readInput(action, request)
  const key = options.inNameOf?.key ?? readKey(c)
  const requestHash = hash(context, namesOf(caller))
  if (effectful.plan !== undefined) {
    const known = await ports.reading.byKey(caller.tenant_id, caller.principal.id, key)
    if (known !== null) return await replay(c, known.id, known.request_hash === requestHash)
  }
  const planned = await planOperation(ports, caller, context, effectful, request, input, key)
  const { intent } = planned
  const proposal = await ports.signers.proposal.sign(
    PROPOSAL_TYP,
    canonicalJson({
      operation_id: intent.operation_id,
      tenant: intent.tenant_id,
      intent_hash: planned.intent_hash,
      plan_hash: planned.plan_hash,
      principal_id: intent.principal_id,
      credential_id: caller.credential.id,
      iat: Math.floor(Date.parse(caller.now) / 1000),
    }),
  )
  const requestContext = {
    ...context,
    request_id: c.get('requestId'),
    trace_id: c.get('traceId'),
    credential_id: caller.credential.id,
  }
  const leaf = makeLeaf({
    kind: 'operation.requested',
    tenant_id: intent.tenant_id,
    at: caller.now,
    actor: callerActor(caller),
    operation_id: intent.operation_id,
    action: intent.action,
    reason: request.reason ?? null,
    request_id: requestContext.request_id,
    trace_id: requestContext.trace_id,
    train_ok: caller.train_ok,
    after: { intent_hash: planned.intent_hash, plan_hash: planned.plan_hash },
  })
  ports.crashPoint('A1')
  const opened = await ports.admission.openOperation(
    {
      tenant_id: intent.tenant_id,
      id: intent.operation_id,
      action: intent.action,
      principal_id: caller.principal.id,
      principal_kind: caller.principal.kind,
      person_id: caller.principal.person_id,
      project_id: context.project_id,
      intent: intent as unknown as JsonObject,
      plan: planned.plan as unknown as JsonObject,
      intent_hash: planned.intent_hash,
      plan_hash: planned.plan_hash,
      proposal,
      context: requestContext,
      reason: request.reason ?? null,
      idempotency_key: key,
      request_hash: requestHash,
      undo_of: options.undoOf ?? null,
    },
    canonicalJson(leaf),
  )
  if (!opened.created) return await replay(c, opened.id, opened.same)
  ports.crashPoint('A3')
  const news = ports.waitForNews(intent.tenant_id, opened.id, 'evaluating', waitMs(c))
  await ports.runs.startOperation({
    v: 1,
    tenant_id: intent.tenant_id,
    operation_id: opened.id,
    intent,
    intent_hash: planned.intent_hash,
    plan: planned.plan,
    plan_hash: planned.plan_hash,
    proposal,
  })
  ports.crashPoint('A4')
  const row = (await news) ?? (await readOperation(ports, intent.tenant_id, opened.id))
  ports.crashPoint('A5')
  return { row, replayed: false }
}

async function replay(c: Ctx, id: string, same: boolean): Promise<Opened> {
  if (!same) throw new ExoError('idempotency.conflict', undefined, { operation_id: id })
  const { tenant_id } = c.get('caller')
  const ports = c.get('ports')
  const row = await readOperation(ports, tenant_id, id)
  if (row.status !== 'evaluating' && row.status !== 'executing') return { row, replayed: true }
  await ports.waitForNews(tenant_id, id, row.status, waitMs(c))
  return { row: await readOperation(ports, tenant_id, id), replayed: true }
}

/** The operation, or 404 alike for absent and foreign. */
export async function readOperation(ports: ApiPorts, tenantId: string, id: string): Promise<OperationRow> {
  const row = /^op_[0-9a-z]{1,64}$/.test(id) ? await ports.reading.operation(tenantId, id) : null
  if (row === null) throw new ExoError('resource.not_found')
  return row
}

/** `Prefer: wait=N` in milliseconds; default 10 s, at most 60 s. */
function waitMs(c: Ctx): number {
  const asked = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(c.req.header('prefer') ?? '')
  const seconds = asked === null ? LIMITS.waitSeconds.default : Math.min(Number(asked[1]), LIMITS.waitSeconds.max)
  return seconds * 1000
}
