/** The audit log as the sealing step reads it, kept in memory: one tree a tenant, every leaf indexed as it is written. */
import { hexToBytes, bytesToHex } from '@noble/hashes/utils.js'
import type { LeafRow } from '../../../domain/leaf.ts'
import { leafRow, type Leaf } from '../../../domain/leaf.ts'
import { appendLeaves, inclusionProof, type ReadNode } from '../../../domain/log/merkle.ts'
import { checkpointBody, noteVerifierKey, signNote } from '../../../domain/log/note.ts'
import { ed25519 } from '@noble/curves/ed25519.js'

interface Item {
  seq: number
  leaf_hash: string
  entry: string
}
interface Kept extends Item {
  kind: string
  operation_id: string | null
}

export class MemoryLog {
  readonly deployment: string
  readonly #seed: Uint8Array
  readonly #leaves = new Map<string, Kept[]>()

  constructor(deployment: string, seed: Uint8Array) {
    this.deployment = deployment
    this.#seed = seed
  }

  get verifierKey(): string {
    return noteVerifierKey(this.deployment, ed25519.getPublicKey(this.#seed))
  }

  write(tenantId: string, operationId: string | null, leaves: readonly LeafRow[]): void {
    const kept = this.#of(tenantId)
    for (const { kind, entry, leaf_hash } of leaves)
      kept.push({ seq: kept.length, kind, entry, leaf_hash, operation_id: operationId })
  }

  add(leaf: Leaf): string {
    const row = leafRow(leaf)
    this.write(leaf.tenant_id, leaf.operation_id, [row])
    return row.leaf_hash
  }

  hashesOf(tenantId: string, operationId: string, kinds: readonly string[]): string[] {
    return this.#of(tenantId)
      .filter((leaf) => leaf.operation_id === operationId && kinds.includes(leaf.kind))
      .map((leaf) => leaf.leaf_hash)
  }

  async byOperation(
    tenantId: string,
    operationId: string,
    { kinds, hashes = [] }: { kinds: readonly string[]; hashes?: readonly string[] },
  ): Promise<{ items: Item[]; waiting: number }> {
    const isWanted = (leaf: Kept) => kinds.includes(leaf.kind) || hashes.includes(leaf.leaf_hash)
    const items = this.#of(tenantId).filter((leaf) => leaf.operation_id === operationId && isWanted(leaf))
    return { items, waiting: 0 }
  }

  async byHash(tenantId: string, hashes: readonly string[]): Promise<Item[]> {
    return this.#of(tenantId).filter((leaf) => hashes.includes(leaf.leaf_hash))
  }

  async head(tenantId: string): Promise<{ size: number; root: string; checkpoint: string } | null> {
    const leaves = this.#of(tenantId)
    const { root } = this.#tree(tenantId)
    return { size: leaves.length, root: bytesToHex(root), checkpoint: this.sign(tenantId, leaves.length, root) }
  }

  async inclusion(tenantId: string, positions: readonly number[], size: number): Promise<Map<number, string[]>> {
    const { nodes } = this.#tree(tenantId)
    const read: ReadNode = (level, index) => nodes.get(`${level}/${index}`) ?? new Uint8Array(32)
    return new Map(positions.map((seq) => [seq, inclusionProof(seq, size, read).map(bytesToHex)]))
  }

  sign(tenantId: string, size: number, root: Uint8Array, seed = this.#seed): string {
    const body = checkpointBody({ origin: `${this.deployment}/${tenantId}`, size, root })
    return signNote(body, this.deployment, seed, ed25519.getPublicKey(seed))
  }

  #of(tenantId: string): Kept[] {
    const kept = this.#leaves.get(tenantId) ?? []
    this.#leaves.set(tenantId, kept)
    return kept
  }

  #tree(tenantId: string) {
    const grown = appendLeaves(
      0,
      [],
      this.#of(tenantId).map((leaf) => hexToBytes(leaf.leaf_hash)),
    )
    return { root: grown.root, nodes: new Map(grown.nodes.map((node) => [`${node.level}/${node.index}`, node.hash])) }
  }
}
