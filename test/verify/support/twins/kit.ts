/**
 * Tools for making a tampered twin of a genuine bundle. An outsider edits files and recomputes what needs no key; an insider
 * holds the deployment's keys and signs the lie again, so that only the rule the lie breaks is left to notice it.
 */
import { hexToBytes, bytesToHex } from '@noble/hashes/utils.js'
import { canonicalJson, type Json, type JsonObject } from '../../../../domain/canonical.ts'
import { kindHash, sha256Hex, sha256TextHex } from '../../../../domain/hash.ts'
import { appendLeaves, inclusionProof, leafHash, type ReadNode } from '../../../../domain/log/merkle.ts'
import type { Leaf } from '../../../../domain/leaf.ts'
import {
  decisionHash,
  PROPOSAL_TYP,
  type Receipt,
  RECEIPT_TYP,
  SEAL_TYP,
  type Seal,
} from '../../../../domain/receipt.ts'
import type { Signer } from '../../../../domain/ports.ts'
import { unpackBundle } from '../../../../verify/read-bundle.ts'
import type { Deployment } from '../deployment.ts'

export type Files = Map<string, Uint8Array>
export type Event = JsonObject
type Keys = { receipt: Signer; seal: Signer; proposal: Signer }

export const bytes = (text: string) => new TextEncoder().encode(text)
export const textOf = (data: Uint8Array | undefined) => new TextDecoder().decode(data)

export class Kit {
  readonly deployment: Deployment
  readonly files: Files
  /** Bundles of other operations, by the way they ended. */
  readonly others: ReadonlyMap<string, Uint8Array>
  keys: Keys

  constructor(deployment: Deployment, zip: Uint8Array, others: ReadonlyMap<string, Uint8Array>) {
    this.deployment = deployment
    this.files = unpackBundle(zip)
    this.others = others
    this.keys = deployment.signers
  }

  other(name: string): Files {
    const zip = this.others.get(name)
    if (zip === undefined) throw new Error(`no bundle ${name}`)
    return unpackBundle(zip)
  }

  set(name: string, value: string | Uint8Array): this {
    this.files.set(name, typeof value === 'string' ? bytes(value) : value)
    return this
  }

  json(name: string): Json {
    return JSON.parse(textOf(this.files.get(name))) as Json
  }

  payloadOf(name: string): JsonObject {
    const [, body = ''] = textOf(this.files.get(name)).split('.')
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as JsonObject
  }

  get receipt(): Receipt {
    return this.payloadOf('receipt.jws') as unknown as Receipt
  }

  /** Recomputes what needs no key. */
  manifest(): this {
    const rest = [...this.files].filter(([name]) => name !== 'manifest.json')
    return this.set(
      'manifest.json',
      canonicalJson(Object.fromEntries(rest.map(([name, data]) => [name, sha256Hex(data)]))),
    )
  }

  /** Edits events in place, or answers other ones. */
  history(edit: (events: Event[]) => Event[] | undefined | void): this {
    const document = this.json('history.json') as { events: Event[] }
    const events = edit(document.events) ?? document.events
    return this.set('history.json', JSON.stringify({ ...document, events }, null, 2))
  }

  async sign(name: 'receipt.jws' | 'seal.jws' | 'proposal.jws', value: unknown): Promise<this> {
    const [signer, typ] = {
      'receipt.jws': [this.keys.receipt, RECEIPT_TYP] as const,
      'seal.jws': [this.keys.seal, SEAL_TYP] as const,
      'proposal.jws': [this.keys.proposal, PROPOSAL_TYP] as const,
    }[name]
    return this.set(name, await signer.sign(typ, canonicalJson(value)))
  }

  /** The seal over the files as they now are. */
  async reseal(edit: (seal: Seal) => void = () => undefined): Promise<this> {
    const seal = this.payloadOf('seal.jws') as unknown as Seal
    const [, body = ''] = textOf(this.files.get('receipt.jws')).split('.')
    const proofs = this.json('proofs.json') as unknown as { seq: number; leaf_hash: string }[]
    const fresh = {
      ...seal,
      history_sha256: sha256Hex(this.files.get('history.json') ?? new Uint8Array()),
      receipt_sha256: sha256TextHex(Buffer.from(body, 'base64url').toString()),
      leaves: proofs.map(({ seq, leaf_hash }) => ({ seq, leaf_hash })),
      checkpoint: textOf(this.files.get('checkpoint')),
    }
    edit(fresh as Seal)
    return (await this.sign('seal.jws', fresh)).manifest()
  }

  /** An insider's receipt: edited, its decision hash made right, signed, sealed. */
  async rereceipt(edit: (receipt: Receipt) => void): Promise<this> {
    const receipt = this.receipt
    edit(receipt)
    const again = { ...receipt, decision_hash: decisionHash(receipt) }
    await this.sign('receipt.jws', again)
    return await this.reseal()
  }

  /** An insider's log: the entries edited, a tree of them alone, a checkpoint signed by the log's key. */
  async relog(edit: (leaves: Leaf[]) => Leaf[] | undefined | void): Promise<this> {
    const names = [...this.files.keys()].filter((name) => name.startsWith('entries/'))
    const seqOf = (name: string) => Number(name.slice('entries/'.length, -'.json'.length))
    const leaves = names.sort((a, b) => seqOf(a) - seqOf(b)).map((name) => this.json(name) as unknown as Leaf)
    const before = leaves.map((leaf) => bytesToHex(leafHash(bytes(canonicalJson(leaf)))))
    const kept = [...leaves]
    const edited = edit(leaves) ?? leaves
    for (const name of names) this.files.delete(name)
    const hashes = edited.map((leaf, seq) => {
      const entry = bytes(canonicalJson(leaf))
      this.files.set(`entries/${seq}.json`, entry)
      return bytesToHex(leafHash(entry))
    })
    const grown = appendLeaves(0, [], hashes.map(hexToBytes))
    const nodes = new Map(grown.nodes.map((node) => [`${node.level}/${node.index}`, node.hash]))
    const read: ReadNode = (level, index) => nodes.get(`${level}/${index}`) ?? new Uint8Array(32)
    const proofs = hashes.map((leaf_hash, seq) => ({
      seq,
      leaf_hash,
      hashes: inclusionProof(seq, hashes.length, read).map(bytesToHex),
    }))
    this.set('proofs.json', canonicalJson(proofs))
    this.set('checkpoint', this.deployment.log.sign(this.receipt.tenant_id, hashes.length, grown.root))
    const moved = new Map(kept.map((leaf, index) => [before[index], hashes[edited.indexOf(leaf)]]))
    return await this.rereceipt((receipt) => {
      receipt.leaves = receipt.leaves.flatMap((hash) => (moved.has(hash) ? (moved.get(hash) ?? []) : hash))
    })
  }
}

/** Attributes of the only event of a kind, or of the one a test picks. */
export function attributes(
  events: Event[],
  kind: string,
  pick: (found: JsonObject) => boolean = () => true,
): JsonObject {
  for (const event of events) {
    const found = event[`${kind}EventAttributes`] as JsonObject | undefined
    if (found !== undefined && pick(found)) return found
  }
  throw new Error(`no ${kind} in this history`)
}

/** The details of the marker of a local step. */
export function markerOf(events: Event[], step: string): Record<'input' | 'result' | 'data', JsonObject> {
  const marker = attributes(events, 'markerRecorded', (found) => {
    const { data } = found['details'] as Record<string, JsonObject>
    return (readPayload(data) as JsonObject)['activity_type'] === step
  })
  return marker['details'] as Record<'input' | 'result' | 'data', JsonObject>
}

export function readPayload(payloads: JsonObject | undefined): Json {
  const [first] = (payloads?.['payloads'] ?? []) as { data: string }[]
  return JSON.parse(Buffer.from(first?.data ?? '', 'base64').toString()) as Json
}

/** Edits the one payload in place, in canonical form. */
export function editPayload(payloads: JsonObject | undefined, edit: (value: never) => Json | undefined | void): void {
  const value = readPayload(payloads)
  const edited = edit(value as never) ?? value
  const [first] = (payloads?.['payloads'] ?? []) as { data: string }[]
  if (first === undefined) throw new Error('no payload')
  first.data = Buffer.from(canonicalJson(edited)).toString('base64')
}

export function rehash(pass: { facts: JsonObject; facts_hash: string }): void {
  pass.facts_hash = kindHash('facts', pass.facts)
}
