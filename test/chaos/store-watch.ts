/**
 * Watches the link to the object store and asks the store itself, in S3's own words and past the product: which objects
 * somebody began to put and when, how often the store said that it created one, and what lies there in the end.
 */
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import type { Tap } from './link.ts'

export interface Put {
  key: string
  /** Milliseconds of this machine's clock, when the request came to the link. */
  at: number
  /** It was to create the object, and to replace none. */
  onlyIfAbsent: boolean
  /** The store's answer came to the link, and said that it was put. */
  created: boolean
}

const REQUEST = /^([A-Z]+) \/[^/ ]+\/([^ ?]+)[^ ]* HTTP\/1\.1\r\n/
/** Longer than any head of a request. */
const HEAD_BYTES = 16_384

export class StoreWatch implements Tap {
  readonly puts: Put[] = []
  readonly #asked = new WeakMap<object, Put>()

  asked(connection: object, chunk: Buffer): void {
    const head = chunk.toString('latin1', 0, HEAD_BYTES)
    const [, method, path] = REQUEST.exec(head) ?? []
    if (method === undefined || path === undefined) return
    this.#asked.delete(connection)
    if (method !== 'PUT') return
    const put = {
      key: decodeURIComponent(path),
      at: Date.now(),
      onlyIfAbsent: /\r\nif-none-match: \*\r\n/i.test(head),
      created: false,
    }
    this.puts.push(put)
    this.#asked.set(connection, put)
  }

  answered(connection: object, chunk: Buffer): void {
    const put = this.#asked.get(connection)
    if (put !== undefined && chunk.toString('latin1', 0, 16).startsWith('HTTP/1.1 200 ')) put.created = true
  }
}

export interface Store {
  bucket: string
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

/** What lies below these prefixes, each with its bytes. */
export async function readStore({ bucket: Bucket, ...at }: Store, prefixes: string[]): Promise<Map<string, Buffer>> {
  const client = new S3Client({ ...at, forcePathStyle: true, credentials: at })
  try {
    const found = new Map<string, Buffer>()
    for (const Prefix of prefixes)
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix }))
        for (const { Key = '' } of Contents) {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
          found.set(Key, Buffer.from((await Body?.transformToByteArray()) ?? []))
        }
    return found
  } finally {
    client.destroy()
  }
}
