/**
 * The file that takes a server's output.
 *
 * Guarantees: appended to, closed to others, and at a start begun anew when it is large, keeping one older file.
 */
import { openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { lastLines } from './command.ts'

const logLimitBytes = 10 * 1024 * 1024

export function openLog(path: string): number {
  try {
    if (statSync(path).size > logLimitBytes) renameSync(path, `${path}.1`)
  } catch {
    // There is no log yet.
  }
  return openSync(path, 'a', 0o600)
}

export function logTail(path: string): string {
  try {
    return `${lastLines(readFileSync(path, 'utf8'), 6)}\n  (${path})`
  } catch {
    return `see ${path}`
  }
}
