/**
 * The trust root: whom a reader believes, and for what. Everything else in a bundle is only as good as what these keys
 * signed. Read strictly; a key of an unknown purpose, a doubled `kid` or a malformed window makes the whole file unusable.
 */
import { publicJwk, publicKeyOf, type Jws, verifiesJws } from './jws.ts'
import { ensure } from './report.ts'
import {
  anyText,
  exactly,
  instant,
  instantNs,
  listOf,
  nullable,
  object,
  oneOf,
  readJson,
  readText,
  text,
} from './shape.ts'
import type { JsonObject } from '../domain/canonical.ts'
import { NoteRefused, parseVerifierKey } from '../domain/log/note.ts'

export const PURPOSES = ['proposal', 'attest', 'receipt', 'seal'] as const
export type Purpose = (typeof PURPOSES)[number]

/** The `typ` a signature of each purpose must carry. */
export const TYP: Readonly<Record<Purpose, string>> = Object.freeze({
  proposal: 'exo-proposal+jwt',
  attest: 'exo-vote+jwt',
  receipt: 'exo-receipt+jwt',
  seal: 'exo-seal+jwt',
})

export interface TrustedKey {
  kid: string
  purpose: Purpose
  holder: string
  typ: string
  jwk: { kty: 'OKP'; crv: 'Ed25519'; x: string }
  not_before: string
  not_after: string | null
}

export interface TrustRoot {
  v: 1
  deployment: string
  log: { origin_prefix: string; note_key: string }
  keys: TrustedKey[]
  issuers: JsonObject[]
}

const trustRoot = exactly<TrustRoot>({
  v: oneOf(1),
  deployment: text,
  log: exactly({ origin_prefix: text, note_key: text }),
  keys: listOf(
    exactly<TrustedKey>({
      kid: text,
      purpose: oneOf(...PURPOSES),
      holder: anyText,
      typ: text,
      jwk: publicJwk,
      not_before: instant,
      not_after: nullable(instant),
    }),
  ),
  issuers: listOf(object),
})

/** Throws `Divergence` with the place for anything that is not a whole trust root. */
export function readTrustRoot(bytes: Uint8Array): TrustRoot {
  const trust = trustRoot(readJson(readText(bytes, 'trust.json'), 'trust.json'), 'trust.json')
  const kids = new Set(trust.keys.map(({ kid }) => kid))
  ensure(kids.size === trust.keys.length, 'trust.json names a key twice')
  for (const { kid, jwk, typ, purpose, not_before, not_after } of trust.keys) {
    publicKeyOf(jwk, `trust.json key ${kid}`)
    ensure(typ === TYP[purpose], `trust.json key ${kid} has a typ of another purpose`)
    ensure(not_after === null || instantNs(not_before) < instantNs(not_after), `trust.json key ${kid} is never valid`)
  }
  for (const purpose of PURPOSES)
    ensure(
      trust.keys.some((key) => key.purpose === purpose),
      `trust.json has no ${purpose} key`,
    )
  ensure(trust.log.origin_prefix === `${trust.deployment}/`, 'trust.json log.origin_prefix is not of its deployment')
  try {
    parseVerifierKey(trust.log.note_key)
  } catch (error) {
    if (error instanceof NoteRefused) ensure(false, `trust.json log.note_key: ${error.message}`)
    throw error
  }
  return trust
}

/** Verifies a signature of one purpose, made at some time inside the window; an open end is not checked. */
export function ensureSigned(
  trust: TrustRoot,
  jws: Jws,
  purpose: Purpose,
  made: { notBefore: bigint | null; notAfter: bigint | null },
  at: string,
): void {
  const key = trust.keys.find(({ kid }) => kid === jws.kid)
  ensure(key !== undefined, `${at} is signed by no key of the trust root`)
  ensure(key.purpose === purpose, `${at} is signed by a key of purpose ${key.purpose}`)
  ensure(jws.typ === TYP[purpose], `${at} has typ ${jws.typ}`)
  ensure(verifiesJws(jws, Buffer.from(key.jwk.x, 'base64url')), `${at} has a signature that does not verify`)
  ensure(made.notAfter === null || made.notAfter >= instantNs(key.not_before), `${at} is older than its key`)
  ensure(
    made.notBefore === null || key.not_after === null || made.notBefore < instantNs(key.not_after),
    `${at} is younger than its key allows`,
  )
}
