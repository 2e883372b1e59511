/** One lie: what it starts from, how it is told, and the check that must be among those that notice. */
import type { Kit } from './kit.ts'

export interface Twin {
  name: string
  /** The genuine bundle it is made from. */
  from: string
  make(kit: Kit): unknown
  /** A check that must fail, whatever else fails with it. */
  noticed: string
}

/** Twins made from one genuine bundle: name, who notices, how it is made. */
export function twinsOf(from: string, rows: readonly (readonly [string, string, Twin['make']])[]): Twin[] {
  return rows.map(([name, noticed, make]) => ({ name, from, make, noticed }))
}
