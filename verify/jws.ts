/**
 * Compact JWS with Ed25519, read strictly: one encoding of each part, a header of exactly `alg`, `kid`, `typ`, and keys
 * that sign one purpose only. A signature of one purpose never verifies as another, because purpose, `typ` and key are
 * looked up together.
 */
import { createPublicKey, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { ensure } from './report.ts'
import { exactly, oneOf, readJson, readText, text } from './shape.ts'
import type { Json } from '../domain/canonical.ts'

export interface Jws {
  kid: string
  typ: string
  /** The exact bytes that were signed over, as text. */
  payload: string
  claims: Json
  signed: Uint8Array
  signature: Uint8Array
}

const header = exactly({ alg: oneOf('EdDSA'), kid: text, typ: text })

export function readJws(compact: string, at: string): Jws {
  const parts = compact.split('.')
  const [head = '', body = '', tail = ''] = parts
  ensure(parts.length === 3, `${at} is not a compact JWS`)
  const { kid, typ } = header(readJson(readText(fromBase64Url(head, at), at), `${at} header`), `${at} header`)
  const payload = readText(fromBase64Url(body, at), at)
  const signature = fromBase64Url(tail, at)
  ensure(signature.length === 64, `${at} has no Ed25519 signature`)
  return { kid, typ, payload, claims: readJson(payload, at), signed: utf8ToBytes(`${head}.${body}`), signature }
}

/** RFC 8032; a key that came through {@link publicKeyOf} is not one of the few under which many signatures verify. */
export function verifiesJws(jws: Jws, publicKey: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, jws.signed, key, jws.signature)
}

export interface PublicJwk {
  kty: 'OKP'
  crv: 'Ed25519'
  x: string
}

export const publicJwk = exactly<PublicJwk>({ kty: oneOf('OKP'), crv: oneOf('Ed25519'), x: text })

export function publicKeyOf(jwk: PublicJwk, at: string): Uint8Array {
  const bytes = fromBase64Url(jwk.x, `${at}.x`)
  ensure(bytes.length === 32 && isSound(bytes), `${at}.x is not a sound Ed25519 key`)
  return bytes
}

/** A point of the curve in its one encoding, and not of small order. */
function isSound(bytes: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(bytes, false).isSmallOrder()
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

function fromBase64Url(part: string, at: string): Uint8Array {
  const bytes = Buffer.from(part, 'base64url')
  ensure(bytes.toString('base64url') === part, `${at} is not base64url`)
  return new Uint8Array(bytes)
}
