/**
 * The leaves of the operation tell the receipt's story once more, in the order the log gave them: asked, waited, voted, done,
 * ended. The log's order is the order of commits, so it also says what was granted before what was done.
 */
import { canonicalJson } from '../domain/canonical.ts'
import { sha256TextHex } from '../domain/hash.ts'
import type { Check } from './check.ts'
import { ensure } from './report.ts'
import { exactly, hexHash, nullable, object, oneOf, text, withMembers } from './shape.ts'
import type { EntryFile, Subject } from './subject.ts'
import { instantNs } from './shape.ts'
import type { Receipt } from '../domain/receipt.ts'

export const leafChecks: readonly Check[] = [
  { name: 'leaves.own', run: own },
  { name: 'leaves.story', run: story },
  { name: 'leaves.words', run: words },
]

const END_KIND: Readonly<Record<Receipt['status'], string>> = Object.freeze({
  executed: 'operation.closed',
  failed: 'operation.closed',
  unknown: 'operation.closed',
  proposed: 'operation.proposed',
  blocked: 'operation.blocked',
  denied: 'operation.denied',
  expired: 'operation.expired',
  cancelled: 'operation.cancelled',
})
const END_KINDS = new Set(Object.values(END_KIND))
/** In a receipt, in the order they may stand there; the end leaf follows. */
const STORY = [
  'operation.requested',
  'operation.pending',
  'vote.accepted',
  'effect.intent',
  'control.changed',
  'effect.outcome',
  'alarm',
]
/** Beside the receipt: attempts that changed nothing, and what was noted about the operation. */
const BESIDE = new Set([
  'vote.refused',
  'vote.accepted',
  'alarm',
  'record.written',
  'access.refused',
  'audit.read',
  'operation.sealed',
])

/** Leaves of the receipt, in the order of the log. */
function told(subject: Subject): EntryFile[] {
  const { leaves } = subject.receipt.value
  const { proofs, entries } = subject.log
  const named = new Set(leaves)
  ensure(named.size === leaves.length, 'the receipt names a leaf twice')
  const found = proofs.filter(({ leaf_hash }) => named.has(leaf_hash)).sort((a, b) => a.seq - b.seq)
  ensure(found.length === leaves.length, `the bundle holds ${found.length} of ${leaves.length} leaves of the receipt`)
  return found.flatMap(({ seq }) => entries.get(seq) ?? [])
}

/** Who may speak in this bundle: the operation itself, and operations that enrolled a key. */
function own(subject: Subject): string {
  const { operation_id, tenant_id, leaves } = subject.receipt.value
  const named = new Set(leaves)
  const enrolments = new Set<string | null>()
  for (const { leaf } of subject.log.entries.values())
    if (leaf.kind === 'control.changed' && leaf.action === 'operator_key.create') enrolments.add(leaf.operation_id)
  for (const { seq, leaf } of subject.log.entries.values()) {
    ensure(leaf.tenant_id === tenant_id, `leaf ${seq} is of another tenant`)
    const proof = subject.log.proofs.find((each) => each.seq === seq)
    if (leaf.operation_id !== operation_id) {
      ensure(enrolments.has(leaf.operation_id), `leaf ${seq} is of another operation`)
      ensure(proof === undefined || !named.has(proof.leaf_hash), `the receipt names leaf ${seq} of another operation`)
    } else
      ensure(
        (proof !== undefined && named.has(proof.leaf_hash)) || BESIDE.has(leaf.kind),
        `leaf ${seq} is ${leaf.kind}, which the receipt does not name`,
      )
  }
  return `${leaves.length} leaves`
}

function story(subject: Subject): string {
  const leaves = told(subject)
  const { value: receipt } = subject.receipt
  const kinds = leaves.map(({ leaf }) => leaf.kind)
  const end = END_KIND[receipt.status]
  const last = kinds.at(-1)
  ensure(last === end, `the last leaf is ${last}, where ${receipt.status} has ${end}`)
  ensure(kinds.filter((kind) => END_KINDS.has(kind)).length === 1, 'the operation has two ends')
  const places = kinds.slice(0, -1).map((kind) => STORY.indexOf(kind))
  places.forEach((place, index) => {
    ensure(place >= 0, `leaf ${kinds[index]} has no place in a receipt`)
    ensure(place >= (places[index - 1] ?? 0), `leaf ${kinds[index]} stands after ${kinds[index - 1]}`)
  })
  const many = (kind: string) => kinds.filter((each) => each === kind).length
  ensure(many('operation.requested') === 1, 'the operation was requested more than once, or never')
  const asked = subject.foundEnded && receipt.approval.expires_at !== null ? 1 : subject.told.pending.length
  ensure(
    many('operation.pending') === asked || receipt.error_code === 'run.terminated',
    `people were asked ${asked} times, the log says ${many('operation.pending')}`,
  )
  const effects = receipt.effect === null ? 0 : 1
  ensure(many('effect.intent') === effects, `${effects} effects, the log says ${many('effect.intent')}`)
  const settled = receipt.effect?.state === 'claimed' || receipt.effect?.state === 'dispatched' ? 0 : effects
  ensure(many('effect.outcome') === settled, `the log says ${many('effect.outcome')} outcomes`)
  const governed = receipt.plan.governs && receipt.effect?.state === 'committed' ? 1 : 0
  ensure(many('control.changed') === governed, `the log says ${many('control.changed')} changes of controls`)
  leaves.forEach(({ seq, leaf }, index) => {
    const before = leaves[index - 1]
    ensure(
      before === undefined || instantNs(leaf.at) >= instantNs(before.leaf.at),
      `leaf ${seq} is earlier than the one before it`,
    )
  })
  return kinds.join(' ')
}

/** What the leaves say of the decision, the votes and the effect is what the receipt says. */
function words(subject: Subject): string {
  const { value: receipt } = subject.receipt
  const leaves = told(subject)
  for (const { seq, leaf } of leaves) {
    ensure(leaf.action === receipt.intent.action, `leaf ${seq} names another action`)
    if (leaf.kind === 'operation.requested') {
      ensure(leaf.actor.principal_id === receipt.intent.principal_id, `leaf ${seq} names another requester`)
      const told = canonicalJson(leaf.actor.on_behalf_of ?? null)
      ensure(told === canonicalJson(receipt.intent.on_behalf_of), `leaf ${seq} is in another name than the intent`)
      ensureAfter(leaf.after, { intent_hash: receipt.intent_hash, plan_hash: receipt.plan_hash }, seq)
    }
    if (leaf.kind === 'effect.intent') {
      const { satisfied_by, license_id } = receipt.approval
      ensureAfter(
        leaf.after,
        { effect_key: receipt.effect?.key, kind: receipt.effect?.kind, satisfied_by, license_id },
        seq,
      )
    }
    if (leaf.kind === 'effect.outcome') {
      ensureAfter(leaf.after, { state: receipt.effect?.state }, seq)
      const { details } = object(leaf.after, `leaf ${seq}`)
      const isTold = details !== undefined && leaf.pii === 'none'
      const same = !isTold || canonicalJson(details) === canonicalJson(receipt.error_details)
      ensure(same, `leaf ${seq} tells the outcome with other details than the receipt`)
    }
  }
  ensureVotes(subject, leaves)
  const end = leaves.at(-1)
  ensure(end !== undefined, 'the operation has no leaves')
  ensureAfter(
    end.leaf.after,
    { status: receipt.status, decision_hash: receipt.decision_hash, effect_state: receipt.effect?.state ?? null },
    end.seq,
  )
  ensure(
    end.leaf.code === receipt.error_code,
    `leaf ${end.seq} ends with ${end.leaf.code}, the receipt with ${receipt.error_code}`,
  )
  const blocking = receipt.passes.at(-1)?.verdicts.find(({ decision }) => decision === 'block')
  if (receipt.status === 'blocked')
    ensure(
      end.leaf.gate === (blocking?.gate ?? null),
      `leaf ${end.seq} names gate ${end.leaf.gate}, not ${blocking?.gate}`,
    )
  if (receipt.status === 'executed' || receipt.status === 'proposed')
    ensure(end.leaf.gate === null, `leaf ${end.seq} names a gate`)
  ensure(end.leaf.at === receipt.ended_at, `leaf ${end.seq} ends at another time than the receipt`)
  return `ended by ${end.leaf.kind}`
}

const accepted = exactly({
  decision: oneOf('approve', 'deny'),
  assurance: oneOf('attested', 'self_signed'),
  jws_sha256: hexHash,
})

/** Each vote of the receipt has its leaf, and no leaf before the effect tells of a denial. */
function ensureVotes(subject: Subject, leaves: readonly EntryFile[]): void {
  const { votes, voters, operation_id } = subject.receipt.value
  const heard = [...subject.log.entries.values()]
    .filter(({ leaf }) => leaf.kind === 'vote.accepted' && leaf.operation_id === operation_id)
    .map(({ seq, leaf }) => ({ seq, by: leaf.actor.principal_id, ...accepted(leaf.after, `leaf ${seq}`) }))
  for (const [index, jws] of votes.entries()) {
    const voter = voters[index]
    const found = heard.find(({ jws_sha256 }) => jws_sha256 === sha256TextHex(jws))
    ensure(found !== undefined, `vote ${index + 1} has no leaf`)
    const same = found.by === voter?.by && found.decision === voter.decision && found.assurance === voter.assurance
    ensure(same, `leaf ${found.seq} tells another vote than the receipt`)
  }
  const done = leaves.find(({ leaf }) => leaf.kind === 'effect.intent')
  const denial = heard.find(({ decision, seq }) => decision === 'deny' && done !== undefined && seq < done.seq)
  ensure(denial === undefined, `leaf ${denial?.seq} tells of a denial before the effect`)
}

function ensureAfter(after: unknown, expected: Record<string, unknown>, seq: number): void {
  const given = withMembers({ ...mapTo(expected) })(object(after, `leaf ${seq}`), `leaf ${seq}`) as Record<
    string,
    unknown
  >
  for (const [name, value] of Object.entries(expected))
    ensure(given[name] === value, `leaf ${seq} says another ${name}`)
}

function mapTo(expected: Record<string, unknown>) {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, nullable(text)]))
}
