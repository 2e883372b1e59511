/**
 * The vendor's normal download: one archive of a pinned release, checked against the checksum file of the same release.
 *
 * Guarantees: bytes that do not match the vendor's published SHA-256 are never unpacked. The digest is not pinned here:
 * the releases could not be reached from where this was written, so both files are trusted as far as TLS to the vendor
 * is. A place that cannot be reached is given up after five seconds, once per part.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'

export interface Release {
  /** Ends with a slash. */
  base: string
  archive: string
}

const answerMs = 5_000
const wholeMs = 5 * 60_000

async function get(url: string, signal?: AbortSignal): Promise<Buffer> {
  const limit = new AbortController()
  const giveUpAfter = (ms: number) => setTimeout(() => limit.abort(new Error(`no answer within ${ms / 1000} s`)), ms)
  let timer = giveUpAfter(answerMs)
  try {
    const response = await fetch(url, { signal: AbortSignal.any([limit.signal, ...(signal ? [signal] : [])]) })
    if (!response.ok) throw new Error(`the server answered ${response.status}`)
    clearTimeout(timer)
    timer = giveUpAfter(wholeMs)
    return Buffer.from(await response.arrayBuffer())
  } finally {
    clearTimeout(timer)
  }
}

export function digestFor(checksums: string, archive: string): string {
  for (const line of checksums.split('\n')) {
    const [digest, name] = line.trim().split(/\s+\*?/)
    if (name === archive && digest !== undefined && /^[0-9a-f]{64}$/.test(digest)) return digest
  }
  throw new Error(`the vendor's checksum file does not name ${archive}`)
}

/** Unpacks the archive into `dir`. Rejects with the reason, which the caller reports before it goes on another way. */
export async function downloadRelease(release: Release, dir: string, signal?: AbortSignal): Promise<void> {
  const checksums = (await get(`${release.base}checksums.txt`, signal)).toString('utf8')
  const expected = digestFor(checksums, release.archive)
  const bytes = await get(`${release.base}${release.archive}`, signal)
  const actual = createHash('sha256').update(bytes).digest('hex')
  if (actual !== expected)
    throw new Error(`SHA-256 of ${release.archive} is ${actual}, the vendor published ${expected}`)
  mkdirSync(dir)
  const file = join(dir, release.archive)
  writeFileSync(file, bytes)
  const { code, output } = await runCommand('tar', ['-xzf', file, '-C', dir], { withinMs: 60_000 })
  rmSync(file, { force: true })
  if (code !== 0) throw new Error(`tar could not unpack ${release.archive}: ${output.trim()}`)
}
