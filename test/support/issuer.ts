/**
 * Issuers of access tokens for tests. Their settings and public key sets are files of the deployment's home, so that the
 * product reads them as it would anybody's; their private halves lie beside them. Tokens are signed piece by piece, so
 * that a test can make any one piece wrong.
 */
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../../domain/canonical.ts'

export const ISSUER = 'https://issuer.example'
export const OTHER_ISSUER = 'https://other.example'
export const AUDIENCE = 'https://exo.example'
export const SKEW_SECONDS = 2
export const MAX_AGE_SECONDS = 3_600

type KeyName = 'rsa' | 'ec' | 'ed' | 'next' | 'other'
const KEYS: Record<KeyName, { alg: string; make: () => KeyObject }> = {
  rsa: { alg: 'RS256', make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
  ec: { alg: 'ES256', make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
  // Published by the issuer, under an algorithm that is not allowed.
  ed: { alg: 'EdDSA', make: () => generateKeyPairSync('ed25519').privateKey },
  // Not published at first.
  next: { alg: 'ES256', make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
  other: { alg: 'ES256', make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
}

/** Makes keys, key sets and settings under the home; answers the path of the settings. */
export function makeIssuers(home: string): string {
  const folder = join(home, 'issuers')
  mkdirSync(folder, { recursive: true })
  for (const [name, { make }] of Object.entries(KEYS))
    writeFileSync(join(folder, `${name}.jwk`), JSON.stringify(make().export({ format: 'jwk' })))
  publish(home, ['rsa', 'ec', 'ed'])
  publish(home, ['other'], 'other.json')
  const rule = { audience: AUDIENCE, max_age_seconds: MAX_AGE_SECONDS, skew_seconds: SKEW_SECONDS }
  const settings = join(folder, 'settings.json')
  writeFileSync(
    settings,
    JSON.stringify([
      { issuer: ISSUER, ...rule, algorithms: ['RS256', 'ES256'], jwks: { file: join(folder, 'set.json') } },
      { issuer: OTHER_ISSUER, ...rule, algorithms: ['ES256'], jwks: { file: join(folder, 'other.json') } },
    ]),
  )
  return settings
}

/** Replaces the published set, whole. */
export function publish(home: string, names: readonly KeyName[], file = 'set.json'): void {
  const path = join(home, 'issuers', file)
  writeFileSync(`${path}.draft`, JSON.stringify({ keys: names.map((name) => publicJwk(home, name)) }))
  renameSync(`${path}.draft`, path)
}

const privateJwk = (home: string, name: KeyName) =>
  JSON.parse(readFileSync(join(home, 'issuers', `${name}.jwk`), 'utf8')) as Record<string, string>

export function publicJwk(home: string, name: KeyName): JsonObject {
  const { kty, crv, x, y, n, e } = privateJwk(home, name)
  const halves = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)
  return { ...(Object.fromEntries(halves) as JsonObject), kid: name, use: 'sig', alg: KEYS[name].alg }
}

/** Right claims of a subject, some replaced, some taken away by undefined. */
export function claimsOf(subject: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: ISSUER,
    sub: subject,
    aud: AUDIENCE,
    client_id: 'console',
    jti: randomBytes(12).toString('hex'),
    iat: now - 1,
    nbf: now - 1,
    exp: now + 300,
    ...change,
  }
}

export interface Pieces {
  /** Signs with this key; `ec` when absent. */
  key?: KeyName
  /** Replaces members of the header. */
  header?: Record<string, unknown>
  /** Stands for the whole header. */
  headerText?: string
  /** Stands for the claims. */
  payload?: string | Uint8Array
  /** Signs with HMAC over this secret instead. */
  secret?: string | Uint8Array
  /** Signs as this algorithm does, whatever the header says. */
  signAs?: string
}

export function signToken(home: string, claims: Record<string, unknown>, pieces: Pieces = {}): string {
  const name = pieces.key ?? 'ec'
  const header = { alg: KEYS[name].alg, typ: 'at+jwt', kid: name, ...pieces.header }
  const text = (value: string | Uint8Array) => Buffer.from(value).toString('base64url')
  const signed = `${text(pieces.headerText ?? JSON.stringify(header))}.${text(pieces.payload ?? JSON.stringify(claims))}`
  if (pieces.secret !== undefined)
    return `${signed}.${createHmac('sha256', pieces.secret).update(signed).digest('base64url')}`
  const key = createPrivateKey({ key: privateJwk(home, name), format: 'jwk' })
  return `${signed}.${signatureOf(pieces.signAs ?? KEYS[name].alg, Buffer.from(signed), key).toString('base64url')}`
}

function signatureOf(alg: string, data: Buffer, key: KeyObject): Buffer {
  if (alg === 'EdDSA') return sign(null, data, key)
  if (alg === 'ES256-DER') return sign('sha256', data, key)
  return sign(`sha${alg.slice(2)}`, data, alg.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : key)
}
