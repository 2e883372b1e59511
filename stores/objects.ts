/** The object store: histories, bundles and checkpoints under the tenant's prefix. Keys are built here and nowhere else. */
import { createHash } from 'node:crypto'
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import type { OutsidePorts } from '../domain/outside.ts'

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
  readonly #bucket: string
  readonly #env: string
  constructor({ endpoint, region, bucket, accessKeyId, secretAccessKey, env }: ObjectStoreOptions) {
    this.#client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 3,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000 },
    })
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
    await this.#create(this.objectKey(tenantId, name), new TextEncoder().encode(text), timeoutMs)

  readonly look: OutsidePorts['objects']['look'] = async (tenantId, name) => {
    const key = this.objectKey(tenantId, name)
    try {
      const found = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: 'ENABLED' }),
      )
      const sum = found.ChecksumSHA256
      return {
        key,
        sha256: sum === undefined ? null : Buffer.from(sum, 'base64').toString('hex'),
        size: found.ContentLength ?? 0,
      }
    } catch (error) {
      if (error instanceof NotFound) return null
      throw error
    }
  }

  /** Throws for a store that creates what is there already: effects rest on its refusing to. */
  async checkConditions(): Promise<void> {
    const key = `checks/${this.#env}/created-once`
    for (let tries = 0; tries < 2; tries++)
      if ((await this.#create(key, new Uint8Array([1]), 10_000)) === 'taken') return
    throw new Error('the object store ignores If-None-Match: effects that put objects would not be safe')
  }

  async #create(key: string, bytes: Uint8Array, timeoutMs: number): Promise<'created' | 'taken'> {
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          IfNoneMatch: '*',
          ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
        }),
        { abortSignal: AbortSignal.timeout(timeoutMs) },
      )
      return 'created'
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return 'taken'
      throw error
    }
  }

  async check(): Promise<void> {
    await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }))
  }

  close(): void {
    this.#client.destroy()
  }
}
