/**
 * What an access token must say (RFC 9068), as a pure reading of its claims. The signature was verified before; whether
 * the token is of now is told as two instants and decided by the database, whose clock is the one that counts. Who the
 * subject may be and what it may do is never taken from a claim: a scope can only narrow.
 */
import type { Json, JsonObject } from './canonical.ts'
import { LIMITS } from './limits.ts'
import { expandPermission } from './permissions.ts'

/** What a deployment accepts of one issuer. */
export interface IssuerRule {
  issuer: string
  audience: string
  /** Oldest token that is taken, counted from `iat`. */
  max_age_seconds: number
  /** How far the issuer's clock may be from ours. */
  skew_seconds: number
}

/** A token that was verified; instants are seconds since 1970. */
export interface AccessToken {
  issuer: string
  subject: string
  client_id: string
  token_id: string
  /** Taken from here on, the skew allowed for. */
  not_before: number
  /** Not taken from here on, the skew allowed for. */
  not_after: number
  expires_at: number
  /** What the scope narrows to; null when it names none of our permissions. */
  permissions: string[] | null
  /** Subjects of the same issuer that act for this one, the current actor first; absent where nobody does. */
  actors?: string[]
}

/** What may be said of somebody who acts (RFC 8693, 4.1); what narrows them otherwise would go unheard, and is refused. */
const ACTOR_CLAIMS: readonly string[] = ['sub', 'iss', 'act']
/** 9999-12-31T23:59:59Z, the last instant a timestamp is written for. */
const LAST_INSTANT = 253_402_300_799

/** Null for claims that do not say all that they must, whichever it is. */
export function readClaims(rule: IssuerRule, claims: Json): AccessToken | null {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return null
  const issuer = textOf(claims, 'iss')
  const subject = textOf(claims, 'sub')
  const client_id = textOf(claims, 'client_id')
  const token_id = textOf(claims, 'jti')
  const issued = instantOf(claims, 'iat')
  const expires = instantOf(claims, 'exp')
  const from = Object.hasOwn(claims, 'nbf') ? instantOf(claims, 'nbf') : issued
  if (issuer !== rule.issuer || subject === null || client_id === null || token_id === null) return null
  if (issued === null || expires === null || from === null || expires <= issued) return null
  // Nothing here checks a proof, and taking a token that is bound to one for a plain one would widen it.
  if (!isMeantFor(claims.aud, rule.audience) || Object.hasOwn(claims, 'cnf')) return null
  const actors = Object.hasOwn(claims, 'act') ? actorsOf(claims.act, issuer, subject) : undefined
  if (actors === null) return null
  const scope = claims.scope
  if (scope !== undefined && typeof scope !== 'string') return null
  return {
    issuer,
    subject,
    client_id,
    token_id,
    not_before: Math.max(issued, from) - rule.skew_seconds,
    not_after: Math.min(expires, issued + rule.max_age_seconds) + rule.skew_seconds,
    expires_at: expires,
    permissions: narrowing(scope),
    ...(actors === undefined ? {} : { actors }),
  }
}

/** The subjects of `act`, outermost first. Nobody stands in it twice, the subject included, and another issuer's subject never. */
function actorsOf(outermost: Json | undefined, issuer: string, subject: string): string[] | null {
  const names = [subject]
  for (let act = outermost, more = true; more; ) {
    if (typeof act !== 'object' || act === null || Array.isArray(act)) return null
    const actor = textOf(act, 'sub')
    const known = Object.keys(act).every((name) => ACTOR_CLAIMS.includes(name))
    if (actor === null || !known || (Object.hasOwn(act, 'iss') && act.iss !== issuer)) return null
    if (names.includes(actor) || names.length > LIMITS.delegationActors) return null
    names.push(actor)
    more = Object.hasOwn(act, 'act')
    act = act.act
  }
  return names.slice(1)
}

/** Text of one line and bounded length: it is looked up, and it stands in rows and limits. */
function textOf(claims: JsonObject, name: string): string | null {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  const fits = typeof value === 'string' && value.length > 0 && value.length <= LIMITS.claimCharacters
  return fits && [...value].every((each) => each >= ' ' && each !== '\u007f') ? value : null
}

function instantOf(claims: JsonObject, name: string): number | null {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return typeof value === 'number' && value >= 0 && value <= LAST_INSTANT ? value : null
}

function isMeantFor(aud: Json | undefined, audience: string): boolean {
  if (Array.isArray(aud)) return aud.every((each) => typeof each === 'string') && aud.includes(audience)
  return aud === audience
}

function narrowing(scope: string | undefined): string[] | null {
  const words = (scope ?? '').split(' ').filter((word) => expandPermission(word).length > 0)
  return words.length === 0 ? null : [...new Set(words)].sort()
}
