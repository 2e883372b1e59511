/**
 * Secrets of targets, as files that the deployment's operators keep: `<directory>/<tenant>/<host>/<name>`. A name means
 * something for one tenant and one host only, so that nobody who may list a target can have a secret sent elsewhere. Read at
 * the point of effect, kept nowhere, told to nobody. What cannot be read, or cannot be a header, is missing.
 */
import { constants, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutsidePorts } from '../domain/outside.ts'
import { SECRET_NAME } from '../domain/stored.ts'

const MOST_BYTES = 4096
const TENANT = /^t_[a-z0-9_-]{1,60}$/
const HOST = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

export class SecretFiles {
  readonly #directory: string
  constructor(directory: string) {
    this.#directory = directory
  }

  readonly read: OutsidePorts['secrets']['read'] = async (tenantId, host, name) => {
    if (!TENANT.test(tenantId) || !HOST.test(host) || !SECRET_NAME.test(name)) return null
    const text = await textOf(join(this.#directory, tenantId, host, name))
    const value = text?.replace(/\r?\n$/, '') ?? ''
    return VALUE.test(value) ? value : null
  }
}

/** The text of a file that is short enough; null when there is none. Nothing that blocks is opened for long. */
async function textOf(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      if (!(await file.stat()).isFile()) return null
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_BYTES + 1), 0, MOST_BYTES + 1, 0)
      return bytesRead > MOST_BYTES ? null : buffer.toString('latin1', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error) return null
    throw error
  }
}
