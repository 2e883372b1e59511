/** An operation as callers see it, and the status its answer carries. */
import type { OperationRow } from './ports.ts'
import { workflowIdOf } from './workflow-id.ts'
import type { JsonObject } from '../domain/canonical.ts'
import { actorOf } from '../domain/leaf.ts'
import { isFinal, type Status } from '../domain/lifecycle.ts'
import { voteExclusion } from '../domain/approval.ts'

export function operationView(row: OperationRow, namespace: string): JsonObject {
  const { intent, plan, approval } = row
  const self = `/operations/${row.id}`
  const { credential_id: _credential, ...context } = row.context
  return {
    id: row.id,
    tenant_id: row.tenant_id,
    status: row.status,
    action: intent.action,
    action_version: intent.action_version,
    class: intent.class,
    run: intent.run,
    target: intent.target,
    input: intent.input,
    estimated_cost: intent.estimated_cost,
    reason: row.reason,
    idempotency_key: row.idempotency_key,
    requested_by: actorOf(intent.principal_id, row.principal_kind, intent.on_behalf_of),
    context,
    intent,
    intent_hash: row.intent_hash,
    plan_hash: row.plan_hash,
    preview: row.preview,
    shown_hash: row.shown_hash,
    decision_hash: row.decision_hash,
    passes: row.passes.map(({ pass, facts_hash, verdicts }) => ({ pass, facts_hash, verdicts })),
    approval: {
      required: plan.approval.required,
      quorum: plan.approval.quorum,
      tree: plan.approval.tree,
      assurance: plan.approval.assurance,
      satisfied_by: approval.satisfied_by ?? null,
      license_id: approval.license_id ?? null,
      expires_at: approval.expires_at ?? null,
      votes: row.votes.map((vote) => {
        const code = voteExclusion(plan.approval, vote)
        const { by, assurance, decision, reason, at } = vote
        return { by, assurance, decision, reason, counted: code === null, code, at }
      }),
    },
    effect: row.claim,
    error: row.error,
    undo_of: row.undo_of,
    undone_by: row.undone_by,
    resolved_by: row.resolved_by,
    temporal: { namespace, workflow_id: workflowIdOf(row.tenant_id, row.id), run_id: row.run_id },
    links: {
      self,
      receipt: `${self}/receipt`,
      history: `${self}/history`,
      bundle: `${self}/bundle`,
      events: `${self}/events`,
    },
    created_at: row.created_at,
    updated_at: row.updated_at,
  } as unknown as JsonObject
}

export function endedWell(status: Status): boolean {
  return status === 'executed' || status === 'proposed'
}

export function stillGoing(status: Status): boolean {
  return !isFinal(status)
}
