/**
 * Reads the versions that programs print about themselves, and compares them.
 *
 * Guarantees: pure. A text without a version is null, which is unfit, never a guess.
 */

function versionIn(text: string, pattern: RegExp): string | null {
  return pattern.exec(text)?.[1] ?? null
}

/**
 * `postgres (PostgreSQL) 18.4`, `postgres (PostgreSQL) 18.4 (Debian 18.4-1.pgdg12+1)`; betas count as their release.
 */
export const postgresVersion = (text: string): string | null => versionIn(text, /\(PostgreSQL\) (\d+(?:\.\d+)*)/)

/** The server's version, not the CLI's: `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`. */
export const temporalServerVersion = (text: string): string | null => versionIn(text, /\(Server v?(\d+\.\d+\.\d+)/)

/** `Version  : 1.8.0`; a build without a stamp says `git`, which is no version. */
export const versitygwVersion = (text: string): string | null => versionIn(text, /^Version\s*:\s*v?(\d+\.\d+\.\d+)/m)

export function atLeast(version: string, least: string): boolean {
  const have = version.split('.').map(Number)
  const need = least.split('.').map(Number)
  for (let index = 0; index < need.length; index += 1) {
    const difference = (have[index] ?? 0) - (need[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
