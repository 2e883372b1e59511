/**
 * From an operation to a signed vote: what is shown is checked against its hashes, then the claims are signed with the key of
 * this browser. The same claims, in the same form, as the CLI signs.
 */
import { canonicalJson } from './canonical.js'
import { sha256Hex } from './key-store.js'

/** @import { VoteClaims } from '../domain/vote.ts' */
/** @typedef {import('./key-store.js').KeptKey} KeptKey */

const GOOD_FOR_SECONDS = 3600

/**
 * @param {'shown' | 'intent'} kind
 * @param {any} value
 */
const kindHash = (kind, value) => sha256Hex(`exoarmur.${kind}.v1\n${canonicalJson(value)}`)

/**
 * Throws unless preview and intent have the hashes they came with, and the operation is called as its intent calls it.
 * @param {any} operation
 */
export async function checkShown(operation) {
  const { id, tenant_id, action, target, preview, shown_hash, intent, intent_hash } = operation
  if (preview === null || shown_hash === null)
    throw new Error('The operation has no preview yet, so there is nothing to decide about.')
  const named = { operation_id: id, tenant_id, action, target, class: operation.class }
  const sound =
    (await kindHash('shown', preview)) === shown_hash &&
    (await kindHash('intent', intent)) === intent_hash &&
    Object.entries(named).every(([key, value]) => intent[key] === value)
  if (!sound)
    throw new Error('The preview or the intent does not have the hash it came with; nothing was signed or sent.')
}

/**
 * The vote as a compact JWS over exactly this operation, good for an hour.
 * @param {KeptKey} key
 * @param {any} operation
 * @param {{ decision: 'approve' | 'deny', reason: string | null }} decided
 * @param {number} nowMs
 */
export async function signVote(key, operation, { decision, reason }, nowMs) {
  const iat = Math.floor(nowMs / 1000)
  /** @type {VoteClaims} */
  const claims = {
    operation_id: operation.id,
    tenant: operation.tenant_id,
    intent_hash: operation.intent_hash,
    plan_hash: operation.plan_hash,
    shown_hash: operation.shown_hash,
    decision,
    reason,
    nonce: crypto
      .getRandomValues(new Uint8Array(16))
      .reduce((hex, byte) => hex + byte.toString(16).padStart(2, '0'), ''),
    iat,
    exp: iat + GOOD_FOR_SECONDS,
  }
  const header = { alg: 'EdDSA', kid: key.kid, typ: 'exo-vote+jwt' }
  const signed = `${base64url(utf8(JSON.stringify(header)))}.${base64url(utf8(canonicalJson(claims)))}`
  const signature = await crypto.subtle.sign('Ed25519', key.private_key, utf8(signed))
  return `${signed}.${base64url(new Uint8Array(signature))}`
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text)

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  const text = btoa(bytes.reduce((all, byte) => all + String.fromCharCode(byte), ''))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
