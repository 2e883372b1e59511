/**
 * The seal: over the exact bytes of a closed history, the receipt, the positions of the leaves and a checkpoint that
 * holds them; and the bundle anybody can verify offline.
 */
import { canonicalJson } from '../domain/canonical.ts'
import type { CrashPoint } from '../domain/crash-points.ts'
import { sha256Hex, sha256TextHex } from '../domain/hash.ts'
import { leafRow, makeLeaf } from '../domain/leaf.ts'
import type { LeafKind, LeafRow } from '../domain/leaf.ts'
import type { Signer } from '../domain/ports.ts'
import { SEAL_TYP, type Receipt, type Seal } from '../domain/receipt.ts'
import type { SealSteps } from '../domain/steps.ts'

interface Ref {
  tenant_id: string
  operation_id: string
}

interface Item {
  seq: number
  leaf_hash: string
  entry: string
}

export interface SealTools {
  signer: Signer
  seals: {
    sealable(
      tenantId: string,
      operationId: string,
    ): Promise<{
      now: string
      run_id: string | null
      receipt: string
      receipt_jws: string
      proposal: string
      request_id: string
      trace_id: string | null
      train_ok: boolean
      sealed: boolean
    } | null>
    keyOperations(kids: readonly string[]): Promise<string[]>
    seal(row: {
      tenant_id: string
      operation_id: string
      request_id: string
      jws: string
      bundle_key: string
      leaf: LeafRow
    }): Promise<void>
  }
  log: {
    head(tenantId: string): Promise<{ size: number; root: string; checkpoint: string } | null>
    /** Leaves of an operation of these kinds or with these hashes; `waiting` have no position yet. */
    byOperation(
      tenantId: string,
      operationId: string,
      wanted: { kinds: readonly LeafKind[]; hashes?: readonly string[] },
    ): Promise<{ items: Item[]; waiting: number }>
    byHash(tenantId: string, hashes: readonly string[]): Promise<Item[]>
    inclusion(tenantId: string, positions: readonly number[], size: number): Promise<Map<number, string[]>>
  }
  runs: {
    closedHistory(ref: Ref, runId: string | null): Promise<{ text: string; buildIds: string[] } | null>
  }
  objects: {
    bundleKey(tenantId: string, operationId: string): string
    put(key: string, body: Uint8Array, contentType: string): Promise<void>
  }
  pack(files: ReadonlyMap<string, Uint8Array>): Uint8Array
  kidOf(jws: string): string | null
  heartbeat(): void
  /** Named places where tests stop the process. */
  crashPoint(name: CrashPoint): void
}

const bytes = (text: string) => new TextEncoder().encode(text)

export function sealSteps(tools: SealTools): SealSteps {
  return {
    async sealOperations({ operations }) {
      const once = readOnce(tools)
      let sealed = 0
      for (const ref of operations) {
        if (await sealOne(once, ref)) sealed++
        tools.heartbeat()
      }
      return { sealed, waiting: operations.length - sealed }
    },
  }
}

/**
 * One batch reads each tree's head once, and the platform's leaves with their proofs once: they are the same for all.
 * A leaf newer than that head makes its operation wait for the next batch.
 */
function readOnce(tools: SealTools): SealTools {
  const heads = new Map<string, ReturnType<SealTools['log']['head']>>()
  const named = new Map<string, ReturnType<SealTools['log']['byHash']>>()
  const proven = new Map<string, ReturnType<SealTools['log']['inclusion']>>()
  return {
    ...tools,
    log: {
      byOperation: (...asked) => tools.log.byOperation(...asked),
      head: (tenantId) => memo(heads, tenantId, () => tools.log.head(tenantId)),
      byHash: (tenantId, hashes) =>
        memo(named, JSON.stringify([tenantId, hashes]), () => tools.log.byHash(tenantId, hashes)),
      inclusion: (tenantId, positions, size) =>
        memo(proven, JSON.stringify([tenantId, positions, size]), () => tools.log.inclusion(tenantId, positions, size)),
    },
  }
}

function memo<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  known.set(key, made)
  return made
}

async function sealOne(tools: SealTools, ref: Ref): Promise<boolean> {
  const { tenant_id, operation_id } = ref
  const row = await tools.seals.sealable(tenant_id, operation_id)
  if (row === null || row.sealed) return row !== null
  const receipt = JSON.parse(row.receipt) as Receipt
  const history = await tools.runs.closedHistory(ref, row.run_id)
  // What was tried and refused stands in the log alone: anybody may try as often as they like.
  const own = await tools.log.byOperation(tenant_id, operation_id, { kinds: ['vote.accepted'], hashes: receipt.leaves })
  if (history === null || own.waiting > 0) return false

  // Enrolments are looked for among this tenant's leaves alone: admitting a vote sees the keys of its operation's tenant and
  // no others, the platform's included, so no vote is signed with a key that was enrolled elsewhere
  // (test/e2e/operator-keys.test.ts).
  const kids = receipt.votes.map((jws) => tools.kidOf(jws)).filter((kid) => kid !== null)
  const enrolments = kids.length === 0 ? [] : await tools.seals.keyOperations(kids)
  const items = [...own.items]
  for (const enrolment of enrolments)
    if (enrolment !== operation_id)
      items.push(...(await tools.log.byOperation(tenant_id, enrolment, { kinds: ['control.changed'] })).items)
  items.sort((a, b) => a.seq - b.seq)
  const part = await logPart(tools, tenant_id, items)
  const platform = tenant_id === 't_system' ? { files: [] } : await platformPart(tools, receipt)
  if (part === null || platform === null) return false

  const historyBytes = bytes(history.text)
  const seal: Seal = {
    v: 1,
    operation_id,
    tenant_id,
    history_sha256: sha256Hex(historyBytes),
    receipt_sha256: sha256TextHex(row.receipt),
    leaves: items.map(({ seq, leaf_hash }) => ({ seq, leaf_hash })),
    checkpoint: part.checkpoint,
    build_ids: history.buildIds,
  }
  const sealJws = await tools.signer.sign(SEAL_TYP, canonicalJson(seal))
  const files = new Map<string, Uint8Array>([
    ['history.json', historyBytes],
    ['receipt.jws', bytes(row.receipt_jws)],
    ['seal.jws', bytes(sealJws)],
    ['proposal.jws', bytes(row.proposal)],
    ...part.files,
    ...platform.files.map(([name, body]) => [`system/${name}`, body] as const),
  ])
  const manifest = Object.fromEntries([...files].map(([name, body]) => [name, sha256Hex(body)]))
  files.set('manifest.json', bytes(canonicalJson(manifest)))

  const bundleKey = tools.objects.bundleKey(tenant_id, operation_id)
  await tools.objects.put(bundleKey, tools.pack(files), 'application/zip')
  tools.crashPoint('S1')
  await tools.seals.seal({
    tenant_id,
    operation_id,
    request_id: row.request_id,
    jws: sealJws,
    bundle_key: bundleKey,
    leaf: leafRow(
      makeLeaf({
        kind: 'operation.sealed',
        tenant_id,
        at: row.now,
        actor: { principal_id: null, kind: 'system' },
        operation_id,
        action: receipt.intent.action,
        request_id: row.request_id,
        trace_id: row.trace_id,
        train_ok: row.train_ok,
        after: { history_sha256: seal.history_sha256, receipt_sha256: seal.receipt_sha256 },
      }),
    ),
  })
  tools.crashPoint('S2')
  return true
}

/** Leaves, their proofs and the checkpoint they are proven in; null when the log has no head yet. */
async function logPart(tools: SealTools, tenantId: string, items: readonly Item[]) {
  const head = await tools.log.head(tenantId)
  if (head === null || items.some((item) => item.seq >= head.size)) return null
  const proofs = await tools.log.inclusion(
    tenantId,
    items.map((item) => item.seq),
    head.size,
  )
  const files: [string, Uint8Array][] = items.map(({ seq, entry }) => [
    `entries/${seq}.json`,
    Uint8Array.from(atob(entry), (char) => char.charCodeAt(0)),
  ])
  const proven = items.map(({ seq, leaf_hash }) => ({ seq, leaf_hash, hashes: proofs.get(seq) ?? [] }))
  files.push(['proofs.json', bytes(canonicalJson(proven))], ['checkpoint', bytes(head.checkpoint)])
  return { files, checkpoint: head.checkpoint }
}

/** The platform's leaves that the facts name, which set the global switch as it was; null while one has no position. */
async function platformPart(tools: SealTools, receipt: Receipt) {
  const named = new Set<string>()
  for (const pass of receipt.passes)
    for (const row of (pass.facts.switches ?? []) as { scope?: string; leaf_hash?: string | null }[])
      if (row.scope === 'global' && typeof row.leaf_hash === 'string') named.add(row.leaf_hash)
  const found = named.size === 0 ? [] : await tools.log.byHash('t_system', [...named].sort())
  for (const { leaf_hash } of found) named.delete(leaf_hash)
  return named.size === 0 ? await logPart(tools, 't_system', found) : null
}
