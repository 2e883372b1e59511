/** Where the workflow code of a digest comes from: the reader's own checkout, or what the checkout keeps of older builds. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface CodeSource {
  /** The bundle built from the reader's own checkout. */
  own: { digest: string; code: string }
  /** A bundle the checkout keeps under this digest, or null. */
  kept(digest: string): Promise<string | null>
}

/** Reads `{directory}/{digest}.js`; a file whose bytes have another digest counts as absent. */
export function keptCode(directory: string): CodeSource['kept'] {
  return async (digest) => {
    if (!/^[0-9a-f]{64}$/.test(digest)) return null
    try {
      const code = await readFile(join(directory, `${digest}.js`), 'utf8')
      return codeDigest(code) === digest ? code : null
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw error
    }
  }
}

export function codeDigest(code: string | Uint8Array): string {
  return createHash('sha256').update(code).digest('hex')
}
