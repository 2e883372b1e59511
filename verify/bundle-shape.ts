/**
 * What a bundle is: the files that let an outsider check one operation, by name. Written by the sealing step, read by
 * `verify`; this file is the agreement between them and knows neither.
 *
 *     manifest.json    {name: hex SHA-256} of every other file
 *     history.json     the exact bytes of the stored Temporal history (protobuf JSON)
 *     receipt.jws      seal.jws      proposal.jws       compact JWS
 *     entries/{seq}.json                                exact bytes of one audit leaf
 *     proofs.json      [{seq, leaf_hash, hashes}]       inclusion of those leaves in:
 *     checkpoint       C2SP signed note over the tenant's tree
 *     system/…         the same three of the platform's own log, for the global switch
 *     code.js          optional: the workflow bundle that ran, for readers who do not have it
 */
import { zipSync, type Zippable } from 'fflate'

export type BundleFiles = ReadonlyMap<string, Uint8Array>

export const REQUIRED_FILES = [
  'manifest.json',
  'history.json',
  'receipt.jws',
  'seal.jws',
  'proposal.jws',
  'proofs.json',
  'checkpoint',
] as const
export type RequiredFile = (typeof REQUIRED_FILES)[number]

const SYSTEM_PREFIX = 'system/'
export const RECORDED_CODE = 'code.js'

export const BUNDLE_LIMITS = Object.freeze({
  archiveBytes: 64 * 1024 * 1024,
  entries: 4_096,
  entryBytes: 64 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
})

/** One of `proofs.json`. Hashes are hex; `hashes` is the audit path of RFC 9162. */
export interface LeafProof {
  seq: number
  leaf_hash: string
  hashes: string[]
}

/** Whether a bundle may hold a file of this name. */
export function isBundleFile(name: string): boolean {
  const inner = name.startsWith(SYSTEM_PREFIX) ? name.slice(SYSTEM_PREFIX.length) : name
  if (/^entries\/(0|[1-9]\d{0,15})\.json$/.test(inner)) return true
  if (inner !== name) return inner === 'proofs.json' || inner === 'checkpoint'
  return name === RECORDED_CODE || REQUIRED_FILES.some((required) => required === name)
}

/** A zip whose bytes depend on nothing but the files: sorted names, one fixed local time, no extra fields. */
export function packBundle(files: BundleFiles): Uint8Array {
  const entries: Zippable = {}
  // The format holds local time without a zone, so the time is given in the machine's own.
  const mtime = new Date(1980, 0, 1)
  for (const name of [...files.keys()].sort())
    entries[name] = [files.get(name) ?? new Uint8Array(), { mtime, level: 6 }]
  return zipSync(entries)
}
