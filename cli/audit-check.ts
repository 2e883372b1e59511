/**
 * Checks an exported audit log by itself: every leaf in its place and in its one form, the tree derived again from the
 * leaves, its root in the checkpoint, the checkpoint signed, and an older checkpoint a beginning of this log.
 */
import { fromBase64 } from '../domain/base64.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import { LEAF_KINDS } from '../domain/leaf.ts'
import { appendLeaves, leafHash } from '../domain/log/merkle.ts'
import { type Checkpoint, NoteRefused, openNote, parseCheckpointBody } from '../domain/log/note.ts'
import { type CheckResult, Divergence, ensure, type Verdict } from '../verify/report.ts'
import { count, exactly, listOf, object, oneOf, readCanonical, readJson, readText, text } from '../verify/shape.ts'
import { readTrustRoot, type TrustRoot } from '../verify/trust-root.ts'

export interface AuditReport {
  verdict: Verdict
  tenant_id: string | null
  size: number | null
  root: string | null
  checks: CheckResult[]
  /** How many leaves of each kind. */
  kinds: Record<string, number>
}

interface Export {
  format: 'exoarmur-audit/1'
  tenant_id: string
  entries: { seq: number; entry: string }[]
  checkpoint: string
}

const exported = exactly<Export>({
  format: oneOf('exoarmur-audit/1'),
  tenant_id: text,
  entries: listOf(exactly({ seq: count, entry: text })),
  checkpoint: text,
})

export interface AuditFiles {
  file: Uint8Array
  /** The bytes of trust.json, or null: then nothing is authenticated. */
  trust: Uint8Array | null
  /** An older checkpoint, as it was handed out. */
  older: Uint8Array | null
}

export function checkAuditExport({ file, trust, older }: AuditFiles): AuditReport {
  const report: AuditReport = { verdict: 'FAIL', tenant_id: null, size: null, root: null, checks: [], kinds: {} }
  const check = <T>(name: string, work: () => [T, string]): T | null => {
    try {
      const [value, detail] = work()
      report.checks.push({ name, verdict: 'PASS', detail })
      return value
    } catch (error) {
      if (!(error instanceof Divergence || error instanceof NoteRefused)) throw error
      report.checks.push({ name, verdict: 'FAIL', detail: error.message })
      return null
    }
  }
  const log = check('shape', () => [
    exported(readJson(readText(file, 'export'), 'export'), 'export'),
    'an exoarmur-audit/1 export',
  ])
  if (log === null) return report
  report.tenant_id = log.tenant_id
  const hashes = check('leaves', () => readLeaves(log, report.kinds))
  const claimed = check('checkpoint', () => readHead(log))
  if (hashes !== null && claimed !== null) {
    const root = check('root', () => deriveRoot(hashes, claimed))
    if (root !== null) Object.assign(report, { size: hashes.length, root })
  }
  const root = trust === null ? null : check('trust root', () => [readTrustRoot(trust), 'well formed'])
  if (root !== null) check('signature', () => [null, signedBy(root, log.tenant_id, log.checkpoint)])
  else if (trust === null)
    report.checks.push({
      name: 'signature',
      verdict: 'UNTRUSTED',
      detail: 'no trust root was given, so nobody is authenticated',
    })
  if (older !== null && hashes !== null)
    check('older checkpoint', () => [
      null,
      extendsOlder(hashes, log.tenant_id, readText(older, 'older checkpoint'), root),
    ])
  report.verdict = worst(report.checks)
  return report
}

function readLeaves(log: Export, kinds: Record<string, number>): [Uint8Array[], string] {
  ensure(log.entries.length > 0, 'the log has no leaves')
  const hashes = log.entries.map(({ seq, entry }, index) => {
    ensure(seq === index, `position ${index} holds seq ${seq}`)
    const bytes = fromBase64(entry)
    ensure(bytes !== null, `leaf ${seq} is not base64`)
    const leaf = object(readCanonical(readText(bytes, `leaf ${seq}`), `leaf ${seq}`), `leaf ${seq}`)
    ensure(leaf.tenant_id === log.tenant_id, `leaf ${seq} is of another tenant`)
    const kind = leafKind(leaf, seq)
    kinds[kind] = (kinds[kind] ?? 0) + 1
    return leafHash(bytes)
  })
  return [hashes, `${hashes.length} leaves, seq 0 to ${hashes.length - 1} without a gap, each in its one form`]
}

function leafKind(leaf: JsonObject, seq: number): string {
  const kind: Json = leaf.kind ?? null
  ensure(
    LEAF_KINDS.some((each) => each === kind),
    `leaf ${seq} is of no known kind`,
  )
  return String(kind)
}

function readHead(log: Export): [Checkpoint, string] {
  const head = bodyOf(log.checkpoint)
  ensure(head.origin.endsWith(`/${log.tenant_id}`), `the checkpoint is of ${head.origin}`)
  return [head, `${head.origin}, size ${head.size}`]
}

/** What a note says, before anybody asks who signed it. */
function bodyOf(note: string): Checkpoint {
  const end = note.lastIndexOf('\n\n')
  ensure(end >= 0, 'the checkpoint is no signed note')
  return parseCheckpointBody(note.slice(0, end + 1))
}

function deriveRoot(hashes: readonly Uint8Array[], head: Checkpoint): [string, string] {
  ensure(hashes.length === head.size, `the checkpoint is over ${head.size} leaves, the export has ${hashes.length}`)
  const root = hex(rootOf(hashes, head.size))
  ensure(root === hex(head.root), `the leaves come to root ${root}, the checkpoint says ${hex(head.root)}`)
  return [root, root]
}

const rootOf = (hashes: readonly Uint8Array[], size: number): Uint8Array =>
  appendLeaves(0, [], hashes.slice(0, size)).root

function signedBy(trust: TrustRoot, tenantId: string, note: string): string {
  const { body, signers } = openNote(note, [trust.log.note_key])
  const { origin } = parseCheckpointBody(body)
  ensure(origin === `${trust.log.origin_prefix}${tenantId}`, `the checkpoint is of ${origin}`)
  return `signed by ${signers.join(', ')}`
}

function extendsOlder(hashes: readonly Uint8Array[], tenantId: string, note: string, trust: TrustRoot | null): string {
  const old = bodyOf(note)
  ensure(old.origin.endsWith(`/${tenantId}`), `it is of ${old.origin}`)
  if (trust !== null) signedBy(trust, tenantId, note)
  ensure(old.size <= hashes.length, `it is over ${old.size} leaves, this export has only ${hashes.length}`)
  const then = hex(rootOf(hashes, old.size))
  ensure(
    then === hex(old.root),
    `the first ${old.size} leaves come to root ${then}, it says ${hex(old.root)}: the log was rewritten`,
  )
  return `the first ${old.size} leaves are unchanged since`
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function worst(checks: readonly CheckResult[]): Verdict {
  if (checks.some(({ verdict }) => verdict === 'FAIL')) return 'FAIL'
  return checks.some(({ verdict }) => verdict === 'UNTRUSTED') ? 'UNTRUSTED' : 'PASS'
}
