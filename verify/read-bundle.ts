/**
 * Reads a bundle from a zip or a folder, within limits. Archives lie: sizes, names and counts are checked before anything is
 * unpacked, doubled names and names that lead elsewhere are refused, links are never followed.
 */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unzipSync, type UnzipFileFilter } from 'fflate'
import { BUNDLE_LIMITS, isBundleFile } from './bundle-shape.ts'
import { Divergence, ensure } from './report.ts'

const FOLDERS = new Set(['entries/', 'system/', 'system/entries/'])

/** Throws `Divergence` for what is no bundle at all; what is in the files is not looked at here. */
export async function readBundle(path: string): Promise<Map<string, Uint8Array>> {
  const info = await lstat(path)
  if (info.isDirectory()) return await readFolder(path)
  ensure(info.isFile() && info.size <= BUNDLE_LIMITS.archiveBytes, 'the archive is no file, or larger than allowed')
  return unpackBundle(await readFile(path))
}

/** The bytes of what was no bundle, to name it by: none for a folder, and none for what is too large to look at. */
export async function readWhole(path: string): Promise<Uint8Array> {
  const info = await lstat(path)
  return info.isFile() && info.size <= BUNDLE_LIMITS.archiveBytes ? await readFile(path) : new Uint8Array()
}

export function unpackBundle(archive: Uint8Array): Map<string, Uint8Array> {
  const names = new Set<string>()
  let total = 0
  const unpacked = unzip(archive, ({ name, size, originalSize, compression }) => {
    ensure(!names.has(name), `the archive holds ${JSON.stringify(name)} twice`)
    names.add(name)
    if (FOLDERS.has(name) && originalSize === 0) return false
    ensure(isBundleFile(name), `${JSON.stringify(name)} does not belong into a bundle`)
    total += originalSize
    ensure(originalSize <= BUNDLE_LIMITS.entryBytes, `${name} is larger than allowed`)
    // What is stored is read by its own size, whatever it says it was before.
    ensure(compression !== 0 || size === originalSize, `${name} is not of the size it says`)
    ensure(
      names.size <= BUNDLE_LIMITS.entries && total <= BUNDLE_LIMITS.totalBytes,
      'the archive holds more than allowed',
    )
    return true
  })
  return new Map(Object.entries(unpacked).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function unzip(archive: Uint8Array, filter: UnzipFileFilter) {
  try {
    return unzipSync(archive, { filter })
  } catch (error) {
    if (error instanceof Divergence) throw error
    throw new Divergence('the archive cannot be unpacked')
  }
}

async function readFolder(root: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  let total = 0
  const visit = async (folder: string): Promise<void> => {
    const found = await readdir(join(root, folder), { withFileTypes: true })
    for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && FOLDERS.has(`${name}/`)) {
        await visit(name)
        continue
      }
      ensure(entry.isFile() && isBundleFile(name), `${JSON.stringify(name)} does not belong into a bundle`)
      const { size } = await lstat(join(root, name))
      total += size
      const fits = size <= BUNDLE_LIMITS.entryBytes && total <= BUNDLE_LIMITS.totalBytes
      ensure(fits && files.size < BUNDLE_LIMITS.entries, 'the folder holds more than allowed')
      files.set(name, new Uint8Array(await readFile(join(root, name))))
    }
  }
  await visit('')
  return files
}

/** Zips and bundle folders under a path, in the order of their names. Other files are passed over; links are not followed. */
export async function findBundles(path: string): Promise<string[]> {
  if (!(await lstat(path)).isDirectory()) return [path]
  const inside = await readdir(path, { withFileTypes: true })
  // One file of a bundle makes a folder one, whatever is missing beside it.
  if (inside.some(({ name }) => isBundleFile(name))) return [path]
  const found: string[] = []
  for (const entry of inside.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) found.push(...(await findBundles(child)))
    else if (entry.isFile() && entry.name.endsWith('.zip')) found.push(child)
  }
  return found
}
