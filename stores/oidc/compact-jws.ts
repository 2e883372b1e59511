/**
 * Reads a compact JWS of somebody else's keys. The header is looked at before any key is: a closed list of members, one
 * text for every byte string, no member twice. Whatever is wrong answers null, and nothing tells what it was.
 */
import { compactVerify, errors, type CompactVerifyGetKey } from 'jose'
import { NotIJson, parseIJson, type Json, type JsonObject } from '../../domain/canonical.ts'

/** Never `none`, and never a secret that both sides hold. */
export const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const
export type AsymmetricAlgorithm = (typeof ASYMMETRIC_ALGORITHMS)[number]

/** All that a header may say. Keys, addresses of keys, certificates and critical extensions are not among it. */
const HEADER_MEMBERS: readonly string[] = ['alg', 'typ', 'kid', 'x5t', 'x5t#S256']
const KID_MAX = 255

export interface VerifiedJws {
  header: JsonObject
  payload: Uint8Array
}

/** Null unless the signature is one of `keys` under one of `algorithms`. */
export async function verifyCompact(
  jws: string,
  keys: CompactVerifyGetKey,
  algorithms: readonly AsymmetricAlgorithm[],
): Promise<VerifiedJws | null> {
  const header = headerOf(jws)
  if (header === null || !(algorithms as readonly unknown[]).includes(header.alg)) return null
  try {
    const { payload } = await compactVerify(jws, keys, { algorithms: [...algorithms] })
    return { header, payload }
  } catch (error) {
    if (isRefusal(error)) return null
    throw error
  }
}

/** The header, unauthenticated, or null when no token of ours could carry it. */
function headerOf(jws: string): JsonObject | null {
  const parts = jws.split('.')
  if (parts.length !== 3 || parts.some((part) => bytesOf(part) === null)) return null
  const header = parseObject(bytesOf(parts[0] ?? ''))
  if (header === null || Object.keys(header).some((name) => !HEADER_MEMBERS.includes(name))) return null
  const sound = Object.values(header).every((value) => typeof value === 'string' && value.length <= KID_MAX)
  return sound && header.kid !== '' ? header : null
}

/** What a payload says without its signature having been looked at: only good for finding the issuer to ask. */
export function unverifiedPayload(jws: string): JsonObject | null {
  return parseObject(bytesOf(jws.split('.')[1] ?? ''))
}

/** A JSON object without duplicate members, or null. */
export function parseObject(bytes: Uint8Array | null): JsonObject | null {
  if (bytes === null) return null
  let value: Json
  try {
    value = parseIJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError || error instanceof NotIJson) return null
    throw error
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
}

/** Base64url without padding, in the one text that stands for these bytes. */
function bytesOf(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

/** What the library throws for a token or a key that will not do; a key of the wrong kind is a TypeError. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError ||
    error instanceof TypeError ||
    error instanceof SyntaxError ||
    (error instanceof DOMException && ['DataError', 'OperationError', 'NotSupportedError'].includes(error.name))
  )
}
