/**
 * The signed vote: claims of the compact JWS, and the checks that need no key. Signature, entitlement and single use
 * are checked where keys and rows are; each failure is named by the same word everywhere.
 */
import { fromBase64Url } from './base64.ts'
import { NotIJson, parseIJson } from './canonical.ts'

export const VOTE_TYP = 'exo-vote+jwt'
export const VOTE_MAX_AGE_SECONDS = 3600
const VOTE_SKEW_SECONDS = 5
export const VOTE_MAX_BYTES = 8192

export interface VoteClaims {
  operation_id: string
  tenant: string
  intent_hash: string
  plan_hash: string
  shown_hash: string
  decision: 'approve' | 'deny'
  reason: string | null
  nonce: string
  iat: number
  exp: number
  /** The voter, in an attested vote; a self-signed one names it by its key. */
  by?: string
}

export const VOTE_CHECKS = [
  'typ',
  'alg',
  'kid',
  'signature',
  'tenant',
  'operation',
  'intent',
  'plan',
  'shown',
  'time',
  'nonce',
  'entitlement',
] as const
export type VoteCheck = (typeof VOTE_CHECKS)[number]

export interface VoteSubject {
  tenant_id: string
  operation_id: string
  intent_hash: string
  plan_hash: string
  shown_hash: string
}

/** Whether it looks like a yes to who cannot verify it: a hint what to try first, never a decision. */
export function looksLikeYes(jws: string): boolean {
  const bytes = fromBase64Url(jws.split('.')[1] ?? '')
  return bytes !== null && String.fromCharCode(...bytes).includes('"decision":"approve"')
}

/** The claims of a payload; null for a text that is not I-JSON, or holds anything that is not exactly a vote's claims. */
export function parseVoteClaims(payload: string): VoteClaims | null {
  try {
    return readVoteClaims(parseIJson(payload))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof NotIJson) return null
    throw error
  }
}

/** Takes no U+0000, which no row can hold. */
export function readVoteClaims(value: unknown): VoteClaims | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const claims = value as Record<string, unknown>
  const text = (key: string, max: number, min = 1) => {
    const member = claims[key]
    return typeof member === 'string' && member.length >= min && member.length <= max && !member.includes('\0')
  }
  const hash = (key: string) => typeof claims[key] === 'string' && /^[0-9a-f]{64}$/.test(claims[key])
  const known = [
    'operation_id',
    'tenant',
    'intent_hash',
    'plan_hash',
    'shown_hash',
    'decision',
    'reason',
    'nonce',
    'iat',
    'exp',
    'by',
  ]
  if (!Object.keys(claims).every((key) => known.includes(key))) return null
  const wellFormed =
    text('operation_id', 128) &&
    text('tenant', 64) &&
    hash('intent_hash') &&
    hash('plan_hash') &&
    hash('shown_hash') &&
    (claims.decision === 'approve' || claims.decision === 'deny') &&
    (claims.reason === null || text('reason', 500)) &&
    text('nonce', 128, 16) &&
    Number.isSafeInteger(claims.iat) &&
    Number.isSafeInteger(claims.exp) &&
    (claims.by === undefined || text('by', 64))
  return wellFormed ? (claims as unknown as VoteClaims) : null
}

/** The first claim that does not fit what is being voted on at `nowMs`, or null. */
export function checkVoteClaims(claims: VoteClaims, subject: VoteSubject, nowMs: number): VoteCheck | null {
  if (claims.tenant !== subject.tenant_id) return 'tenant'
  if (claims.operation_id !== subject.operation_id) return 'operation'
  if (claims.intent_hash !== subject.intent_hash) return 'intent'
  if (claims.plan_hash !== subject.plan_hash) return 'plan'
  if (claims.shown_hash !== subject.shown_hash) return 'shown'
  const now = nowMs / 1000
  const fresh =
    claims.exp > claims.iat &&
    claims.exp - claims.iat <= VOTE_MAX_AGE_SECONDS &&
    claims.iat <= now + VOTE_SKEW_SECONDS &&
    claims.exp > now - VOTE_SKEW_SECONDS
  return fresh ? null : 'time'
}
