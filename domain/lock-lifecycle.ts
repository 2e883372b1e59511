/**
 * The life of a strategy lock as one table, and what an approval of one binds to. Every change of what a lock says makes
 * a new version, which is a draft. A trigger of the database keeps the same table.
 */
import { kindHash } from './hash.ts'

export const LOCK_STATUSES = ['draft', 'approved', 'rejected', 'expired', 'revoked'] as const
export type LockStatus = (typeof LOCK_STATUSES)[number]
export type LockChange = 'approve' | 'reject' | 'revise' | 'revoke' | 'expire'

/** What each change makes of a lock; a change that is not named is refused. */
export const LOCK_TRANSITIONS: Readonly<Record<LockStatus, Readonly<Partial<Record<LockChange, LockStatus>>>>> =
  Object.freeze({
    draft: { approve: 'approved', reject: 'rejected', revise: 'draft', revoke: 'revoked', expire: 'expired' },
    approved: { revise: 'draft', revoke: 'revoked', expire: 'expired' },
    rejected: {},
    expired: {},
    revoked: {},
  })

/** The status after a change, or null where the lock takes none of this kind. */
export function lockAfter(status: LockStatus, change: LockChange): LockStatus | null {
  return LOCK_TRANSITIONS[status][change] ?? null
}

/** The statuses that take a change. */
export function lockBefore(change: LockChange): LockStatus[] {
  return LOCK_STATUSES.filter((status) => lockAfter(status, change) !== null)
}

/** Everything a lock says: whoever approves it approves all of this. Instants are UTC with microseconds. */
export interface LockContent {
  title: string
  allowed_actions: string[]
  surface_id: string
  /** Null is every project. */
  project_id: string | null
  valid_from: string
  valid_until: string
  /** An expression that must hold of what is asked; null is none. */
  constraints: string | null
  three_wise_id: string | null
}

/** Names one version of one lock; an approval of another version or another lock never fits. */
export function lockContentHash(id: string, version: number, content: LockContent): string {
  const { title, allowed_actions, surface_id, project_id, valid_from, valid_until, constraints, three_wise_id } =
    content
  return kindHash('lock', {
    id,
    version,
    title,
    allowed_actions,
    surface_id,
    project_id,
    valid_from,
    valid_until,
    constraints,
    three_wise_id,
  })
}

/** A lock as its readers see it. */
export interface LockItem extends LockContent {
  id: string
  status: LockStatus
  version: number
  content_hash: string
  created_by: string
  drafted_by: string
  approved_by: string | null
  closed_by: string | null
  closed_reason: string | null
  created_at: string
  updated_at: string
}

/** What only deciding about a lock needs. */
export interface LockRow {
  ordinal: string
  lock: LockItem
  /** Every person who ever wrote a version of it. */
  authors: string[]
  /** The credential of whoever wrote this version. */
  drafted_with: string
}
