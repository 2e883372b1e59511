/**
 * Step 6, second half: the seal speaks of exactly these bytes, and the signed log holds every leaf of the operation at the
 * position the seal names, and the platform's leaf that set the global switch as the facts saw it.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { sha256Hex, sha256TextHex } from '../domain/hash.ts'
import { leafHash, verifyInclusion } from '../domain/log/merkle.ts'
import type { Leaf } from '../domain/leaf.ts'
import { type Checkpoint, NoteRefused, openNote, parseCheckpointBody } from '../domain/log/note.ts'
import type { Check } from './check.ts'
import { ensure, Unauthenticated } from './report.ts'
import { hexHash, listOf, nullable, oneOf, text, withMembers } from './shape.ts'
import type { LogPart, Subject } from './subject.ts'

export const logChecks: readonly Check[] = [
  { name: 'log.digests', run: digests },
  { name: 'log.inclusion', run: inclusion },
  { name: 'log.switch', run: globalSwitch },
  { name: 'log.checkpoint', run: checkpoint },
]

const SYSTEM_TENANT = 't_system'

function digests(subject: Subject): string {
  const { value: seal } = subject.seal
  const { proposal_sha256 } = subject.receipt.value
  ensure(seal.history_sha256 === sha256Hex(subject.file('history.json')), 'the seal is over another history')
  ensure(seal.receipt_sha256 === sha256TextHex(subject.receipt.jws.payload), 'the seal is over another receipt')
  ensure(proposal_sha256 === sha256TextHex(subject.text('proposal.jws')), 'the receipt is over another proposal')
  ensure(seal.checkpoint === subject.text('checkpoint'), 'the seal holds another checkpoint')
  return 'history, receipt, proposal and checkpoint are the sealed bytes'
}

function inclusion(subject: Subject): string {
  const { log } = subject
  const { leaves, tenant_id } = { leaves: subject.seal.value.leaves, tenant_id: subject.receipt.value.tenant_id }
  ensure(leaves.length > 0, 'the seal names no leaf')
  const sealed = leaves.map(({ seq, leaf_hash }) => `${seq} ${leaf_hash}`)
  const proven = log.proofs.map(({ seq, leaf_hash }) => `${seq} ${leaf_hash}`)
  ensure(sealed.join('\n') === proven.join('\n'), 'proofs.json proves other leaves than the seal names')
  ensureIncluded(log, tenant_id)
  const held = new Set(leaves.map(({ leaf_hash }) => leaf_hash))
  for (const hash of subject.receipt.value.leaves)
    ensure(held.has(hash), `the seal does not name leaf ${hash.slice(0, 16)} of the receipt`)
  return `${leaves.length} leaves in a tree of ${checkpointOf(log).size}`
}

/** Every entry hashed and proven into the checkpoint at its own position, and nothing beside them. */
function ensureIncluded(log: LogPart, tenantId: string): void {
  const { prefix, entries, proofs } = log
  const { size, root } = checkpointOf(log)
  ensure(new Set(proofs.map(({ seq }) => seq)).size === proofs.length, `${prefix}proofs.json proves a position twice`)
  ensure(proofs.length === entries.size, `${prefix}entries/ and ${prefix}proofs.json are not of the same leaves`)
  for (const { seq, leaf_hash, hashes } of proofs) {
    const entry = entries.get(seq)
    ensure(entry !== undefined, `${prefix}entries/${seq}.json is missing`)
    const hash = leafHash(entry.bytes)
    ensure(bytesToHex(hash) === leaf_hash, `${prefix}entries/${seq}.json has another hash`)
    const proven = verifyInclusion({
      leafHash: hash,
      index: seq,
      size,
      root,
      hashes: hashes.map((each) => hexToBytes(each)),
    })
    ensure(proven, `${prefix}entries/${seq}.json is not in the checkpoint at position ${seq}`)
    ensure(entry.leaf.tenant_id === tenantId, `${prefix}entries/${seq}.json is of another tenant`)
  }
}

const selector = withMembers({ kind: text, value: nullable(text) })
type Selector = ReturnType<typeof selector>
const switches = withMembers({
  switches: listOf(withMembers({ scope: oneOf('global', 'tenant'), selector, leaf_hash: nullable(hexHash) })),
})
const resumed = withMembers({ selectors: listOf(selector) })
const written = withMembers({ policy: withMembers({ kill_switches: listOf(withMembers({ selector, state: text })) }) })

/** The facts name who set the global switch by a leaf; that leaf stands in the platform's own signed log. */
function globalSwitch(subject: Subject): string {
  const { passes, tenant_id } = subject.receipt.value
  const named = new Map<string, Selector[]>()
  for (const { pass, facts, verdicts } of passes) {
    const [first] = verdicts
    if (first?.gate !== 'kill_switch' || first.decision !== 'allow') continue
    const rows = switches(facts, `pass ${pass} facts`).switches.filter(({ scope }) => scope === 'global')
    ensure(rows.length > 0, `pass ${pass} was allowed without a global switch`)
    for (const { leaf_hash, selector } of rows) {
      ensure(leaf_hash !== null, `pass ${pass} names no leaf for the global switch`)
      named.set(leaf_hash, [...(named.get(leaf_hash) ?? []), selector])
    }
  }
  if (subject.hasSystemLog) ensureIncluded(subject.systemLog, SYSTEM_TENANT)
  if (named.size === 0) return 'no pass rests on it'
  ensure(tenant_id !== SYSTEM_TENANT, "the platform's own operation rests on its switch")
  ensure(subject.hasSystemLog, 'system/ is missing')
  const { entries, proofs } = subject.systemLog
  for (const [hash, selectors] of named) {
    const proof = proofs.find(({ leaf_hash }) => leaf_hash === hash)
    const leaf = proof === undefined ? undefined : entries.get(proof.seq)?.leaf
    ensure(leaf !== undefined, `system/ does not hold leaf ${hash.slice(0, 16)}, which set the global switch`)
    const running = setRunning(leaf, `leaf ${hash.slice(0, 16)} of system/`)
    for (const each of selectors)
      ensure(
        running.some((one) => isOfSwitch(one, each)),
        `leaf ${hash.slice(0, 16)} of system/ did not set ${each.kind} running`,
      )
  }
  return `${named.size} leaves of the platform`
}

/** The switches that a change of the platform's controls left running. */
function setRunning({ kind, action, after }: Leaf, at: string): Selector[] {
  if (kind !== 'control.changed') return []
  if (action === 'kill_switch.resume') return resumed(after, `${at} after`).selectors
  if (action !== 'policy.put') return []
  const rows = written(after, `${at} after`).policy.kill_switches
  return rows.filter(({ state }) => state === 'running').map((row) => row.selector)
}

/** A provider may be an address, which a leaf tells masked. */
function isOfSwitch(told: Selector, { kind, value }: Selector): boolean {
  return told.kind === kind && (kind === 'provider' || told.value === value)
}

/** Both checkpoints are signed by the log's key, each for its own tree. */
function checkpoint(subject: Subject): string {
  const { tenant_id, intent } = subject.receipt.value
  const parts: [LogPart, string][] = [[subject.log, tenant_id]]
  if (subject.hasSystemLog) parts.push([subject.systemLog, SYSTEM_TENANT])
  for (const [log, tenant] of parts) {
    const { origin } = checkpointOf(log)
    ensure(origin === `${intent.deployment}/${tenant}`, `${log.prefix}checkpoint is of log ${origin}`)
  }
  if (subject.trust === null) throw new Unauthenticated('no trust root was given, so no checkpoint is authenticated')
  const { origin_prefix, note_key } = subject.trust.log
  for (const [log, tenant] of parts) {
    const body = refusing(`${log.prefix}checkpoint`, () => openNote(log.checkpoint, [note_key]).body)
    ensure(
      parseCheckpointBody(body).origin === `${origin_prefix}${tenant}`,
      `${log.prefix}checkpoint is of another log`,
    )
  }
  return parts.map(([log]) => `${checkpointOf(log).origin} of ${checkpointOf(log).size}`).join(', ')
}

/** What a checkpoint says, before anybody has looked at its signature. */
export function checkpointOf({ checkpoint: note, prefix }: LogPart): Checkpoint {
  const end = note.lastIndexOf('\n\n')
  return refusing(`${prefix}checkpoint`, () => parseCheckpointBody(note.slice(0, end + 1)))
}

function refusing<T>(at: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof NoteRefused) ensure(false, `${at} is refused: ${error.fault}`)
    throw error
  }
}
