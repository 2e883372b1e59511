/** An operator's own key: registered the way people do, and the votes it signs, right or wrong in one claim. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import type { Caller } from './client.ts'
import { type MemberName, type Operation, type Tenant, vote } from './tenant.ts'
import { canonicalJson, type JsonObject } from '../../domain/canonical.ts'

/** The public half of a new key, whose private half nobody keeps. */
export function newPublicJwk() {
  const { kty, crv, x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  return { kty, crv, x }
}

export interface OwnKey {
  kid: string
  /** A vote on the operation, with claims, header or key replaced. */
  sign(tenant: Tenant, operation: Operation, claims?: JsonObject, header?: JsonObject, key?: CryptoKey): Promise<string>
  /** The same, of which the signed text is changed before it is signed. */
  signText(tenant: Tenant, operation: Operation, change: (text: string) => string): Promise<string>
}

/** Makes a key for `holder`, on which `voter` votes yes. */
export async function ownKey(tenant: Tenant, holder: MemberName, voter: MemberName): Promise<OwnKey> {
  return await enrolled(tenant.as(holder), tenant.as(voter))
}

/** The same for callers of any tenant, the platform's among them. */
export async function enrolled(holder: Caller, voter: Caller): Promise<OwnKey> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { kty, crv, x } = await exportJWK(pair.publicKey)
  const asked = await holder.post('/operator-keys', { public_jwk: { kty, crv, x } })
  const voted = await vote(voter, asked.body)
  const kid = voted.body.operation?.effect?.result?.kid
  if (typeof kid !== 'string')
    throw new Error(`the key was not registered: ${JSON.stringify(voted.body).slice(0, 400)}`)
  const signed = async (text: string, header: JsonObject = {}, signer: CryptoKey = pair.privateKey) =>
    await new CompactSign(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'EdDSA', typ: 'exo-vote+jwt', kid, ...header })
      .sign(signer)
  return {
    kid,
    sign: async (of, operation, claims, header, signer) =>
      await signed(claimsText(of, operation, claims), header, signer),
    signText: async (of, operation, change) => await signed(change(claimsText(of, operation))),
  }
}

function claimsText(of: Tenant, operation: Operation, claims: JsonObject = {}): string {
  const now = Math.floor(Date.now() / 1000)
  return canonicalJson({
    operation_id: operation.id,
    tenant: of.id,
    intent_hash: operation.intent_hash,
    plan_hash: operation.plan_hash,
    shown_hash: operation.shown_hash,
    decision: 'approve',
    reason: null,
    nonce: randomBytes(16).toString('hex'),
    iat: now,
    exp: now + 600,
    ...claims,
  })
}
