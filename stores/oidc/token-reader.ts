/**
 * Reads access tokens of the configured issuers: size before anything is parsed, the issuer's own keys and algorithms,
 * the type of RFC 9068, then the claims. Whatever is wrong with a token is the same refusal.
 */
import { errors, type CompactVerifyGetKey } from 'jose'
import { type AsymmetricAlgorithm, parseObject, unverifiedPayload, verifyCompact } from './compact-jws.ts'
import { KeySetUnsound, type KeySource, openKeySet } from './key-sets.ts'
import { type AccessToken, type IssuerRule, readClaims } from '../../domain/access-token.ts'
import { LIMITS } from '../../domain/limits.ts'

export interface Issuer extends IssuerRule {
  algorithms: AsymmetricAlgorithm[]
  jwks: KeySource
}

/** A type may be written with or without its tree (RFC 7515), in any case. */
const ACCESS_TOKEN_TYPE = /^(?:application\/)?at\+jwt$/i

export type TokenRead =
  | { token: AccessToken }
  /** `claimed` names issuer and subject of the refused token, unverified; null when it names no issuer of ours. */
  | { token: null; claimed: { issuer: string; subject: string } | null }

export class TokenReader {
  readonly issuers: readonly string[]
  readonly #known = new Map<string, { issuer: Issuer; keys: CompactVerifyGetKey }>()
  readonly #tell: (message: string) => void

  private constructor(issuers: readonly Issuer[], tell: (message: string) => void) {
    this.issuers = issuers.map(({ issuer }) => issuer)
    this.#tell = tell
  }

  /** `tell` hears why a key set could not be had; no caller does. */
  static async open(issuers: readonly Issuer[], tell: (message: string) => void): Promise<TokenReader> {
    const reader = new TokenReader(issuers, tell)
    for (const issuer of issuers) reader.#known.set(issuer.issuer, { issuer, keys: await openKeySet(issuer.jwks) })
    return reader
  }

  async read(jws: string): Promise<TokenRead> {
    if (jws.length > LIMITS.tokenBytes) return { token: null, claimed: null }
    const { iss, sub } = unverifiedPayload(jws) ?? {}
    const known = typeof iss === 'string' ? this.#known.get(iss) : undefined
    if (known === undefined) return { token: null, claimed: null }
    const token = await this.#verify(jws, known.issuer, known.keys)
    if (token !== null) return { token }
    const named = typeof sub === 'string' && sub.length <= LIMITS.claimCharacters
    return { token: null, claimed: named ? { issuer: known.issuer.issuer, subject: sub } : null }
  }

  async #verify(jws: string, issuer: Issuer, keys: CompactVerifyGetKey): Promise<AccessToken | null> {
    const verified = await verifyCompact(jws, this.#telling(issuer, keys), issuer.algorithms)
    if (verified === null || !ACCESS_TOKEN_TYPE.test(String(verified.header.typ))) return null
    const claims = parseObject(verified.payload)
    return claims === null ? null : readClaims(issuer, claims)
  }

  /** A set that cannot be had is a refusal to the caller and news to the operators. */
  #telling(issuer: Issuer, keys: CompactVerifyGetKey): CompactVerifyGetKey {
    return async (...asked) => {
      try {
        return await keys(...asked)
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error
        const why = error instanceof KeySetUnsound ? error.message : `its keys cannot be had: ${String(error)}`
        this.#tell(`${issuer.issuer}: ${why}`)
        throw new errors.JWKSNoMatchingKey('the keys cannot be had', { cause: error })
      }
    }
  }
}
