/**
 * SHA-256 with a domain-separating prefix per kind, so that no digest of one kind can stand for another.
 * Pure JavaScript: the same code runs in the workflow sandbox, the browser and the server.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalJson } from './canonical.ts'

export type HashKind = 'intent' | 'plan' | 'facts' | 'shown' | 'decision' | 'lock'

/** Hex SHA-256 of `"exoarmur.<kind>.v1\n" || JCS(value)`. */
export function kindHash(kind: HashKind, value: unknown): string {
  return sha256Hex(utf8ToBytes(`exoarmur.${kind}.v1\n${canonicalJson(value)}`))
}

/** Hex SHA-256 of exact bytes, with no prefix. */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes))
}

/** Hex SHA-256 of the UTF-8 bytes of a text. */
export function sha256TextHex(text: string): string {
  return sha256Hex(utf8ToBytes(text))
}
