/**
 * Finds a program, or makes it: installed and fit, kept from an earlier start, the makers' download, built from source.
 *
 * Guarantees: a program is run and says a fit version before anybody relies on it, and every way that did not work is
 * named in a progress line with its reason. Looking (`findProgram`) fetches and builds nothing.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cached, findCached } from './cache.ts'
import { type GoProgram, goBuild } from './go-build.ts'
import { programsNamed } from './path-search.ts'
import { labels, type Origin, type PartName, type Program, type Progress } from './types.ts'
import { downloadRelease, type Release } from './vendor-download.ts'
import { atLeast } from './version.ts'

export interface Recipe {
  part: PartName
  /** The program's file name. */
  file: string
  /** Fetched or built when none is installed, and what that weighs. */
  pinned: { version: string; size: string; reports: string }
  /** The oldest version that is fit, in the program's own counting. */
  least: string
  versionOf(binary: string): Promise<string | null>
  release: (Release & { path: string }) | null
  source: Pick<GoProgram, 'package' | 'ldflags'>
}

export async function findProgram(recipe: Recipe): Promise<Program | null> {
  for (const binary of programsNamed(recipe.file)) {
    const version = await recipe.versionOf(binary)
    if (version !== null && atLeast(version, recipe.least)) return { binary, version, origin: 'path' }
  }
  const dir = await findCached(entryName(recipe))
  return dir === null ? null : { binary: join(dir, recipe.file), version: recipe.pinned.reports, origin: 'cache' }
}

export async function obtainProgram(recipe: Recipe, progress: Progress, signal?: AbortSignal): Promise<Program> {
  const found = await findProgram(recipe)
  if (found !== null) return found
  let origin: Origin = 'cache'
  const wanted = { name: entryName(recipe), label: labels[recipe.part], progress, signal }
  const { dir } = await cached(wanted, async (aside) => {
    origin = (await downloaded(recipe, aside, progress, signal))
      ? 'download'
      : await built(recipe, aside, progress, signal)
  })
  return { binary: join(dir, recipe.file), version: recipe.pinned.reports, origin }
}

const entryName = (recipe: Recipe): string => `${recipe.file}-${recipe.pinned.version}`

async function downloaded(recipe: Recipe, dir: string, progress: Progress, signal?: AbortSignal): Promise<boolean> {
  const label = labels[recipe.part]
  const { release, pinned } = recipe
  if (release === null) return false
  const binary = join(dir, recipe.file)
  try {
    progress(`${label}: not installed here, fetching version ${pinned.version} from its makers (${pinned.size}, once)`)
    await downloadRelease(release, join(dir, 'unpacked'), signal)
    renameSync(join(dir, 'unpacked', release.path), binary)
    const version = await recipe.versionOf(binary)
    if (version !== pinned.reports)
      throw new Error(`the program does not run here, or is not version ${pinned.reports}`)
    return true
  } catch (error) {
    signal?.throwIfAborted()
    progress(`${label}: the makers' download does not work from here (${reasonOf(error)})`)
    if (existsSync(binary)) rmSync(binary)
    return false
  } finally {
    rmSync(join(dir, 'unpacked'), { recursive: true, force: true })
  }
}

async function built(recipe: Recipe, dir: string, progress: Progress, signal?: AbortSignal): Promise<Origin> {
  const label = labels[recipe.part]
  const binary = join(dir, recipe.file)
  await goBuild({ ...recipe.source, label }, binary, progress, signal)
  const version = await recipe.versionOf(binary)
  if (version !== recipe.pinned.reports)
    throw new Error(`${label}: what was built reports version ${version ?? 'none'}`)
  return 'built'
}

/** `fetch` hides the cause of a failed connection behind "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
