/**
 * Effects that leave the database: what a target's answer comes to, and what the ports promise. An effect is `failed`
 * only when the target's contract says that it was not applied; whatever cannot be told is `unknown`.
 */
import type { Json, JsonObject } from './canonical.ts'
import type { ErrorCode } from './errors.ts'
import type { EffectContext } from './ports.ts'
import type { Asset, AssetName, StoredObject } from './stored.ts'

export const OUTSIDE_KINDS = ['conditional', 'keyed', 'blind'] as const
export type OutsideKind = (typeof OUTSIDE_KINDS)[number]

/** How often an effect is tried at most: a blind one is never tried again. */
export const MOST_TRIES: Readonly<Record<OutsideKind, number>> = Object.freeze({ conditional: 5, keyed: 5, blind: 1 })

/** A key is sent again within this time of its claim; a target keeps keys for longer. */
export const KEY_WINDOW_MS = 600_000

export type Outcome =
  | { state: 'committed'; result: Json }
  | { state: 'failed'; code: ErrorCode; details: JsonObject }
  | { state: 'unknown'; details: JsonObject }

/** What a target said of a request; `status` is absent when it said nothing that can be used. */
export interface HttpAnswer {
  status: number | null
  body_sha256: string | null
  /** Why there is no status, in a word: `timeout`, `reset`, `address_forbidden` … */
  silence: string | null
}

export interface OutsidePorts {
  objects: {
    /** Creates the object, as the store says it keeps it, or says that the name is taken. Throws when the answer was lost. */
    putIfAbsent(tenantId: string, name: string, text: string, timeoutMs: number): Promise<StoredObject | 'taken'>
    /** What lies under the name, or null. */
    look(tenantId: string, name: string, timeoutMs: number): Promise<StoredObject | null>
  }
  raw: {
    /** What was uploaded under the ticket, by what the store itself says of it; null when nothing was. */
    staged(tenantId: string, assetId: string, timeoutMs: number): Promise<Omit<StoredObject, 'key'> | null>
    /** What lies where registered assets lie. */
    registered(tenantId: string, asset: AssetName, timeoutMs: number): Promise<StoredObject | null>
    /**
     * Puts the uploaded bytes there if nothing is there, checked by their digest. Reading them counts into the time, and
     * what is left is asked once more before they are put.
     */
    promote(tenantId: string, asset: Asset, timeLeftMs: () => number): Promise<StoredObject | 'taken'>
  }
  secrets: {
    /** What operators of the deployment put there for this tenant and this host, or null. Read when it is needed, kept nowhere. */
    read(tenantId: string, host: string, name: string): Promise<string | null>
  }
  http: {
    /** One request to the origin that was allowed, to an address that was checked; never a redirect followed. */
    post(request: {
      url: string
      headers: Readonly<Record<string, string>>
      body: string
      timeoutMs: number
    }): Promise<HttpAnswer>
  }
}

export interface OutsideContext extends Omit<EffectContext, 'control_leaf_hash' | 'approved_by'> {
  kind: OutsideKind
  target: string | null
  /** This try's number, from 1. */
  attempts: number
  /** What is left of the lease, less a margin: asked before each request, so that all of them together end before it. */
  timeLeftMs(): number
}

const NOT_APPLIED_BUT_MAY_PASS = [408, 409, 425, 429]

/** This try was not applied, for sure: failed, unless one before it may have been. */
export function notApplied(attempts: number, code: ErrorCode, details: JsonObject): Outcome {
  return attempts === 1 ? { state: 'failed', code, details } : { state: 'unknown', details }
}

/**
 * SHAPES: 2xx executed; 4xx not applied, but for those that ask to come again; anything else, and silence, unknown. What a
 * later try is refused says nothing of an earlier one whose answer was lost.
 */
export function outcomeOfAnswer({ status, body_sha256, silence }: HttpAnswer, attempts: number): Outcome {
  if (silence === 'address_forbidden') return notApplied(attempts, 'egress.target_forbidden', { reason: silence })
  if (status === null) return { state: 'unknown', details: { reason: silence ?? 'no answer' } }
  if (status >= 200 && status < 300) return { state: 'committed', result: { status, body_sha256 } }
  if (status >= 400 && status < 500 && !NOT_APPLIED_BUT_MAY_PASS.includes(status))
    return notApplied(attempts, 'effect.failed', { status, body_sha256 })
  return { state: 'unknown', details: { status, body_sha256 } }
}
