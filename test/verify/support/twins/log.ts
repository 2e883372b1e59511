/** Lies in the log and the votes: an insider writes a log of their own and signs its checkpoint, or forges who voted. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { bytes, type Kit, textOf } from './kit.ts'
import { twinsOf } from './twin.ts'
import { canonicalJson, type JsonObject } from '../../../../domain/canonical.ts'
import { sha256TextHex } from '../../../../domain/hash.ts'
import type { Leaf } from '../../../../domain/leaf.ts'
import { VOTE_TYP } from '../../../../domain/vote.ts'
import type { Signer } from '../../../../domain/ports.ts'

const leaf = (kind: string, change: (leaf: { -readonly [K in keyof Leaf]: Leaf[K] }) => void) => (kit: Kit) =>
  kit.relog((leaves) => {
    for (const each of leaves) if (each.kind === kind) change(each)
  })

/** The first vote with other claims, signed by whom the lie wants; leaf and receipt are made to agree. */
const vote =
  (change: JsonObject, signer?: (kit: Kit) => Promise<Signer> | Signer, typ = VOTE_TYP) =>
  async (kit: Kit) => {
    const [jws = ''] = kit.receipt.votes
    const claims = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as JsonObject
    const by = (await signer?.(kit)) ?? kit.deployment.signers.attest
    const forged = await by.sign(typ, canonicalJson({ ...claims, ...change }))
    await kit.relog((leaves) => {
      for (const { after } of leaves)
        if (after !== null && (after as JsonObject)['jws_sha256'] === sha256TextHex(jws))
          (after as JsonObject)['jws_sha256'] = sha256TextHex(forged)
    })
    return await kit.rereceipt((receipt) => {
      ;(receipt as unknown as { votes: string[] }).votes = [forged, ...receipt.votes.slice(1)]
    })
  }

const stranger = async () => {
  const { makeKey, openSigner } = await import('../../../../stores/jose-keys.ts')
  const { privateJwk, kid } = await makeKey('attest')
  return await openSigner({ ...privateJwk, kid })
}
/** A stranger's key under the trusted key's name. */
const impostor = async (kit: Kit) => {
  const { makeKey, openSigner } = await import('../../../../stores/jose-keys.ts')
  const { privateJwk } = await makeKey('attest')
  return await openSigner({ ...privateJwk, kid: kit.deployment.signers.attest.kid })
}

const FROM = 'executed by votes'

export const logTwins = [
  ...twinsOf(FROM, [
    [
      'the log loses its middle',
      'leaves.story',
      (kit) => kit.relog((leaves) => leaves.filter(({ kind }) => kind !== 'operation.pending')),
    ],
    [
      'the log loses a vote',
      'leaves.words',
      (kit) => kit.relog((leaves) => leaves.filter(({ kind }) => kind !== 'vote.accepted')),
    ],
    ['the log loses its end', 'leaves.story', (kit) => kit.relog((leaves) => leaves.slice(0, -1))],
    ['the log is empty', 'log.inclusion', (kit) => kit.relog(() => [])],
    ['the log reversed', 'leaves.story', (kit) => kit.relog((leaves) => leaves.toReversed())],
    [
      'the effect before the votes',
      'leaves.story',
      (kit) =>
        kit.relog((leaves) => [
          ...leaves.slice(0, 2),
          ...leaves.slice(4, 5),
          ...leaves.slice(2, 4),
          ...leaves.slice(5),
        ]),
    ],
    [
      'a second end in the log',
      'leaves.own',
      (kit) => kit.relog((leaves) => [...leaves, { ...(leaves.at(-1) as Leaf), kind: 'operation.blocked' }]),
    ],
    [
      'a second effect in the log',
      'leaves.own',
      (kit) =>
        kit.relog((leaves) => [
          ...leaves,
          ...leaves.filter(({ kind }) => kind === 'effect.intent').map((each) => ({ ...each, reason: 'again' })),
        ]),
    ],
    [
      'a denial in the log before the effect',
      'leaves.words',
      (kit) =>
        kit.relog((leaves) =>
          leaves.flatMap((each) => (each.kind === 'effect.intent' ? [denial(leaves), each] : [each])),
        ),
    ],
    [
      "another operation's leaf in the log",
      'leaves.own',
      (kit) => kit.relog((leaves) => [...leaves, { ...(leaves[0] as Leaf), operation_id: 'op_other' }]),
    ],
    [
      'a leaf of an unknown kind',
      'leaves.story',
      leaf('operation.pending', (each) => void ((each as { kind: string }).kind = 'operation.banana')),
    ],
    ["another tenant's leaf", 'log.inclusion', leaf('operation.requested', (each) => void (each.tenant_id = 't_b'))],
    [
      'another requester in the log',
      'leaves.words',
      leaf('operation.requested', (each) => void (each.actor = { ...each.actor, principal_id: 'p_zed' })),
    ],
    [
      'another voter in the log',
      'leaves.words',
      leaf('vote.accepted', (each) => void (each.actor = { ...each.actor, principal_id: 'p_zed' })),
    ],
    ['another action in the log', 'leaves.words', leaf('effect.intent', (each) => void (each.action = 'note.remove'))],
    [
      'another intent in the log',
      'leaves.words',
      leaf(
        'operation.requested',
        (each) => void (each.after = { intent_hash: '0'.repeat(64), plan_hash: '0'.repeat(64) }),
      ),
    ],
    [
      'another decision in the log',
      'leaves.words',
      leaf('operation.closed', (each) => void ((each.after as JsonObject)['decision_hash'] = '0'.repeat(64))),
    ],
    [
      'another outcome in the log',
      'leaves.words',
      leaf('effect.outcome', (each) => void (each.after = { state: 'failed' })),
    ],
    [
      'another approval in the log',
      'leaves.words',
      leaf('effect.intent', (each) => void ((each.after as JsonObject)['satisfied_by'] = 'license')),
    ],
    ['a gate on a clean end', 'leaves.words', leaf('operation.closed', (each) => void (each.gate = 'budget'))],
    [
      'leaf times that go back',
      'leaves.story',
      leaf('effect.intent', (each) => void (each.at = '2026-01-01T00:00:00.000000Z')),
    ],
    [
      'the actor of a leaf changed, unsigned',
      'log.inclusion',
      (kit) => editEntry(kit, (each) => void (each['actor'] = { principal_id: 'p_zed', kind: 'user' })).manifest(),
    ],
    [
      'the trace of a leaf changed, unsigned',
      'log.inclusion',
      (kit) => editEntry(kit, (each) => void (each['trace_id'] = 'f'.repeat(32))).manifest(),
    ],
    ['a leaf moved to another position', 'log.inclusion', (kit) => moveEntry(kit).manifest()],
    ['a checkpoint of a size it has not', 'log.inclusion', (kit) => forge(kit, () => 1).reseal()],
    ['a checkpoint of another root', 'log.inclusion', (kit) => forge(kit, (size) => size, 'a'.repeat(64)).reseal()],
    [
      "a checkpoint signed by a stranger's key",
      'log.checkpoint',
      (kit) => forge(kit, (size) => size, undefined, ed25519.utils.randomSecretKey()).reseal(),
    ],
    [
      "a checkpoint of another tenant's log",
      'log.checkpoint',
      (kit) => forge(kit, (size) => size, undefined, undefined, 't_b').reseal(),
    ],
    ['a proof shortened', 'log.inclusion', (kit) => editProofs(kit, ([first]) => void first?.hashes.pop()).manifest()],
    ['a proof left out', 'log.inclusion', (kit) => editProofs(kit, (proofs) => void proofs.pop()).manifest()],
    [
      'a proof doubled',
      'log.inclusion',
      (kit) => editProofs(kit, (proofs) => void proofs.push(...proofs.slice(-1))).manifest(),
    ],
    ["a vote signed with a stranger's key", 'signatures.votes', vote({}, stranger)],
    ["a vote signed with a stranger's key under a trusted name", 'signatures.votes', vote({}, impostor)],
    ['a vote signed with the receipt key', 'signatures.votes', vote({}, (kit) => kit.deployment.signers.receipt)],
    ['a vote of another typ', 'signatures.votes', vote({}, undefined, 'exo-receipt+jwt')],
    ['a vote for another operation', 'signatures.votes', vote({ operation_id: 'op_other' })],
    ['a vote in another tenant', 'signatures.votes', vote({ tenant: 't_b' })],
    ['a vote over another intent', 'signatures.votes', vote({ intent_hash: '0'.repeat(64) })],
    ['a vote over another plan', 'signatures.votes', vote({ plan_hash: '0'.repeat(64) })],
    ['a vote over another preview', 'signatures.votes', vote({ shown_hash: '0'.repeat(64) })],
    ['a vote that denied', 'signatures.votes', vote({ decision: 'deny', reason: 'no' })],
    ['a vote by somebody else', 'signatures.votes', vote({ by: 'p_zed' })],
    ['a vote that had run out', 'signatures.votes', vote({ iat: 1_000_000_000, exp: 1_000_000_600 })],
    ['a vote from the future', 'signatures.votes', vote({ iat: 4_000_000_000, exp: 4_000_000_600 })],
    ['a vote valid for a year', 'signatures.votes', vote({ exp: 4_000_000_000 })],
    ['a vote with a short nonce', 'signatures.votes', vote({ nonce: 'x' })],
    ['a vote with an unknown claim', 'signatures.votes', vote({ as: 'p_root' })],
    [
      'a proposal by the seal key',
      'signatures.proposal',
      async (kit) => {
        kit.keys = { ...kit.keys, proposal: kit.keys.seal }
        return await (await kit.sign('proposal.jws', kit.payloadOf('proposal.jws'))).reseal()
      },
    ],
    [
      'a proposal by somebody else',
      'signatures.proposal',
      async (kit) =>
        await (await kit.sign('proposal.jws', { ...kit.payloadOf('proposal.jws'), principal_id: 'p_zed' })).reseal(),
    ],
    [
      'a proposal from the future',
      'signatures.proposal',
      async (kit) =>
        await (await kit.sign('proposal.jws', { ...kit.payloadOf('proposal.jws'), iat: 4_000_000_000 })).reseal(),
    ],
  ]),
  ...twinsOf("executed by a person's own signature", [
    [
      'the enrolment taken away',
      'signatures.votes',
      (kit) => kit.relog((leaves) => leaves.filter(({ action }) => action !== 'operator_key.create')),
    ],
    [
      "the enrolment is somebody else's",
      'signatures.votes',
      leaf('control.changed', (each) => void (each.actor = { principal_id: 'p_zed', kind: 'user' })),
    ],
    [
      'the enrolment is of another key',
      'signatures.votes',
      leaf(
        'control.changed',
        (each) =>
          void (each.after = {
            public_jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
          }),
      ),
    ],
    [
      'the enrolment came after the vote',
      'signatures.votes',
      leaf('control.changed', (each) => void (each.at = '2030-01-01T00:00:00.000000Z')),
    ],
    ['an own vote signed by the deployment', 'signatures.votes', vote({})],
  ]),
]

function denial(leaves: Leaf[]): Leaf {
  const accepted = leaves.find(({ kind }) => kind === 'vote.accepted') as Leaf
  const after = { ...(accepted.after as JsonObject), decision: 'deny', jws_sha256: '3'.repeat(64) }
  return { ...accepted, actor: { principal_id: 'p_cyd', kind: 'user' }, after }
}

const entryOf = (kit: Kit) => [...kit.files.keys()].filter((name) => name.startsWith('entries/')).sort()[0] ?? ''

function editEntry(kit: Kit, edit: (leaf: JsonObject) => void): Kit {
  const each = kit.json(entryOf(kit)) as JsonObject
  edit(each)
  return kit.set(entryOf(kit), canonicalJson(each))
}

function moveEntry(kit: Kit): Kit {
  const name = entryOf(kit)
  const data = kit.files.get(name) ?? bytes('')
  kit.files.delete(name)
  return kit.set('entries/9999.json', data)
}

function editProofs(kit: Kit, edit: (proofs: { hashes: string[] }[]) => void): Kit {
  const proofs = kit.json('proofs.json') as unknown as { hashes: string[] }[]
  edit(proofs)
  return kit.set('proofs.json', canonicalJson(proofs))
}

/** A checkpoint with other words, signed by the log's own key unless another seed is given. */
function forge(kit: Kit, size: (size: number) => number, root?: string, seed?: Uint8Array, tenant = 't_a'): Kit {
  const [, count = '0', base64 = ''] = textOf(kit.files.get('checkpoint')).split('\n')
  const given = root === undefined ? new Uint8Array(Buffer.from(base64, 'base64')) : hexToBytes(root)
  return kit.set('checkpoint', kit.deployment.log.sign(tenant, size(Number(count)), given, seed))
}
