/**
 * A bundle as one zip whose bytes depend on nothing but its files: sorted names, one fixed time, no extra fields. Stored
 * and not deflated: compressing a dozen small files cost more than everything else that sealing does.
 */
import { unzipSync, zipSync, type Zippable } from 'fflate'

/** Zip times are local: the same digits in every time zone. */
const FIXED_TIME = new Date(1980, 0, 1)

export function packBundle(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {}
  for (const name of [...files.keys()].sort())
    entries[name] = [files.get(name) ?? new Uint8Array(), { mtime: FIXED_TIME, level: 0 }]
  return zipSync(entries)
}

/** One file of a bundle that `packBundle` made, or null. */
export function readFromBundle(zip: Uint8Array, name: string): Uint8Array | null {
  return unzipSync(zip, { filter: (file) => file.name === name })[name] ?? null
}
