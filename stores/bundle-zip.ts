/** A bundle as one zip whose bytes depend on nothing but its files: sorted names, one fixed time, no extra fields. */
import { zipSync, type Zippable } from 'fflate'

const FIXED_TIME = new Date(Date.UTC(1980, 0, 2))

export function packBundle(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {}
  for (const name of [...files.keys()].sort()) entries[name] = [files.get(name) ?? new Uint8Array(), { mtime: FIXED_TIME, level: 6 }]
  return zipSync(entries)
}
