/** The object store: histories, bundles and checkpoints under the tenant's prefix. Keys are built here and nowhere else. */
import { GetObjectCommand, HeadBucketCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

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

  async check(): Promise<void> {
    await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }))
  }

  close(): void {
    this.#client.destroy()
  }
}
