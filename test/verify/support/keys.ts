/** Keys of a deployment made for one test, what they sign with, and the trust root that names them. */
import type { JWK } from 'jose'
import type { MemoryLog } from './memory-log.ts'
import type { JsonObject } from '../../../domain/canonical.ts'
import type { Signer } from '../../../domain/ports.ts'
import { PROPOSAL_TYP } from '../../../domain/receipt.ts'
import { VOTE_TYP } from '../../../domain/vote.ts'
import { JoseReader, makeKey, openSigner } from '../../../stores/jose-keys.ts'

const PURPOSES = ['proposal', 'attest', 'receipt', 'seal'] as const
type Purpose = (typeof PURPOSES)[number]
export type Signers = Readonly<Record<Purpose, Signer>>

export async function makeKeys(log: MemoryLog): Promise<{ signers: Signers; reader: JoseReader; trust: JsonObject }> {
  const made = await Promise.all(PURPOSES.map(async (purpose) => ({ purpose, ...(await makeKey(purpose)) })))
  const publicKeys = made.map(({ purpose, kid, privateJwk }) => ({ purpose, kid, jwk: publicHalf(privateJwk) }))
  const opened = await Promise.all(made.map(async ({ purpose, privateJwk }) => [purpose, await openSigner(privateJwk)]))
  return {
    signers: Object.fromEntries(opened) as Signers,
    reader: await JoseReader.open(publicKeys),
    trust: trustRoot(log, publicKeys),
  }
}

function trustRoot(log: MemoryLog, keys: { purpose: Purpose; kid: string; jwk: JsonObject }[]): JsonObject {
  const typ = { proposal: PROPOSAL_TYP, attest: VOTE_TYP, receipt: 'exo-receipt+jwt', seal: 'exo-seal+jwt' }
  return {
    v: 1,
    deployment: log.deployment,
    log: { origin_prefix: `${log.deployment}/`, note_key: log.verifierKey },
    keys: keys.map(({ purpose, kid, jwk }) => ({
      kid,
      purpose,
      holder: 'test',
      typ: typ[purpose],
      jwk,
      not_before: '2026-01-01T00:00:00Z',
      not_after: null,
    })),
    issuers: [],
  }
}

function publicHalf({ kty, crv, x }: JWK): JsonObject {
  return { kty: kty ?? '', crv: crv ?? '', x: x ?? '' }
}
