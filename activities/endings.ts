/** Builds the receipt of an end, whichever way it came, and the document that commits it. */
import type { Vote } from '../domain/approval.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import { ERRORS, type ErrorCode } from '../domain/errors.ts'
import { sha256TextHex } from '../domain/hash.ts'
import { actorOf, type Leaf, leafRow, makeLeaf, type LeafKind, type LeafRow } from '../domain/leaf.ts'
import { END_LEAF, type FinalStatus } from '../domain/lifecycle.ts'
import { fromMicros, toMicros } from '../domain/money.ts'
import type { EndDocument, PassRow } from '../domain/operation-rows.ts'
import type { Preview } from '../domain/plan.ts'
import type { Signer } from '../domain/ports.ts'
import { decisionHash, RECEIPT_TYP, type EffectRecord, type Receipt, type SatisfiedBy } from '../domain/receipt.ts'
import type { EndedOutput, OperationRef } from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'

export interface Ending {
  status: FinalStatus
  error_code: ErrorCode | null
  error_details: JsonObject
  passes: readonly Pass[]
  votes: readonly Vote[]
  satisfied_by: SatisfiedBy
  license_id: string | null
  effect: EffectRecord | null
  /** Leaves of this transaction that come before the end leaf. */
  earlier_leaves: LeafRow[]
  preview: Preview | null
  shown_hash: string | null
  /** What of the cost is settled, where that is not all or nothing. */
  settled?: string
}

export interface ReceiptTools {
  signer: Signer
  code: { bundle: string; sdk: string; chain: number }
}

type Operation = NonNullable<PassRow['operation']>

export async function endDocument(
  tools: ReceiptTools,
  ref: OperationRef,
  row: PassRow & { operation: Operation },
  ending: Ending,
): Promise<EndDocument> {
  const { operation } = row
  const { status, error_code, error_details, effect } = ending
  const votes = ending.votes.map((vote) => vote.jws)
  const decision_hash = decisionHash({ ...ref, passes: ending.passes, votes, status, error_code })
  const gate = gateOf(ending)
  const endLeaf = operationLeaf(ref, row, END_LEAF[status] as LeafKind, {
    gate,
    code: error_code,
    ...whoAndWhy(ending, operation),
    after: { status, decision_hash, effect_state: effect?.state ?? null },
  })
  const cost = operation.intent.estimated_cost
  const receipt: Receipt = {
    v: 1,
    operation_id: ref.operation_id,
    tenant_id: ref.tenant_id,
    status,
    error_code,
    error_details,
    intent: operation.intent,
    intent_hash: ref.intent_hash,
    plan: operation.plan,
    plan_hash: ref.plan_hash,
    proposal_sha256: sha256TextHex(operation.proposal),
    shown_hash: ending.shown_hash ?? operation.shown_hash,
    decision_hash,
    passes: ending.passes,
    votes,
    voters: ending.votes.map(({ jws: _jws, ...voter }) => voter),
    approval: {
      satisfied_by: ending.satisfied_by,
      license_id: ending.license_id,
      expires_at: operation.approval.expires_at ?? null,
    },
    effect,
    settlement: { currency: 'USD', ...settlementOf(effect?.state ?? null, cost, ending.settled) },
    leaves: [...row.leaves, ...ending.earlier_leaves.map((leaf) => leaf.leaf_hash), endLeaf.leaf_hash],
    ended_at: row.now,
    code: tools.code,
  }
  const text = canonicalJson(receipt)
  return {
    tenant_id: ref.tenant_id,
    operation_id: ref.operation_id,
    run_id: ref.run_id,
    status,
    passes: ending.passes,
    receipt: text,
    jws: await tools.signer.sign(RECEIPT_TYP, text),
    decision_hash,
    approval: { ...operation.approval, satisfied_by: ending.satisfied_by, license_id: ending.license_id },
    error: error_code === null || status === 'cancelled' ? null : errorOf(ending, gate, operation, ref),
    preview: ending.preview,
    shown_hash: ending.shown_hash,
    claim:
      effect === null
        ? null
        : {
            effect_key: effect.key,
            kind: effect.kind,
            state: effect.state,
            result: effect.result,
            grant_id: ending.license_id,
          },
    cost: effect === null ? '0' : cost,
    ...(ending.settled === undefined ? {} : { settled: ending.settled }),
    leaves: [...ending.earlier_leaves, endLeaf],
  }
}

function settlementOf(state: EffectRecord['state'] | null, cost: string, settled?: string) {
  if (settled === undefined)
    return { settled: state === 'committed' ? cost : '0', released: state === 'failed' ? cost : '0' }
  return { settled, released: fromMicros((toMicros(cost) ?? 0n) - (toMicros(settled) ?? 0n)) ?? '0' }
}

/** A leaf that speaks of this operation, from its requester unless another actor is given. */
export function operationLeaf(
  ref: { tenant_id: string; operation_id: string },
  row: PassRow & { operation: Operation },
  kind: LeafKind,
  more: Partial<Pick<Leaf, 'actor' | 'gate' | 'code' | 'reason' | 'before' | 'after'>>,
): LeafRow {
  const { operation } = row
  return leafRow(
    makeLeaf({
      kind,
      tenant_id: ref.tenant_id,
      at: row.now,
      actor: actorOf(operation.intent.principal_id, operation.principal_kind, operation.intent.on_behalf_of),
      operation_id: ref.operation_id,
      action: operation.intent.action,
      request_id: operation.context.request_id,
      trace_id: operation.context.trace_id,
      train_ok: row.train_ok,
      ...more,
    }),
  )
}

/** The effect as its receipt tells it: the planned one, over the bytes that the intent asks for. */
export function effectRecord(
  { intent, plan }: Operation,
  state: EffectRecord['state'],
  attempts: number,
  result: Json,
): EffectRecord {
  const { action, target, input } = intent
  return {
    kind: plan.effect_kind,
    key: plan.effect_key,
    state,
    attempts,
    input_sha256: sha256TextHex(canonicalJson({ action, target, input })),
    output_sha256: state === 'committed' ? sha256TextHex(canonicalJson(result)) : null,
    result,
  }
}

/** What the workflow is told of an end that is committed, read back from its receipt. */
export function endedOutput(receiptText: string): EndedOutput {
  const receipt = JSON.parse(receiptText) as Receipt
  return {
    outcome: 'ended',
    status: receipt.status,
    error_code: receipt.error_code,
    error_details: receipt.error_details,
    passes: [...receipt.passes],
    votes: receipt.voters.map((voter, index) => ({ ...voter, jws: receipt.votes[index] ?? '' })),
    decision_hash: receipt.decision_hash,
    result: receipt.effect?.result ?? null,
  }
}

/** The gate a refusal is filed under: the blocking verdict's, the approval's, or none. */
function gateOf({ status, error_code, passes }: Ending): string | null {
  if (status === 'blocked') return passes.at(-1)?.verdicts.find((verdict) => verdict.decision === 'block')?.gate ?? null
  return error_code === null ? null : ERRORS[error_code].gate
}

/** The end leaf of a cancelled operation is from whoever cancelled it, with their reason; every other is the requester's. */
function whoAndWhy(ending: Ending, { cancel }: Operation): Partial<Pick<Leaf, 'actor' | 'reason'>> {
  if (ending.status !== 'cancelled' || cancel === null) return { reason: reasonOf(ending) }
  return { actor: { principal_id: cancel.by, kind: cancel.kind }, reason: cancel.reason }
}

function reasonOf({ status, votes }: Ending): string | null {
  return status === 'denied' ? (votes.find((vote) => vote.decision === 'deny')?.reason ?? null) : null
}

/** The envelope's inner object, as GET answers it for ever. */
function errorOf(ending: Ending, gate: string | null, operation: Operation, ref: OperationRef): JsonObject | null {
  const code = ending.error_code
  if (code === null) return null
  const reason = reasonOf(ending)
  return {
    code,
    message: ERRORS[code].remedy,
    http_status: ending.status === 'failed' ? 502 : ERRORS[code].status,
    gate,
    action_name: operation.intent.action,
    resource_kind: 'operation',
    details: { ...ending.error_details, ...(reason === null ? {} : { reason }), operation_id: ref.operation_id },
    request_id: operation.context.request_id,
    trace_id: operation.context.trace_id,
  }
}
