/** What `exo replay` decides, apart from how it is told: loaded for that command alone. */
import { usage } from './failure.ts'
import { readBytes } from './json-input.ts'
import { checkPaths, DECIDERS } from './verifier.ts'
import { type Change, readChange } from '../verify/change.ts'
import { findBundles, readBundle } from '../verify/read-bundle.ts'
import { Divergence } from '../verify/report.ts'
import { type WhatIf, whatIf } from '../verify/what-if.ts'

export async function bundlesIn(paths: readonly string[]): Promise<string[]> {
  await checkPaths(paths)
  return (await Promise.all(paths.map(findBundles))).flat()
}

export async function readWhatIf(file: string): Promise<Change> {
  const bytes = await readBytes(file)
  try {
    return readChange(bytes)
  } catch (cause) {
    if (!(cause instanceof Divergence)) throw cause
    throw usage(`${file} is no change: ${cause.message}.`, { cause })
  }
}

/** A bundle that cannot be decided again, and why. */
export interface Undecided {
  path: string
  message: string
}

/** One bundle after the other; one that cannot be read does not keep the others from their answer. */
export async function decideAgain(
  paths: readonly string[],
  change: Change,
): Promise<{ runs: WhatIf[]; undecided: Undecided[] }> {
  const runs: WhatIf[] = []
  const undecided: Undecided[] = []
  for (const path of paths)
    try {
      runs.push(whatIf(await readBundle(path), change, DECIDERS))
    } catch (cause) {
      if (!(cause instanceof Divergence)) throw cause
      undecided.push({ path, message: cause.message })
    }
  runs.sort((a, b) => (a.operation_id < b.operation_id ? -1 : 1))
  return { runs, undecided }
}
