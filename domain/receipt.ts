/**
 * The receipt: signed with the outcome, in its transaction. The seal: signed after close, over the exact history bytes.
 * Neither is ever edited. `decisionHash` names everything that was decided and reads no clock.
 */
import type { Vote } from './approval.ts'
import type { Json, JsonObject } from './canonical.ts'
import type { ErrorCode } from './errors.ts'
import { kindHash } from './hash.ts'
import type { ClaimState, FinalStatus } from './lifecycle.ts'
import type { Intent, Plan } from './plan.ts'
import type { Pass } from './verdict.ts'

export const RECEIPT_TYP = 'exo-receipt+jwt'
export const SEAL_TYP = 'exo-seal+jwt'
export const PROPOSAL_TYP = 'exo-proposal+jwt'

/** How the approval stood when the operation ended. */
export type SatisfiedBy = 'votes' | 'license' | 'none_required' | null

export interface EffectRecord {
  kind: Plan['effect_kind']
  key: string
  state: ClaimState
  attempts: number
  input_sha256: string
  output_sha256: string | null
  result: Json
}

export interface Receipt {
  v: 1
  operation_id: string
  tenant_id: string
  status: FinalStatus
  error_code: ErrorCode | null
  /** What the code adds: which gate, which vote, what the target said. */
  error_details: JsonObject
  intent: Intent
  intent_hash: string
  plan: Plan
  plan_hash: string
  proposal_sha256: string
  shown_hash: string | null
  decision_hash: string
  passes: readonly Pass[]
  /** Compact JWS of each vote that was admitted, in order. */
  votes: readonly string[]
  /** Entitlement of each vote as recorded when it was admitted, same order. */
  voters: readonly Omit<Vote, 'jws'>[]
  approval: { satisfied_by: SatisfiedBy; license_id: string | null; expires_at: string | null }
  effect: EffectRecord | null
  settlement: { currency: 'USD'; settled: string; released: string }
  /** Hashes of this operation's leaves up to and with its end. */
  leaves: readonly string[]
  ended_at: string
  code: { bundle: string; sdk: string; chain: number }
}

export interface DecisionInput {
  intent_hash: string
  plan_hash: string
  passes: readonly Pass[]
  votes: readonly string[]
  status: FinalStatus
  error_code: ErrorCode | null
}

export function decisionHash(decision: DecisionInput): string {
  const { intent_hash, plan_hash, passes, votes, status, error_code } = decision
  return kindHash('decision', {
    intent_hash,
    plan_hash,
    passes: passes.map(({ pass, facts_hash, verdicts }) => ({ pass, facts_hash, verdicts })),
    votes,
    outcome: { status, error_code },
  })
}

export interface Seal {
  v: 1
  operation_id: string
  tenant_id: string
  history_sha256: string
  receipt_sha256: string
  leaves: readonly { seq: number; leaf_hash: string }[]
  /** The signed note over the tenant's tree that holds those leaves. */
  checkpoint: string
  build_ids: readonly string[]
}
