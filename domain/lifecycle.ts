/**
 * The life of an operation and of its claim, each as one table. Workflow, stores, API, CLI and documents read these;
 * a final status never changes, and the database enforces the same table (see migrations).
 */
export const STATUSES = [
  'evaluating',
  'pending_approval',
  'executing',
  'executed',
  'proposed',
  'blocked',
  'denied',
  'expired',
  'cancelled',
  'failed',
  'unknown',
] as const
export type Status = (typeof STATUSES)[number]

export const TRANSITIONS: Readonly<Record<Status, readonly Status[]>> = Object.freeze({
  evaluating: ['pending_approval', 'executing', 'executed', 'proposed', 'blocked', 'cancelled', 'failed', 'unknown'],
  pending_approval: ['executing', 'executed', 'blocked', 'denied', 'expired', 'cancelled', 'failed', 'unknown'],
  executing: ['executed', 'failed', 'unknown'],
  executed: [],
  proposed: [],
  blocked: [],
  denied: [],
  expired: [],
  cancelled: [],
  failed: [],
  unknown: [],
})

export type FinalStatus = Exclude<Status, 'evaluating' | 'pending_approval' | 'executing'>

export function isFinal(status: Status): status is FinalStatus {
  return TRANSITIONS[status].length === 0
}

export const CLAIM_STATES = ['claimed', 'dispatched', 'committed', 'failed', 'unknown'] as const
export type ClaimState = (typeof CLAIM_STATES)[number]

export const CLAIM_TRANSITIONS: Readonly<Record<ClaimState, readonly ClaimState[]>> = Object.freeze({
  claimed: ['dispatched', 'committed', 'failed', 'unknown'],
  dispatched: ['committed', 'failed', 'unknown'],
  committed: [],
  failed: [],
  unknown: [],
})

/** The one end leaf of an operation, by how it ended. */
export const END_LEAF: Readonly<Record<FinalStatus, string>> = Object.freeze({
  executed: 'operation.closed',
  failed: 'operation.closed',
  unknown: 'operation.closed',
  proposed: 'operation.proposed',
  blocked: 'operation.blocked',
  denied: 'operation.denied',
  expired: 'operation.expired',
  cancelled: 'operation.cancelled',
})
