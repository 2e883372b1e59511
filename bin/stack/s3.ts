/**
 * versitygw over a directory: process, and the one bucket with versioning on.
 *
 * Guarantees: object metadata lies in extended attributes, or beside the objects on a file system that has none, and a
 * home never changes between the two. Lifecycle rules are not offered by versitygw: retention is ours.
 */
import { plainEnvironment } from './command.ts'
import { childOf, partDir, type StackContext, type StartedPart } from './context.ts'
import { obtainProgram } from './program.ts'
import { versitygw } from './recipes.ts'
import { writeState } from './state.ts'
import { labels } from './types.ts'

const label = labels.s3
export const bucketName = 'exoarmur'
export const region = 'us-east-1'

interface S3Access {
  endpoint: string
  region: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
}

export async function startS3(context: StackContext): Promise<StartedPart> {
  const { state, progress, signal } = context
  const program = await obtainProgram(versitygw, progress, signal)
  const address = `127.0.0.1:${context.ports.s3}`
  const { accessKeyId, secretAccessKey } = state.s3
  const start = async (): Promise<StartedPart> => {
    const objects = partDir(context, 's3', 'objects')
    const meta = state.s3.sidecar ? ['--sidecar', partDir(context, 's3', 'meta')] : []
    const gateway = ['--port', address, '--region', region, '--health', '/health', '--quiet']
    const child = childOf(context, 's3', {
      label,
      file: program.binary,
      args: [...gateway, 'posix', '--versioning-dir', partDir(context, 's3', 'versions'), ...meta, objects],
      env: plainEnvironment({ ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey }),
      cwd: objects,
      uid: undefined,
      ready: () => healthy(`http://${address}/health`),
      readyWithinMs: 20_000,
      stop: { signal: 'SIGTERM', withinMs: 4_000 },
    })
    await child.start(signal)
    return { name: 's3', address, program, child }
  }
  const part = await start().catch((error: unknown) => {
    if (state.s3.sidecar || !/xattr check failed/.test(String(error))) throw error
    progress(`${label}: this file system has no extended attributes, keeping object metadata beside the objects`)
    state.s3.sidecar = true
    writeState(context.home, state)
    return start()
  })
  await makeBucket({ endpoint: `http://${address}`, region, bucket: bucketName, accessKeyId, secretAccessKey })
  return part
}

async function healthy(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
}

/**
 * Makes the bucket when it is missing and turns versioning on when it is off. Also used by the compose file's first
 * job.
 */
export async function makeBucket(access: S3Access): Promise<void> {
  const s3 = await import('@aws-sdk/client-s3')
  const { endpoint, bucket: Bucket, accessKeyId, secretAccessKey } = access
  const credentials = { accessKeyId, secretAccessKey }
  const client = new s3.S3Client({ endpoint, region: access.region, credentials, forcePathStyle: true, maxAttempts: 3 })
  try {
    await client.send(new s3.CreateBucketCommand({ Bucket })).catch((error: Error) => {
      if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes(error.name)) throw error
    })
    const versioning = await client.send(new s3.GetBucketVersioningCommand({ Bucket }))
    if (versioning.Status === 'Enabled') return
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  } finally {
    client.destroy()
  }
}
