/** The object store: histories, bundles and checkpoints under the tenant's prefix. Keys are built here and nowhere else. */
import { createHash } from 'node:crypto'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import type { OutsidePorts } from '../domain/outside.ts'
import type { Asset, AssetName, StoredObject } from '../domain/stored.ts'

const CLEAR_WITHIN_MS = 2_000

export interface ObjectStoreOptions {
  endpoint: string
  region: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  /** The `env` part of every key. */
  env: string
}

export class ObjectStore {
  readonly #client: S3Client
  /** Asks once: whether what may be an effect is asked for again is decided under the fence, and not here. */
  readonly #once: S3Client
  readonly #bucket: string
  readonly #env: string
  constructor({ endpoint, region, bucket, accessKeyId, secretAccessKey, env }: ObjectStoreOptions) {
    const open = (maxAttempts: number) =>
      new S3Client({
        endpoint,
        region,
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
        maxAttempts,
        requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
      })
    this.#client = open(3)
    this.#once = open(1)
    this.#bucket = bucket
    this.#env = env
  }

  bundleKey(tenantId: string, operationId: string): string {
    return `tenants/${tenantId}/${this.#env}/operations/${operationId}/bundle.zip`
  }

  checkpointKey(tenantId: string): string {
    return `tenants/${tenantId}/${this.#env}/audit/checkpoint`
  }

  async put(key: string, body: Uint8Array, contentType: string): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        Body: body,
        ContentType: contentType,
        ChecksumAlgorithm: 'SHA256',
      }),
    )
  }

  /** Null when there is no such object. */
  async get(key: string): Promise<Uint8Array | null> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }))
      return Body === undefined ? null : await Body.transformToByteArray()
    } catch (error) {
      if (error instanceof NoSuchKey) return null
      throw error
    }
  }

  objectKey(tenantId: string, name: string): string {
    return `tenants/${tenantId}/${this.#env}/objects/${name}`
  }

  readonly putIfAbsent: OutsidePorts['objects']['putIfAbsent'] = async (tenantId, name, text, timeoutMs) =>
    await this.#create(this.objectKey(tenantId, name), new TextEncoder().encode(text), within(timeoutMs))

  readonly look: OutsidePorts['objects']['look'] = async (tenantId, name, timeoutMs) =>
    await this.#head(this.objectKey(tenantId, name), within(timeoutMs))

  async #head(key: string, deadline?: AbortSignal): Promise<StoredObject | null> {
    try {
      const found = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: 'ENABLED' }),
        deadline === undefined ? {} : { abortSignal: deadline },
      )
      return { key, sha256: hexOf(found.ChecksumSHA256), size: found.ContentLength ?? 0 }
    } catch (error) {
      if (error instanceof NotFound) return null
      throw error
    }
  }

  /**
   * Throws for a store that creates what is there already, or does not tell the SHA-256 of what it keeps: effects rest on its
   * refusing to, and are known by their digest.
   */
  async checkConditions(): Promise<void> {
    const key = `checks/${this.#env}/created-once`
    const bytes = new Uint8Array([1])
    const isTaken = async () => (await this.#create(key, bytes, within(10_000))) === 'taken'
    if (!(await isTaken()) && !(await isTaken()))
      throw new Error('the object store ignores If-None-Match: effects that put objects would not be safe')
    const digest = createHash('sha256').update(bytes).digest('hex')
    const isTold = async () => (await this.#head(key, within(10_000)))?.sha256 === digest
    if (!(await isTold())) {
      // It may have been copied here by what keeps no digests.
      await this.put(key, bytes, 'application/octet-stream')
      if (!(await isTold()))
        throw new Error('the object store does not tell the SHA-256 of what it keeps: nobody would know what was put')
    }
    // Asked for, so that a policy of the store that forbids it is found now, and not by what nobody takes away.
    await this.#versionsOf(key, within(10_000))
  }

  async #create(
    key: string,
    bytes: Uint8Array,
    deadline: AbortSignal,
    asked?: { sha256: string; content_type: string },
  ): Promise<StoredObject | 'taken'> {
    const sha256 = asked === undefined ? createHash('sha256').update(bytes).digest() : Buffer.from(asked.sha256, 'hex')
    try {
      const kept = await this.#once.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          IfNoneMatch: '*',
          ...(asked === undefined ? {} : { ContentType: asked.content_type }),
          ChecksumSHA256: sha256.toString('base64'),
        }),
        { abortSignal: deadline },
      )
      return { key, sha256: hexOf(kept.ChecksumSHA256), size: bytes.length }
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return 'taken'
      throw error
    }
  }

  /** Where a ticket lets its holder upload to. No asset lies there. */
  #stagingKey(tenantId: string, assetId: string): string {
    return `tenants/${tenantId}/${this.#env}/staging/${assetId}`
  }

  rawKey(tenantId: string, { asset_id, filename }: AssetName): string {
    return `tenants/${tenantId}/${this.#env}/raw/${asset_id}/${filename}`
  }

  /** A ticket for exactly these bytes under exactly one key; the store refuses any other, and after the time all. */
  async presign(
    tenantId: string,
    asset: Asset,
    seconds: number,
  ): Promise<{ url: string; fields: Record<string, string> }> {
    const checksum = Buffer.from(asset.sha256, 'hex').toString('base64')
    const fields = {
      'Content-Type': asset.content_type,
      'x-amz-checksum-algorithm': 'SHA256',
      'x-amz-checksum-sha256': checksum,
    }
    return await createPresignedPost(this.#client, {
      Bucket: this.#bucket,
      Key: this.#stagingKey(tenantId, asset.asset_id),
      Fields: fields,
      Conditions: [
        ['content-length-range', asset.size, asset.size],
        ...Object.entries(fields).map(([name, value]): ['eq', string, string] => ['eq', `$${name}`, value]),
      ],
      Expires: seconds,
    })
  }

  /** Takes away what was uploaded under a ticket; what was registered lies elsewhere and stays. */
  async clearStaged(tenantId: string, assetId: string, timeoutMs: number): Promise<void> {
    await this.#deleteEvery(this.#stagingKey(tenantId, assetId), within(timeoutMs))
  }

  /** Every version of it: in a bucket that keeps versions a deletion alone only hides the bytes. */
  async #deleteEvery(key: string, abortSignal: AbortSignal): Promise<void> {
    const at = { Bucket: this.#bucket, Key: key }
    await this.#client.send(new DeleteObjectCommand(at), { abortSignal })
    for (;;) {
      const kept = await this.#versionsOf(key, abortSignal)
      if (kept.length === 0) return
      for (const { VersionId } of kept)
        await this.#client.send(new DeleteObjectCommand({ ...at, VersionId }), { abortSignal })
    }
  }

  async #versionsOf(key: string, abortSignal: AbortSignal) {
    try {
      const asked = new ListObjectVersionsCommand({ Bucket: this.#bucket, Prefix: key })
      const { Versions = [], DeleteMarkers = [] } = await this.#client.send(asked, { abortSignal })
      return [...Versions, ...DeleteMarkers].filter(({ Key }) => Key === key)
    } catch (error) {
      // A store without the question keeps no versions.
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 501) return []
      throw error
    }
  }

  async registered(tenantId: string, asset: AssetName): Promise<StoredObject | null> {
    return await this.#head(this.rawKey(tenantId, asset))
  }

  readonly raw: OutsidePorts['raw'] = {
    staged: async (tenantId, assetId, timeoutMs) =>
      await this.#head(this.#stagingKey(tenantId, assetId), within(timeoutMs)),
    registered: async (tenantId, asset, timeoutMs) => await this.#head(this.rawKey(tenantId, asset), within(timeoutMs)),
    promote: async (tenantId, asset, timeLeftMs) => {
      const from = this.#stagingKey(tenantId, asset.asset_id)
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: from }), {
        abortSignal: within(timeLeftMs()),
      })
      if (Body === undefined) throw new Error('an object without a body')
      const bytes = await Body.transformToByteArray()
      // The bytes may have come slowly, or the fence be lost meanwhile: what is not begun in time is not begun.
      const put = await this.#create(this.rawKey(tenantId, asset), bytes, within(timeLeftMs()), asset)
      await this.#deleteEvery(from, AbortSignal.timeout(CLEAR_WITHIN_MS)).catch((error: unknown) => {
        // What counts lies where it should; what is left of the upload is not an asset.
        if (!(error instanceof Error)) throw error
      })
      return put
    },
  }

  async check(): Promise<void> {
    await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }))
  }

  close(): void {
    this.#client.destroy()
    this.#once.destroy()
  }
}

/** Aborts when the time is over. Throws when it is over already: then nothing is asked. */
function within(timeoutMs: number): AbortSignal {
  if (timeoutMs <= 0) throw new DOMException('no time is left', 'TimeoutError')
  return AbortSignal.timeout(timeoutMs)
}

function hexOf(base64: string | undefined): string | null {
  return base64 === undefined ? null : Buffer.from(base64, 'base64').toString('hex')
}
