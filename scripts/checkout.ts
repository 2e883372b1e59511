/**
 * The files of a checkout, as the checks see them: everything but what tools install or programs leave behind.
 * Paths are relative to the root, with forward slashes, sorted.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const SKIPPED = new Set(['node_modules', '.git', '.exo', '.dev', 'coverage'])

export function listFiles(root: string, folder = ''): string[] {
  const files: string[] = []
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    // Whatever it is: in a work tree some of them are files and links.
    if (SKIPPED.has(entry.name)) continue
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) files.push(...listFiles(root, path))
    else if (!entry.name.endsWith('.log')) files.push(path)
  }
  return files.sort()
}

/** What a check found: where, and what is wrong there. */
export interface Problem {
  file: string
  /** From 1; absent when the file as a whole is meant. */
  line?: number
  message: string
}

export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
