/** What `exo replay` decides, apart from how it is told: loaded for that command alone. */
import { refuse, usage } from './failure.ts'
import { readBytes } from './json-input.ts'
import { checkPaths, DECIDERS } from './verifier.ts'
import { findBundles, readBundle } from '../verify/read-bundle.ts'
import { Divergence } from '../verify/report.ts'
import { type Change, readChange, type WhatIf, whatIf } from '../verify/what-if.ts'

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

export async function decideAgain(path: string, change: Change): Promise<WhatIf> {
  try {
    return whatIf(await readBundle(path), change, DECIDERS)
  } catch (cause) {
    if (!(cause instanceof Divergence)) throw cause
    throw refuse('cli.bundle_unreadable', `${path} cannot be decided again: ${cause.message}.`, {
      cause,
      remedy: `exo verify ${path} says more.`,
    })
  }
}
