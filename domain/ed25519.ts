/** Public keys under which a signature proves something. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { fromBase64Url } from './base64.ts'

/** A JWK's `x`: one encoding of a point of the curve, and not of the few small orders under which many signatures verify. */
export function isSoundEd25519Key(x: string): boolean {
  const bytes = fromBase64Url(x)
  try {
    return bytes?.length === 32 && !ed25519.Point.fromBytes(bytes, false).isSmallOrder()
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
