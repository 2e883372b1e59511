/** An operation as its rows tell it, and what is written when it moves. The port behind the activities. */
import type { Vote } from './approval.ts'
import type { Json, JsonObject } from './canonical.ts'
import type { ErrorCode } from './errors.ts'
import type { Leaf, LeafRow } from './leaf.ts'
import type { ClaimState, FinalStatus } from './lifecycle.ts'
import type { Intent, Plan, Preview } from './plan.ts'
import type { TransactionPorts, VoterRow } from './ports.ts'
import type { Pass } from './verdict.ts'

export interface ClaimRow {
  state: ClaimState
  kind: string
  effect_key: string
  attempts: number
  passes: Pass[]
  /** What it rested on: the votes of then, or the grant. */
  votes: Vote[]
  satisfied_by: 'votes' | 'license' | 'none_required' | null
  result: Json
  grant_id: string | null
  /** Milliseconds until a try that was begun must have ended; null for a transactional claim. */
  lease_ms: number | null
  /** Milliseconds since it was made. */
  age_ms: number
}

/** What became of one input of several. */
export interface BatchItem {
  /** From 1. */
  n: number
  state: 'committed' | 'failed' | 'blocked'
  code: ErrorCode | null
  result: Json
}

export interface ReceiptRow {
  status: FinalStatus
  /** JCS text of the receipt. */
  receipt: string
}

/** What one pass reads, as the database function answers it. */
export interface PassRow {
  now: string
  operation: {
    status: string
    intent: Intent
    plan: Plan
    proposal: string
    intent_hash: string
    plan_hash: string
    cancel: { by: string; kind: Leaf['actor']['kind']; reason: string; at: string } | null
    reason: string | null
    context: { request_id: string; trace_id: string | null; mode: string }
    principal_kind: 'agent' | 'service' | 'user'
    person_id: string | null
    preview: Preview | null
    shown_hash: string | null
    passes: Pass[]
    approval: { expires_at?: string; quorum?: number }
    undo_of: string | null
  } | null
  claim: ClaimRow | null
  receipt: ReceiptRow | null
  votes: Vote[]
  /** By principal, those who voted, as they are now; null for one that does not exist. */
  voters: Record<string, VoterRow | null>
  /** Keys of those who voted, by key id: the public half, whose it is, and whether it was revoked since. */
  voter_keys: Record<string, { public_jwk: JsonObject; by: string; revoked: boolean }>
  /** The items that have an outcome, in order; null for an operation of one input. */
  batch_items: BatchItem[] | null
  /** Hashes of the operation's leaves so far. */
  leaves: string[]
  facts: JsonObject
  view: Json
  /** Whether those the operation is from let it be learned from. */
  train_ok: boolean
}

export interface EndDocument {
  tenant_id: string
  operation_id: string
  run_id: string | null
  status: string
  passes: readonly Pass[]
  /** Its text is the payload of `jws` and not stored beside it. */
  receipt: string
  jws: string
  decision_hash: string
  approval: JsonObject
  error: JsonObject | null
  preview: Preview | null
  shown_hash: string | null
  claim: { effect_key: string; kind: string; state: string; result: Json; grant_id: string | null } | null
  cost: string
  /** What of it is settled, where that is not all or nothing. */
  settled?: string
  leaves: LeafRow[]
}

/** What is written before an effect is dispatched. */
export interface ClaimDocument {
  tenant_id: string
  operation_id: string
  effect_key: string
  kind: string
  passes: readonly Pass[]
  votes: readonly Vote[]
  satisfied_by: NonNullable<ClaimRow['satisfied_by']>
  grant_id: string | null
  preview: Preview | null
  shown_hash: string | null
  cost: string
  lease_ms: number
  leaves: LeafRow[]
}

/** What it takes to end an operation. */
export type EndingRows = Pick<OperationRows, 'readClaimed' | 'endOperation'>

/**
 * One try of an effect outside the database, under the fence from its first reading until it is over or the lease has ended.
 * Whoever holds it needs no other connection: those may all be waiting for it. The end of the operation gives its locks back.
 */
export interface Fence extends EndingRows {
  /** The guard's transaction, whose reading starts after the locks were granted. They outlive it. */
  guarded<T>(work: (transaction: GuardTransaction) => Promise<T>): Promise<T>
  /** Begins one more try of a dispatched effect; false when the last one is not `tried` any more, or has an outcome. */
  dispatchAgain(leaseMs: number, tried: number): Promise<boolean>
  /** False once this side has heard that the locks are gone: nothing may be dispatched any more. */
  holds(): boolean
}

/** The open guard transaction. */
export interface GuardTransaction {
  row: PassRow
  ports: TransactionPorts
  /**
   * Ends the operation and commits; an operation that ended meanwhile is an error, and nothing happened. Answers the
   * operation as its readers see it.
   */
  end(document: EndDocument): Promise<JsonObject>
  /** Claims an effect and commits; the outcome is another transaction's. */
  claim(document: ClaimDocument): Promise<void>
  /** Runs the work so that everything it wrote is taken back when it throws; what it threw is answered. */
  attempt(work: () => Promise<Json>): Promise<{ result: Json } | { thrown: unknown }>
  /** Keeps what became of items, and commits. */
  keep(operation: { tenant_id: string; operation_id: string }, items: readonly BatchItem[]): Promise<void>
}

export interface PendingDocument {
  tenant_id: string
  operation_id: string
  run_id: string
  preview: Preview | null
  shown_hash: string
  passes: readonly Pass[]
  approval: JsonObject
  leaves: LeafRow[]
}

export interface OperationRows {
  readPass(tenantId: string, operationId: string): Promise<PassRow>
  /** The same without facts and view, which whoever records an outcome does not read again. */
  readClaimed(tenantId: string, operationId: string): Promise<PassRow>
  markPending(document: PendingDocument): Promise<{ status: string; expires_at?: string }>
  /** With the row as its readers see it, where this call ended it. */
  endOperation(document: EndDocument): Promise<{ ended: boolean; status: string; row?: JsonObject }>
  /**
   * The guard's transaction: the fence's shared locks first, then, in a statement that starts after them, the row and
   * fresh facts. It commits only when `work` ends the operation; else nothing happened. Answers what `work` answers.
   */
  guarded<T>(
    tenantId: string,
    operationId: string,
    governs: boolean,
    work: (transaction: GuardTransaction) => Promise<T>,
  ): Promise<T>
  /** Runs one try under a {@link Fence} of its own, which it keeps for a lease after it last asked the database. */
  fenced<T>(tenantId: string, operationId: string, work: (fence: Fence) => Promise<T>): Promise<T>
  raiseAlarm(tenantId: string, operationId: string | null, leaf: LeafRow): Promise<void>
  tenantExists(tenantId: string): Promise<boolean>
  databaseTime(): Promise<string>
}
