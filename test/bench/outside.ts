/** Each kind of effect outside the database beside a bare workflow that makes the same call by hand. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Client } from '@temporalio/client'
import { createHash } from 'node:crypto'
import type { StackAddresses } from '../../bin/stack/index.ts'
import { approve, type callers } from '../support/client.ts'

/** Work that is timed, and what has to be there before each piece of it. */
export interface Case {
  prepare?: (n: number) => Promise<void>
  work: () => Promise<void>
}

export interface OutsideTools {
  all: ReturnType<typeof callers>
  client: Client
  keyed: string
  blind: string
}

/** The activities of the bare workflows. */
export function byHand({ endpoint, region, bucket, accessKeyId, secretAccessKey }: StackAddresses['s3']) {
  const store = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
  return {
    async putObject(name: string): Promise<void> {
      const body = Buffer.from(`text of ${name}`)
      await store.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: `bare/${name}`,
          Body: body,
          IfNoneMatch: '*',
          ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
        }),
      )
    },
    async postJson(url: string): Promise<number> {
      const headers = { 'content-type': 'application/json' }
      return (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ order: 17 }) })).status
    },
  }
}

/** By name; each pair is the bare workflow and ours. The posts are timed from the last of two votes to the end. */
export function outsideCases({ all, client, keyed, blind }: OutsideTools): Record<string, Case> {
  let n = 0
  const by = (name: string) => all.as('t_demo', name)
  const asked: { id: string; intent_hash: string }[] = []
  const waiting: string[] = []
  const post = (origin: string): Case => ({
    prepare: async (count) => {
      for (let i = 0; i < count; i++) {
        const { body } = await by('owner').post('/operations', {
          action: 'http.post',
          target: `${origin}/ok`,
          input: { body: { order: 17 } },
        })
        await approve(by('operator'), body)
        asked.push(body)
      }
    },
    work: async () => {
      const { body } = await approve(by('operator2'), asked.pop() ?? { id: '', intent_hash: '' })
      if (body.operation?.status !== 'executed') throw new Error(JSON.stringify(body).slice(0, 300))
    },
  })
  return {
    'bare workflow, S3 put': {
      work: async () => {
        const name = `bare-${++n}`
        await client.workflow.execute('barePut', { taskQueue: 'bare', workflowId: name, args: [name] })
      },
    },
    'ours, object.put': {
      work: async () => {
        const name = `ours-${++n}`
        const input = { name, text: `text of ${name}` }
        const { status, body } = await by('agent').post('/operations', { action: 'object.put', input })
        if (status !== 201) throw new Error(`${status} ${JSON.stringify(body).slice(0, 300)}`)
      },
    },
    'bare workflow, two signals, POST': {
      prepare: async (count) => {
        for (let i = 0; i < count; i++) {
          const workflowId = `bare-post-${++n}`
          const handle = await client.workflow.start('barePost', {
            taskQueue: 'bare',
            workflowId,
            args: [`${blind}/ok`],
          })
          await handle.signal('yes')
          waiting.push(workflowId)
        }
      },
      work: async () => {
        const handle = client.workflow.getHandle(waiting.pop() ?? '')
        await handle.signal('yes')
        await handle.result()
      },
    },
    'ours, http.post, keyed': post(keyed),
    'ours, http.post, blind': post(blind),
  }
}
