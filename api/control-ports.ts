/**
 * What the API is handed for strategy locks, which it drafts, revises, closes and reads and never approves, and for
 * three-wise questions.
 */
import type { LeafRow } from '../domain/leaf.ts'
import type { LockContent, LockItem, LockRow } from '../domain/lock-lifecycle.ts'
import type { Opinion, OpinionRefusal, QuestionRow } from '../domain/three-wise.ts'

/** Who wrote a version of a lock. */
export interface LockAuthor {
  principal_id: string
  /** The person, where there is one. */
  person_id: string | null
  credential_id: string
}

/** Somebody in whose name an operation is opened, as rows say now. */
export interface MemberRow {
  id: string
  kind: 'agent' | 'service' | 'user'
  name: string
  person_id: string | null
  /** Of the principal and of its membership. */
  active: boolean
}

export interface LocksPort {
  page(
    tenantId: string,
    filter: {
      status?: string | undefined
      surface?: string | undefined
      action?: string | undefined
      before?: string | undefined
      limit: number
    },
  ): Promise<LockRow[]>
  find(tenantId: string, id: string): Promise<LockRow | null>
  /** Null when a question it names is not there. */
  draft(
    tenantId: string,
    lock: { id: string; content: LockContent; content_hash: string },
    author: LockAuthor,
    requestId: string,
    leaf: (after: LockItem) => LeafRow,
  ): Promise<LockItem | null>
  /** Makes the next version, a draft; null when the lock is not at `from` any more, or a question is not there. */
  revise(
    tenantId: string,
    lock: { id: string; from: string; version: number; content: LockContent; content_hash: string },
    author: LockAuthor,
    requestId: string,
    leaf: (after: LockItem) => LeafRow,
  ): Promise<LockItem | null>
  /** Null when the lock has another content or takes no such change any more. */
  close(
    tenantId: string,
    lock: { id: string; content_hash: string; change: 'reject' | 'revoke'; by: string; reason: string },
    requestId: string,
    leaf: (after: LockItem) => LeafRow,
  ): Promise<LockItem | null>
  /** The open operation that would approve this content in this principal's name. */
  pendingApproval(tenantId: string, id: string, contentHash: string, requestedBy: string): Promise<string | null>
  member(tenantId: string, principalId: string): Promise<MemberRow | null>
}

export interface QuestionsPort {
  page(tenantId: string, before: string | null, limit: number): Promise<QuestionRow[]>
  find(tenantId: string, id: string): Promise<QuestionRow | null>
  ask(
    tenantId: string,
    asked: Pick<QuestionRow, 'id' | 'question' | 'binds' | 'binding_hash' | 'asked_by' | 'asked_by_reviewer'> & {
      expires_in: number
    },
    requestId: string,
    leaf: (question: QuestionRow) => LeafRow,
  ): Promise<QuestionRow>
  /** Null when there is no such question. */
  give(
    tenantId: string,
    id: string,
    given: Omit<Opinion, 'at'>,
    requestId: string | null,
    leaf: (question: QuestionRow, opinion: Opinion) => LeafRow,
  ): Promise<{ question: QuestionRow } | { refused: OpinionRefusal } | null>
}
