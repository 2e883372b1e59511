/** Lies in the log: an insider writes one of their own and signs its checkpoint; an outsider edits what is there. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { bytes, type Kit, textOf } from './kit.ts'
import { type Places, setPlaces } from './places.ts'
import { twinsOf } from './twin.ts'
import { canonicalJson, type JsonObject } from '../../../../domain/canonical.ts'
import type { Leaf, LeafKind } from '../../../../domain/leaf.ts'

const log = (edit: (leaves: Leaf[]) => Leaf[]) => (kit: Kit) => kit.relog(edit)
const leaf = (kind: LeafKind, places: Places) => (kit: Kit) =>
  kit.relog((leaves) => leaves.forEach((each) => each.kind === kind && setPlaces(each, places)))
const without = (test: (leaf: Leaf) => boolean) => log((leaves) => leaves.filter((each) => !test(each)))
const isKind = (kind: LeafKind) => (each: Leaf) => each.kind === kind

const ZEROS = '0'.repeat(64)
const ZED = { principal_id: 'p_zed', kind: 'user' } as const
const OTHER_KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
const FUTURE = '2030-01-01T00:00:00.000000Z'

/** The receipt names the leaf too. */
const neverAsked = (expires_at: string | null) => async (kit: Kit) => {
  await kit.relog((leaves) => void leaves.splice(1, 0, copy(leaves[0], { kind: 'operation.pending' })))
  const proofs = kit.json('proofs.json') as unknown as { seq: number; leaf_hash: string }[]
  const asked = proofs.find(({ seq }) => seq === 1)?.leaf_hash ?? ''
  return await kit.rereceipt((receipt) => {
    receipt.leaves = receipt.leaves.toSpliced(1, 0, asked)
    receipt.approval.expires_at = expires_at
  })
}

export const logTwins = [
  ...twinsOf('executed by votes', [
    ['the log loses its middle', 'leaves.story', without(isKind('operation.pending'))],
    ['the log loses the votes', 'leaves.words', without(isKind('vote.accepted'))],
    ['the log loses its beginning', 'leaves.story', without(isKind('operation.requested'))],
    ['the log loses its end', 'leaves.story', without(isKind('operation.closed'))],
    ['the log is empty', 'log.inclusion', log(() => [])],
    ['the log reversed', 'leaves.story', log((leaves) => leaves.toReversed())],
    ['the effect before the votes', 'leaves.story', log(effectFirst)],
    ['a second end', 'leaves.own', log((leaves) => [...leaves, copy(leaves.at(-1), { kind: 'operation.blocked' })])],
    [
      'a second effect',
      'leaves.own',
      log((leaves) => [...leaves, copy(leaves.find(isKind('effect.intent')), { reason: 'again' })]),
    ],
    ['a denial before the effect', 'leaves.words', log(denialFirst)],
    [
      "another operation's leaf",
      'leaves.own',
      log((leaves) => [...leaves, copy(leaves[0], { operation_id: 'op_other' })]),
    ],
    ['a leaf of an unknown kind', 'leaves.story', leaf('operation.pending', { kind: 'operation.banana' })],
    ["another tenant's leaf", 'log.inclusion', leaf('operation.requested', { tenant_id: 't_b' })],
    ['another requester', 'leaves.words', leaf('operation.requested', { actor: ZED })],
    ['another voter', 'leaves.words', leaf('vote.accepted', { actor: ZED })],
    ['another action', 'leaves.words', leaf('effect.intent', { action: 'note.remove' })],
    ['another intent', 'leaves.words', leaf('operation.requested', { 'after.intent_hash': ZEROS })],
    ['another decision', 'leaves.words', leaf('operation.closed', { 'after.decision_hash': ZEROS })],
    ['another outcome', 'leaves.words', leaf('effect.outcome', { 'after.state': 'failed' })],
    ['another approval', 'leaves.words', leaf('effect.intent', { 'after.satisfied_by': 'license' })],
    ['another code', 'leaves.words', leaf('operation.closed', { code: 'effect.failed' })],
    ['a gate on a clean end', 'leaves.words', leaf('operation.closed', { gate: 'budget' })],
    ['times that go back', 'leaves.story', leaf('effect.intent', { at: '2026-01-01T00:00:00.000000Z' })],
    ['a leaf with an unknown member', 'log.inclusion', leaf('operation.pending', { colour: 'red' })],
    ['the actor of a leaf, unsigned', 'log.inclusion', (kit) => editEntry(kit, { actor: ZED })],
    ['the trace of a leaf, unsigned', 'log.inclusion', (kit) => editEntry(kit, { trace_id: 'f'.repeat(32) })],
    [
      'a leaf in other white space',
      'log.inclusion',
      (kit) => kit.set(entryOf(kit), `${textOf(kit.files.get(entryOf(kit)))}\n`).manifest(),
    ],
    ['a leaf moved to another position', 'log.inclusion', moveEntry],
    ['a proof shortened', 'log.inclusion', (kit) => editProofs(kit, (proofs) => void proofs[0]?.hashes.pop())],
    ['a proof left out', 'log.inclusion', (kit) => editProofs(kit, (proofs) => void proofs.pop())],
    ['a proof doubled', 'log.inclusion', (kit) => editProofs(kit, (proofs) => void proofs.push(...proofs.slice(-1)))],
    ['a checkpoint of a smaller tree', 'log.inclusion', (kit) => forge(kit, { size: 1 }).reseal()],
    ['a checkpoint of another root', 'log.inclusion', (kit) => forge(kit, { root: 'a'.repeat(64) }).reseal()],
    [
      "a checkpoint signed with a stranger's key",
      'log.checkpoint',
      (kit) => forge(kit, { seed: ed25519.utils.randomSecretKey() }).reseal(),
    ],
    ["a checkpoint of another tenant's log", 'log.checkpoint', (kit) => forge(kit, { tenant: 't_b' }).reseal()],
    ['a checkpoint of a larger tree, unsigned', 'log.checkpoint', (kit) => growUnsigned(kit).reseal()],
    [
      "the platform's checkpoint in the place of the tenant's",
      'log.checkpoint',
      (kit) => kit.set('checkpoint', textOf(kit.files.get('system/checkpoint'))).reseal(),
    ],
  ]),
  ...twinsOf('blocked by budget', [
    ['another gate', 'leaves.words', leaf('operation.blocked', { gate: 'kpi' })],
    ['an end of another kind', 'leaves.story', leaf('operation.blocked', { kind: 'operation.denied' })],
  ]),
  ...twinsOf('executed by a grant at once', [
    ['people who were never asked', 'leaves.story', neverAsked(null)],
    ['people who were never asked, with a deadline', 'leaves.story', neverAsked(FUTURE)],
  ]),
  ...twinsOf("executed by a person's own signature", [
    ['the enrolment taken away', 'signatures.votes', without(({ action }) => action === 'operator_key.create')],
    ["the enrolment is somebody else's", 'signatures.votes', leaf('control.changed', { actor: ZED })],
    ['the enrolment is of another key', 'signatures.votes', leaf('control.changed', { 'after.public_jwk': OTHER_KEY })],
    ['the enrolment came after the vote', 'signatures.votes', leaf('control.changed', { at: FUTURE })],
  ]),
  ...twinsOf('executed control operation', [
    ['the change of controls left out', 'leaves.story', without(isKind('control.changed'))],
  ]),
]

function copy(from: Leaf | undefined, change: Partial<Leaf>): Leaf {
  if (from === undefined) throw new Error('no leaf to copy')
  return { ...from, ...change }
}

function effectFirst(leaves: Leaf[]): Leaf[] {
  const isEffect = isKind('effect.intent')
  const [first, ...rest] = leaves.filter((each) => !isEffect(each))
  return [...(first === undefined ? [] : [first]), ...leaves.filter(isEffect), ...rest]
}

function denialFirst(leaves: Leaf[]): Leaf[] {
  const accepted = leaves.find(isKind('vote.accepted'))
  const after = { ...(accepted?.after as JsonObject), decision: 'deny', jws_sha256: '3'.repeat(64) }
  const denial = copy(accepted, { actor: { principal_id: 'p_cyd', kind: 'user' }, after })
  return leaves.flatMap((each) => (each.kind === 'effect.intent' ? [denial, each] : [each]))
}

const entryOf = (kit: Kit) => [...kit.files.keys()].filter((name) => name.startsWith('entries/')).sort()[0] ?? ''

function editEntry(kit: Kit, places: Places): Kit {
  const each = kit.json(entryOf(kit))
  setPlaces(each, places)
  return kit.set(entryOf(kit), canonicalJson(each)).manifest()
}

function moveEntry(kit: Kit): Kit {
  const name = entryOf(kit)
  const data = kit.files.get(name) ?? bytes('')
  kit.files.delete(name)
  return kit.set('entries/9999.json', data).manifest()
}

function editProofs(kit: Kit, edit: (proofs: { hashes: string[] }[]) => void): Kit {
  const proofs = kit.json('proofs.json') as unknown as { hashes: string[] }[]
  edit(proofs)
  return kit.set('proofs.json', canonicalJson(proofs)).manifest()
}

interface Forged {
  size?: number
  root?: string
  seed?: Uint8Array
  tenant?: string
}

/** A checkpoint with other words, signed with the log's own key unless another seed is given. */
function forge(kit: Kit, { size, root, seed, tenant = 't_a' }: Forged): Kit {
  const [, count = '0', base64 = ''] = textOf(kit.files.get('checkpoint')).split('\n')
  const hash = root === undefined ? new Uint8Array(Buffer.from(base64, 'base64')) : hexToBytes(root)
  return kit.set('checkpoint', kit.deployment.log.sign(tenant, size ?? Number(count), hash, seed))
}

function growUnsigned(kit: Kit): Kit {
  const [origin, count, ...rest] = textOf(kit.files.get('checkpoint')).split('\n')
  return kit.set('checkpoint', [origin, Number(count) + 1, ...rest].join('\n'))
}
