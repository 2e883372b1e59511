/** One entry of the audit log: who, what, when, why. Its bytes are the JCS of this object and are never made twice. */
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { toBase64 } from './base64.ts'
import { canonicalJson, type Json } from './canonical.ts'
import { leafHash } from './log/merkle.ts'
import { maskJson, maskText } from './mask.ts'

export const LEAF_KINDS = [
  'operation.requested',
  'operation.blocked',
  'operation.proposed',
  'operation.pending',
  'operation.denied',
  'operation.expired',
  'operation.cancelled',
  'operation.closed',
  'vote.accepted',
  'vote.refused',
  'effect.intent',
  'effect.outcome',
  'operation.sealed',
  'control.changed',
  'record.written',
  'access.refused',
  'audit.read',
  'alarm',
  'system.bootstrapped',
] as const
export type LeafKind = (typeof LEAF_KINDS)[number]

export interface Actor {
  principal_id: string | null
  kind: 'agent' | 'service' | 'user' | 'system' | 'anonymous'
  /** In whose name, nearest first; absent where it is their own. */
  on_behalf_of?: readonly string[]
}

export interface Leaf {
  v: 1
  kind: LeafKind
  tenant_id: string
  /** Database time, ISO 8601 in UTC. */
  at: string
  actor: Actor
  operation_id: string | null
  action: string | null
  gate: string | null
  code: string | null
  reason: string | null
  request_id: string | null
  trace_id: string | null
  before: Json
  after: Json
  /** What personal data was masked in `reason`, `before` and `after`: `none`, or its kinds, in order, with commas between. */
  pii: string
  /** Whether those it tells of let it be learned from. */
  train_ok: boolean
}

type Given = Pick<Leaf, 'kind' | 'tenant_id' | 'at' | 'actor'> & Partial<Omit<Leaf, 'pii'>>

/**
 * Every leaf is made here, and so none holds personal data that can be told from other words. `train_ok` is true only where
 * it was read so: what was not asked, or could not be read, is a no.
 */
export function makeLeaf(given: Given): Leaf {
  const reason = given.reason == null ? null : maskText(given.reason)
  const [before, after] = [maskJson(given.before ?? null), maskJson(given.after ?? null)]
  const kinds = new Set([reason?.kinds ?? [], before.kinds, after.kinds].flat())
  return {
    v: 1,
    operation_id: null,
    action: null,
    gate: null,
    code: null,
    request_id: null,
    trace_id: null,
    ...given,
    reason: reason?.value ?? null,
    before: before.value,
    after: after.value,
    pii: kinds.size === 0 ? 'none' : [...kinds].sort().join(),
    train_ok: given.train_ok === true,
  }
}

/** Who did it, and for whom. */
export function actorOf(principal_id: string, kind: Actor['kind'], on_behalf_of: readonly string[] | null): Actor {
  return { principal_id, kind, ...(on_behalf_of === null ? {} : { on_behalf_of }) }
}

/** A leaf as stores take it: the exact bytes in base64, and their hash in the tree. */
export interface LeafRow {
  kind: LeafKind
  entry: string
  leaf_hash: string
}

export function leafRow(leaf: Leaf): LeafRow {
  const entry = utf8ToBytes(canonicalJson(leaf))
  return { kind: leaf.kind, entry: toBase64(entry), leaf_hash: bytesToHex(leafHash(entry)) }
}
