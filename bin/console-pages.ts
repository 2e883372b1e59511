/** The files of the operators' pages, read once before the API serves them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CONSOLE_FILES } from '../api/console-files.ts'

const FOLDER = join(import.meta.dirname, '..', 'console')

/** By their names; a file that is missing stops the start. */
export async function readConsole(): Promise<ReadonlyMap<string, string>> {
  const names = Object.values(CONSOLE_FILES).map(({ file }) => file)
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(FOLDER, name), 'utf8')] as const)),
  )
}
