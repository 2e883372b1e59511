/**
 * Three-wise questions: what three reviewers say of one action with one target and one input, and what that comes to.
 * Pure. A reviewer is a person, or a principal that nobody owns; one reviewer is counted once whatever principals they own.
 */
import { canonicalJson, type JsonObject } from './canonical.ts'
import { sha256TextHex } from './hash.ts'
import { type LeafRow, leafRow, makeLeaf } from './leaf.ts'

export const OPINIONS = ['APPROVE', 'REJECT', 'UNSURE'] as const
export type OpinionWord = (typeof OPINIONS)[number]

const REVIEWERS = 3

/** What a verdict is about. A plan carries the same hash of its action, target and input. */
export interface Binds extends JsonObject {
  action: string
  target: string | null
  input: JsonObject
}

export function bindingHash({ action, target, input }: Binds): string {
  return sha256TextHex(canonicalJson({ action, target, input }))
}

export interface Opinion {
  by: string
  kind: 'agent' | 'service' | 'user'
  /** Who counts: see {@link reviewerOf}. */
  reviewer: string
  verdict: OpinionWord
  reason: string
  at: string
}

/** Whom a principal's opinion is counted for. */
export function reviewerOf({ id, person_id }: { id: string; person_id: string | null }): string {
  return person_id ?? id
}

/** APPROVE takes all three, two of them for it and none against; two against are REJECT; anything else is UNSURE. */
export function verdictOf(words: readonly OpinionWord[]): OpinionWord {
  const count = (word: OpinionWord) => words.filter((each) => each === word).length
  if (words.length !== REVIEWERS) return 'UNSURE'
  if (count('APPROVE') >= 2 && count('REJECT') === 0) return 'APPROVE'
  return count('REJECT') >= 2 ? 'REJECT' : 'UNSURE'
}

export interface Question {
  asked_by_reviewer: string
  expires_at: string
  opinions: readonly Opinion[]
}

export type QuestionStatus = 'open' | 'answered' | 'expired'

/** A verdict is worth nothing once its time is over. */
export function questionStatus({ expires_at, opinions }: Question, now: string): QuestionStatus {
  if (Date.parse(now) >= Date.parse(expires_at)) return 'expired'
  return opinions.length >= REVIEWERS ? 'answered' : 'open'
}

export type OpinionRefusal = 'asker' | 'again' | 'answered' | 'expired'

/** Why this reviewer may not give an opinion now, or null. */
export function opinionRefusal(question: Question, reviewer: string, now: string): OpinionRefusal | null {
  if (reviewer === question.asked_by_reviewer) return 'asker'
  if (question.opinions.some((opinion) => opinion.reviewer === reviewer)) return 'again'
  const status = questionStatus(question, now)
  return status === 'open' ? null : status
}

/** Says who gave which opinion; the same for people and for models. */
export function opinionLeaf(
  tenant_id: string,
  question: { id: string; binding_hash: string },
  { by, kind, verdict, reason, at }: Opinion,
  about: { request_id: string | null; trace_id: string | null; train_ok: boolean },
): LeafRow {
  return leafRow(
    makeLeaf({
      kind: 'record.written',
      tenant_id,
      at,
      actor: { principal_id: by, kind },
      action: 'three_wise.opine',
      reason,
      ...about,
      after: { id: question.id, binding_hash: question.binding_hash, verdict },
    }),
  )
}

/** A question as its readers see it, with its place in their list. */
export interface QuestionRow {
  ordinal: string
  id: string
  question: string
  binds: Binds
  binding_hash: string
  opinions: Opinion[]
  asked_by: string
  asked_by_reviewer: string
  asked_at: string
  expires_at: string
}
