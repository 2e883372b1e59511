/**
 * Looks for programs that somebody already installed.
 *
 * Guarantees: returns files that exist and may be executed, in PATH's order. Says nothing about their fitness: the
 * finder runs each and asks its version.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'

export function programsNamed(name: string, extraDirs: readonly string[] = []): string[] {
  const dirs = [...(process.env['PATH'] ?? '').split(':').filter((dir) => dir.startsWith('/')), ...extraDirs]
  const found = new Set<string>()
  for (const dir of dirs) {
    try {
      const file = realpathSync(join(dir, name))
      accessSync(file, constants.X_OK)
      if (statSync(file).isFile()) found.add(file)
    } catch {
      // Not there.
    }
  }
  return [...found]
}
