/** The claim that commits before an effect which is not one transaction: what it rests on, and how long a try may last. */
import { operationLeaf } from './endings.ts'
import type { Guarded, Judged } from './judge.ts'
import { previewOf, type WithRow } from './pass-tools.ts'
import { kindHash } from '../domain/hash.ts'
import { LIMITS } from '../domain/limits.ts'
import type { ClaimDocument } from '../domain/operation-rows.ts'
import type { Plan } from '../domain/plan.ts'
import type { Pass } from '../domain/verdict.ts'

export function claimOf(
  input: Guarded,
  passes: Pass[],
  { row, votes, satisfied_by, license_id }: Judged,
): ClaimDocument {
  const { plan, intent, shown_hash } = row.operation
  const shown = shown_hash === null ? previewOf(row) : null
  const after = { effect_key: plan.effect_key, kind: plan.effect_kind, satisfied_by, license_id }
  return {
    tenant_id: input.tenant_id,
    operation_id: input.operation_id,
    effect_key: plan.effect_key,
    kind: plan.effect_kind,
    passes,
    votes,
    satisfied_by,
    grant_id: license_id,
    preview: shown,
    shown_hash: shown === null ? null : kindHash('shown', shown),
    cost: intent.estimated_cost,
    lease_ms: leaseOf(plan),
    leaves: [operationLeaf(input, row, 'effect.intent', { after })],
  }
}

/** The row as it is once the claim has committed: nobody else writes to it under the lock that it was read under. */
export function claimedRow(row: WithRow, claim: ClaimDocument): WithRow {
  const { effect_key, kind, satisfied_by, grant_id, preview, shown_hash, lease_ms, leaves } = claim
  const { operation } = row
  return {
    ...row,
    operation: {
      ...operation,
      status: 'executing',
      preview: preview ?? operation.preview,
      shown_hash: shown_hash ?? operation.shown_hash,
    },
    claim: {
      state: 'dispatched',
      kind,
      effect_key,
      attempts: 1,
      passes: [...claim.passes],
      votes: [...claim.votes],
      satisfied_by,
      result: null,
      grant_id,
      lease_ms,
      age_ms: 0,
    },
    leaves: [...row.leaves, ...leaves.map((leaf) => leaf.leaf_hash)],
  }
}

/** No longer than the fence lasts, which is taken before the plan is read. */
export function leaseOf({ lease_ms }: Plan): number {
  return Math.min(lease_ms, LIMITS.leaseMs)
}
