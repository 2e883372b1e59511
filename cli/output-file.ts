/** Writes what was fetched to a file that did not exist, whole or not at all; `-` is standard output. */
import { createHash, randomBytes } from 'node:crypto'
import { link, rename, rm, writeFile } from 'node:fs/promises'
import { usage } from './failure.ts'

export interface Written {
  file: string
  size: number
  sha256: string
}

export async function writeOutput(file: string, bytes: Uint8Array, force: boolean): Promise<Written> {
  const written = { file, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  if (file === '-') {
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve())),
    )
    return written
  }
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  try {
    await writeFile(draft, bytes, { flag: 'wx' })
    await (force ? rename(draft, file) : link(draft, file))
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST')
      throw usage(`${file} exists already.`, { cause, remedy: 'Choose another name with -o, or --force.' })
    throw usage(`${file} cannot be written (${code}).`, { cause })
  } finally {
    await rm(draft, { force: true })
  }
  return written
}
