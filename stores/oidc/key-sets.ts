/**
 * Where an issuer's public keys come from: a file, which is read again when it changes, an address, or the setting
 * itself. A set that cannot be read or holds a private key verifies nothing, until it is sound again.
 */
import { readFile, stat } from 'node:fs/promises'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type CompactVerifyGetKey,
  type JSONWebKeySet,
  type JWK,
} from 'jose'
import { LIMITS } from '../../domain/limits.ts'

export type KeySource = { file: string } | { url: string } | { keys: JWK[] }

/** How old the knowledge of a file may be: a key taken out of it verifies nothing after that. */
const LOOK_AGAIN_MS = 1_000
const REMOTE = { timeoutDuration: 3_000, cooldownDuration: 30_000, cacheMaxAge: 600_000 }
/** Members of a JWK that nobody publishes. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Throws when a file or a given set is not sound now; an address is not asked before the first token. */
export async function openKeySet(source: KeySource): Promise<CompactVerifyGetKey> {
  if ('url' in source) return createRemoteJWKSet(new URL(source.url), REMOTE)
  if ('keys' in source) return createLocalJWKSet(soundSet(source))
  const file = new FileKeySet(source.file)
  await file.load()
  return (header, token) => file.find(header, token)
}

class FileKeySet {
  readonly #path: string
  #stamp = ''
  #set: CompactVerifyGetKey | null = null
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null

  constructor(path: string) {
    this.#path = path
  }

  async find(...asked: Parameters<CompactVerifyGetKey>): Promise<Awaited<ReturnType<CompactVerifyGetKey>>> {
    if (performance.now() - this.#lookedAt >= LOOK_AGAIN_MS) {
      this.#looking ??= this.load().finally(() => {
        this.#looking = null
      })
      await this.#looking
    }
    if (this.#set === null) throw new errors.JWKSNoMatchingKey()
    return await this.#set(...asked)
  }

  async load(): Promise<void> {
    try {
      const { mtimeNs, size, ino } = await stat(this.#path, { bigint: true })
      const stamp = `${ino} ${size} ${mtimeNs}`
      if (stamp !== this.#stamp || this.#set === null) {
        if (size > BigInt(LIMITS.keySetBytes)) throw new Error(`larger than ${LIMITS.keySetBytes} bytes`)
        this.#set = createLocalJWKSet(soundSet(JSON.parse(await readFile(this.#path, 'utf8'))))
        this.#stamp = stamp
      }
    } catch (error) {
      this.#set = null
      throw new KeySetUnsound(this.#path, { cause: error })
    } finally {
      this.#lookedAt = performance.now()
    }
  }
}

/** Told to the operators; a caller is only refused. */
export class KeySetUnsound extends Error {
  constructor(path: string, options: ErrorOptions) {
    super(`the key set ${path} cannot be used: ${String(options.cause)}`, options)
    this.name = 'KeySetUnsound'
  }
}

function soundSet(value: unknown): JSONWebKeySet {
  const { keys } = (typeof value === 'object' && value !== null ? value : {}) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('not a JWK set')
  for (const key of keys as unknown[]) {
    if (typeof key !== 'object' || key === null) throw new Error('a member of the set is no key')
    if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(key, name)))
      throw new Error('the set holds a private or shared key')
  }
  return { keys: keys as JWK[] }
}
