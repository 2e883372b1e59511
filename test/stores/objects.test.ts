/** What a slow object store may still be asked: once the time of a try is over, nothing that could be an effect is begun. */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawRegister } from '../../actions/raw-register.ts'
import { objectPut } from '../../actions/object-put.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { OutsideContext } from '../../domain/outside.ts'
import { ObjectStore } from '../../stores/objects.ts'

const BYTES = Buffer.from('what was uploaded')
const sha256 = createHash('sha256').update(BYTES).digest('hex')
const SLOW_MS = 400
let server: Server
let store: ObjectStore
let asked: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${new URL(request.url ?? '', 'http://s3').pathname.split('/').at(-2)}`)
    const isStaged = /\/staging\//.test(request.url ?? '')
    const sum = { 'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64') }
    request.resume().on('end', () =>
      setTimeout(() => {
        if (request.method === 'HEAD' && !isStaged) return void response.writeHead(404).end()
        response.writeHead(200, { ...sum, 'content-length': request.method === 'PUT' ? 0 : BYTES.length })
        response.end(request.method === 'GET' ? BYTES : undefined)
      }, SLOW_MS),
    )
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  store = new ObjectStore({ endpoint, region: 'x', bucket: 'b', accessKeyId: 'a', secretAccessKey: 's', env: 'test' })
})
afterAll(() => {
  store.close()
  server.closeAllConnections()
  server.close()
})

const asset = {
  asset_id: `ra_${'0'.repeat(32)}`,
  filename: 'a.txt',
  content_type: 'text/plain',
  sha256,
  size: BYTES.length,
}
const contextOf = (ms: number): OutsideContext => {
  const until = performance.now() + ms
  const timeLeftMs = () => Math.floor(until - performance.now())
  return { tenant_id: 't_slow', preconditions: { asset } as unknown as JsonObject, timeLeftMs } as OutsideContext
}
const notAsked = () => Promise.reject(new Error('not asked'))
const ports = () => ({ objects: store, raw: store.raw, http: { post: notAsked }, secrets: { read: notAsked } })
const settled = async (work: Promise<unknown> | undefined) => {
  asked = []
  const begunAt = performance.now()
  const ended = await work?.then(
    () => 'answered',
    () => 'gave up',
  )
  const tookMs = performance.now() - begunAt
  await new Promise((resolve) => setTimeout(resolve, 3 * SLOW_MS))
  return { ended, tookMs }
}
const effectOf = (action: typeof rawRegister) => {
  if (!('effect' in action) || action.effect.kind === 'transactional') throw new Error('an effect outside is due')
  return action.effect
}

test('an upload that took the whole time to be looked at is not promoted any more', async () => {
  const { ended, tookMs } = await settled(effectOf(rawRegister).dispatch(ports(), contextOf(2.5 * SLOW_MS), {}))
  expect(ended).toBe('gave up')
  expect(tookMs).toBeLessThan(3 * SLOW_MS)
  expect(asked).toEqual(['HEAD ' + asset.asset_id, 'HEAD staging', 'GET staging'])
})

test('what was put in time but cannot be looked at any more is not waited for', async () => {
  const input = { name: 'a.txt', text: 'x' }
  const { ended, tookMs } = await settled(effectOf(objectPut).dispatch(ports(), contextOf(1.5 * SLOW_MS), input))
  expect([ended, asked]).toEqual(['gave up', ['PUT objects', 'HEAD objects']])
  expect(tookMs).toBeLessThan(2 * SLOW_MS)
})

test('nothing is asked when no time is left', async () => {
  const { ended } = await settled(effectOf(objectPut).dispatch(ports(), contextOf(0), { name: 'a.txt', text: 'x' }))
  expect([ended, asked]).toEqual(['gave up', []])
})
