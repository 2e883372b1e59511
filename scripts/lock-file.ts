/**
 * Checks that the lock file installs everywhere: every optional package that any package names, for whatever platform,
 * must have an entry. An npm that ran on one platform may have left out those of the others.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from './checkout.ts'

interface LockEntry {
  optionalDependencies?: Record<string, string>
}

export function findLockProblems(root: string): Problem[] {
  const file = 'package-lock.json'
  const lock = JSON.parse(readFileSync(join(root, file), 'utf8')) as { packages?: Record<string, LockEntry> }
  const packages = lock.packages ?? {}
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !placesOf(path, name).some((place) => Object.hasOwn(packages, place)))
      .map((name) => ({ file, message: `has no entry for ${name}, which ${path || 'the project'} names as optional` })),
  )
}

/** Where Node would look for a package from a place in the tree of packages, nearest first. */
function placesOf(path: string, name: string): string[] {
  const places: string[] = []
  for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf('/node_modules/'), 0))) {
    places.push(`${at === '' ? '' : `${at}/`}node_modules/${name}`)
    if (at === '') return places
  }
}
