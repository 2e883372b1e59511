/**
 * The contract between the workflow and its activities: what each step takes and answers. Inputs carry ids and hashes,
 * not documents: the step loads the row and refuses one whose hashes differ from what history holds.
 */
import type { Vote } from './approval.ts'
import type { Json, JsonObject } from './canonical.ts'
import type { ErrorCode } from './errors.ts'
import type { FinalStatus } from './lifecycle.ts'
import type { Intent, Plan, Preview } from './plan.ts'
import type { Pass, PassName } from './verdict.ts'

export interface OperationInput {
  v: 1
  tenant_id: string
  operation_id: string
  intent: Intent
  intent_hash: string
  plan: Plan
  plan_hash: string
  /** Compact JWS of the API over both hashes. */
  proposal: string
}

/** What a run answers when it closes; it must agree with the receipt. */
export interface OperationResult {
  operation_id: string
  status: FinalStatus
  error_code: ErrorCode | null
  decision_hash: string
}

export interface OperationRef {
  tenant_id: string
  operation_id: string
  intent_hash: string
  plan_hash: string
  run_id: string
}

export interface PassInput extends OperationRef {
  pass: Exclude<PassName, 'guard'>
}
export interface PassOutput {
  /** False when no row, no valid proposal or other hashes stand behind this run. */
  proposal_valid: boolean
  facts: JsonObject
  preview: Preview | null
  shown_hash: string | null
  /** Set when the operation's end is already committed; the run then only reports it. */
  ended: EndedOutput | null
  cancelled: boolean
  /** Set when a run before this one has asked people, so that they are waited for whatever a grant would allow. */
  asked?: true
  /** Re-read from their rows: of voters who still may vote, and every no. Empty for pass `propose`. */
  votes: Vote[]
}

export interface PendingInput extends OperationRef {
  pass: Pass
  preview: Preview | null
  shown_hash: string
}
export interface PendingOutput {
  expires_at: string
  /** Milliseconds of database time until then. */
  remaining_ms: number
  /** Admitted before this run began to wait, whatever their voters have lost since: a run before it was lost or reset. */
  votes: Vote[]
}

export interface AdmitVoteInput extends OperationRef {
  jws: string
}
export type AdmitVoteOutput = { vote: Vote } | { refused: ErrorCode; check: string | null }

export interface DeadlineOutput {
  /** Milliseconds of database time until the deadline; 0 when it has passed. */
  remaining_ms: number
  cancelled: boolean
  /** Re-read from their rows, whatever their voters have lost since. */
  votes: Vote[]
}

/** How an operation came to its end, as the workflow decided it. */
export interface EndInput extends OperationRef {
  status: Exclude<FinalStatus, 'executed' | 'unknown'>
  error_code: ErrorCode | null
  error_details: JsonObject
  passes: Pass[]
  votes: Vote[]
}

export interface GuardInput extends OperationRef {
  /** Chooses the database role; a plan that says otherwise is refused. */
  governs: boolean
  /** Set for an operation of several inputs; a plan that says otherwise is refused. */
  batch?: true
  /** Passes `propose` and, where people were waited for, `resume`. */
  passes: Pass[]
  votes: Vote[]
}
export type GuardOutput =
  /** The guard blocked: its pass travels back, and the run ends `blocked` after deciding the same. */
  | { outcome: 'blocked'; pass: Pass }
  /** Neither votes nor a standing grant stand behind it any more: people must be asked. */
  | { outcome: 'unapproved' }
  | { outcome: 'cancelled' }
  | { outcome: 'expired' }
  /** What the run carries is not what this deployment signed; or `code` says what it no longer has. */
  | { outcome: 'invalid'; detail: string; code?: 'action.version_unavailable' }
  | EndedOutput

export interface EndedOutput {
  outcome: 'ended'
  status: FinalStatus
  error_code: ErrorCode | null
  error_details: JsonObject
  passes: Pass[]
  votes: Vote[]
  decision_hash: string
  result: Json
}

/** The fast path in one step: pass `propose` and, where nobody need be waited for, the guard at once. */
export interface AtOnceInput extends OperationRef {
  governs: boolean
}
export type AtOnceOutput =
  | { ended: EndedOutput }
  /**
   * `guard` is null where the pass leaves nothing to guard yet: blocked, cancelled, or people are needed. `read` is null where
   * a step that was unsure found that not enough have said yes: it did nothing.
   */
  | { ended: null; read: PassOutput | null; guard: Exclude<GuardOutput, EndedOutput> | null }

/** After people: pass `resume` and the guard over one reading, with the same answer. */
export interface ResumeInput extends GuardInput {
  /** Which guard follows; a plan that says otherwise is refused. */
  outside: boolean
  /** Set while the run has not counted enough votes: the step goes on only if their rows say so already. */
  unsure?: true
}
export type ResumeOutput = AtOnceOutput

/** The steps, by the names history shows. */
export interface Steps {
  readPass(input: PassInput): Promise<PassOutput>
  proposeAndGuard(input: AtOnceInput): Promise<AtOnceOutput>
  resumeAndGuard(input: ResumeInput): Promise<ResumeOutput>
  markPending(input: PendingInput): Promise<PendingOutput>
  admitVote(input: AdmitVoteInput): Promise<AdmitVoteOutput>
  readDeadline(input: OperationRef): Promise<DeadlineOutput>
  guardEffect(input: GuardInput): Promise<GuardOutput>
  /** The guard and an effect that leaves the database. */
  effectOutside(input: GuardInput): Promise<GuardOutput>
  endOperation(input: EndInput): Promise<EndedOutput>
  raiseAlarm(input: { tenant_id: string; operation_id: string; detail: string }): Promise<void>
}

export interface SealSteps {
  sealOperations(input: {
    operations: { tenant_id: string; operation_id: string }[]
  }): Promise<{ sealed: number; waiting: number }>
}

export interface ReconcileSteps {
  reconcile(): Promise<{ restarted: number; ended: number; unsealed: number; swept: number; expired: number }>
}
