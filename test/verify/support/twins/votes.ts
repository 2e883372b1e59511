/** Forged votes and proposals. The receipt, the leaves and the seal are made to agree; only the signature and its claims lie. */
import type { Kit } from './kit.ts'
import { setPlaces } from './places.ts'
import { twinsOf } from './twin.ts'
import { canonicalJson, type JsonObject } from '../../../../domain/canonical.ts'
import { sha256TextHex } from '../../../../domain/hash.ts'
import type { Signer } from '../../../../domain/ports.ts'
import { VOTE_TYP } from '../../../../domain/vote.ts'
import { makeKey, openSigner } from '../../../../stores/jose-keys.ts'

type By = (kit: Kit) => Promise<Signer> | Signer

/** The first vote with other claims, signed by whom the lie wants. */
const vote =
  (claims: JsonObject, by: By = (kit) => kit.deployment.signers.attest, typ: string = VOTE_TYP) =>
  async (kit: Kit) => {
    const [jws = ''] = kit.receipt.votes
    const was = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as JsonObject
    const forged = await (await by(kit)).sign(typ, canonicalJson({ ...was, ...claims }))
    await kit.relog((leaves) => {
      for (const { after } of leaves)
        if ((after as JsonObject | null)?.['jws_sha256'] === sha256TextHex(jws))
          setPlaces(after, { jws_sha256: sha256TextHex(forged) })
    })
    return await kit.rereceipt((receipt) => setPlaces(receipt, { 'votes[0]': forged }))
  }

const proposal =
  (claims: JsonObject, by: By = (kit) => kit.deployment.signers.proposal) =>
  async (kit: Kit) => {
    kit.keys = { ...kit.keys, proposal: await by(kit) }
    await kit.sign('proposal.jws', { ...kit.payloadOf('proposal.jws'), ...claims })
    return await kit.reseal()
  }

const stranger = async () => {
  const { privateJwk, kid } = await makeKey('attest')
  return await openSigner({ ...privateJwk, kid })
}
/** A stranger's key under the trusted key's name. */
const impostor = async (kit: Kit) => {
  const { privateJwk } = await makeKey('attest')
  return await openSigner({ ...privateJwk, kid: kit.deployment.signers.attest.kid })
}

const ZEROS = '0'.repeat(64)
const LONG_AGO = { iat: 1_000_000_000, exp: 1_000_000_600 }
const FAR_AWAY = { iat: 4_000_000_000, exp: 4_000_000_600 }

export const voteTwins = [
  ...twinsOf('executed by votes', [
    ["a vote signed with a stranger's key", 'signatures.votes', vote({}, stranger)],
    ["a vote signed with a stranger's key under a trusted name", 'signatures.votes', vote({}, impostor)],
    ['a vote signed with the receipt key', 'signatures.votes', vote({}, (kit) => kit.deployment.signers.receipt)],
    ['a vote of another typ', 'signatures.votes', vote({}, undefined, 'exo-receipt+jwt')],
    ['a vote for another operation', 'signatures.votes', vote({ operation_id: 'op_other' })],
    ['a vote in another tenant', 'signatures.votes', vote({ tenant: 't_b' })],
    ['a vote over another intent', 'signatures.votes', vote({ intent_hash: ZEROS })],
    ['a vote over another plan', 'signatures.votes', vote({ plan_hash: ZEROS })],
    ['a vote over another preview', 'signatures.votes', vote({ shown_hash: ZEROS })],
    ['a vote that denied', 'signatures.votes', vote({ decision: 'deny', reason: 'no' })],
    ['a vote by somebody else', 'signatures.votes', vote({ by: 'p_zed' })],
    ['a vote with another reason', 'signatures.votes', vote({ reason: 'because' })],
    ['a vote that had run out', 'signatures.votes', vote(LONG_AGO)],
    ['a vote from the future', 'signatures.votes', vote(FAR_AWAY)],
    ['a vote valid for years', 'signatures.votes', vote({ exp: FAR_AWAY.exp })],
    ['a vote with another nonce', 'signatures.votes', vote({ nonce: 'nonce-of-somebody-else' })],
    ['a vote with an unknown claim', 'signatures.votes', vote({ as: 'p_root' })],
    [
      "a proposal signed with the seal's key",
      'signatures.proposal',
      proposal({}, (kit) => kit.deployment.signers.seal),
    ],
    ['a proposal by somebody else', 'signatures.proposal', proposal({ principal_id: 'p_zed' })],
    ['a proposal of another plan', 'signatures.proposal', proposal({ plan_hash: ZEROS })],
    ['a proposal in another tenant', 'signatures.proposal', proposal({ tenant: 't_b' })],
    ['a proposal from the future', 'signatures.proposal', proposal({ iat: FAR_AWAY.iat })],
    ['a proposal older than its key', 'signatures.proposal', proposal({ iat: LONG_AGO.iat })],
  ]),
  ...twinsOf("executed by a person's own signature", [
    ['an own vote signed by the deployment', 'signatures.votes', vote({})],
    ["an own vote signed with a stranger's key", 'signatures.votes', vote({}, stranger)],
  ]),
]
