/**
 * The deployment's signing keys and how its signatures are read. One key a purpose; `typ`, `alg` and key are pinned
 * together, so that a signature of one purpose never verifies as another.
 */
import { createHash, createPrivateKey, sign, type JsonWebKeyInput } from 'node:crypto'
import { compactVerify, decodeProtectedHeader, errors, exportJWK, generateKeyPair, importJWK } from 'jose'
import type { CryptoKey, JWK } from 'jose'
import { type JsonObject, NotIJson, parseIJson } from '../domain/canonical.ts'
import type { JwsRead, JwsReader, KeyPurpose, Signer } from '../domain/ports.ts'

export interface PublicKeyRow {
  kid: string
  purpose: KeyPurpose
  jwk: JsonObject
}

/** A new Ed25519 pair as JWKs; the `kid` is the purpose and the RFC 7638 thumbprint's start. */
export async function makeKey(purpose: string): Promise<{ kid: string; privateJwk: JWK }> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(privateKey)
  const thumbprint = createHash('sha256').update(`{"crv":"${jwk.crv}","kty":"${jwk.kty}","x":"${jwk.x}"}`).digest('hex')
  const kid = `${purpose}-${thumbprint.slice(0, 32)}`
  return { kid, privateJwk: { ...jwk, kid, alg: 'EdDSA', use: 'sig' } }
}

/**
 * Signs on this thread: an Ed25519 signature takes a tenth of a millisecond, the way to the thread pool and back many
 * times that under load. What comes out is a compact JWS like any other, and is read by the library.
 */
export function openSigner(privateJwk: JWK): Signer {
  const { kid } = privateJwk
  if (kid === undefined) throw new Error('a signing key without kid')
  const key = createPrivateKey({ key: privateJwk as JsonWebKeyInput['key'], format: 'jwk' })
  return {
    kid,
    sign: async (typ, payload) => {
      const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', kid, typ })).toString('base64url')
      const signed = `${header}.${Buffer.from(payload).toString('base64url')}`
      return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`
    },
  }
}

const RECENT_MAX = 500

/** What every key id of ours is made of; anything else names no key, and is no text for a row either. */
const KID = /^[A-Za-z0-9_-]{1,128}$/

export class JoseReader implements JwsReader {
  readonly #keys = new Map<string, { purpose: KeyPurpose; key: CryptoKey | Uint8Array }>()
  /** A proposal is read at least twice within milliseconds; the answer is a pure function of the text. */
  readonly #recent = new Map<string, JwsRead>()

  static async open(rows: readonly PublicKeyRow[]): Promise<JoseReader> {
    const reader = new JoseReader()
    for (const { kid, purpose, jwk } of rows)
      reader.#keys.set(kid, { purpose, key: await importJWK(publicHalf(jwk), 'EdDSA') })
    return reader
  }

  async read(jws: string, typ: string, purpose: KeyPurpose): Promise<JwsRead> {
    const kid = this.kidOf(jws)
    const known = kid === null ? undefined : this.#keys.get(kid)
    if (kid === null || known === undefined || known.purpose !== purpose) return { failed: 'kid' }
    const question = `${typ} ${jws}`
    const answered = this.#recent.get(question)
    if (answered !== undefined) return answered
    const answer = await verify(jws, typ, kid, known.key)
    this.#remember(question, answer)
    return answer
  }

  /**
   * The same signer, whose signatures this reader need not verify: it saw them made. The first one it does verify, which
   * shows that both halves of the key belong together.
   */
  async trusting(signer: Signer, typ: string, purpose: KeyPurpose): Promise<Signer> {
    const { kid } = signer
    const tried = await this.read(await signer.sign(typ, '{}'), typ, purpose)
    if ('failed' in tried) throw new Error(`the ${purpose} key does not fit its public half: ${tried.failed}`)
    return {
      kid,
      sign: async (as, payload) => {
        const jws = await signer.sign(as, payload)
        if (as === typ) this.#remember(`${typ} ${jws}`, { kid, payload })
        return jws
      },
    }
  }

  #remember(question: string, answer: JwsRead): void {
    if (this.#recent.size >= RECENT_MAX) this.#recent.clear()
    this.#recent.set(question, answer)
  }

  async readWith(jws: string, typ: string, kid: string, jwk: JsonObject): Promise<JwsRead> {
    if (this.kidOf(jws) !== kid) return { failed: 'kid' }
    return await verify(jws, typ, kid, await importJWK(publicHalf(jwk), 'EdDSA'))
  }

  kidOf(jws: string): string | null {
    try {
      const { kid } = decodeProtectedHeader(jws)
      return typeof kid === 'string' && KID.test(kid) ? kid : null
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) return null
      throw error
    }
  }
}

async function verify(jws: string, typ: string, kid: string, key: CryptoKey | Uint8Array): Promise<JwsRead> {
  try {
    const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: ['EdDSA'] })
    if (protectedHeader.typ !== typ) return { failed: 'typ' }
    if (!isStrict(jws)) return { failed: 'signature' }
    return { kid, payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload) }
  } catch (error) {
    if (error instanceof errors.JOSEAlgNotAllowed) return { failed: 'alg' }
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError)
      return { failed: 'signature' }
    throw error
  }
}

/** One encoding of each part and a header of exactly its three members, as the verifier reads them: a library lets more pass. */
function isStrict(jws: string): boolean {
  const parts = jws.split('.').map((part) => ({ part, bytes: Buffer.from(part, 'base64url') }))
  if (!parts.every(({ part, bytes }) => bytes.toString('base64url') === part)) return false
  try {
    const header = parseIJson(parts[0]?.bytes.toString('utf8') ?? '')
    return (
      Object.keys(header as JsonObject)
        .sort()
        .join() === 'alg,kid,typ'
    )
  } catch (error) {
    if (error instanceof NotIJson || error instanceof SyntaxError) return false
    throw error
  }
}

function publicHalf(jwk: JsonObject): JWK {
  const { kty, crv, x } = jwk as { kty: string; crv: string; x: string }
  return { kty, crv, x }
}
