/**
 * What a slow object store may still be asked: once the time of a try is over, nothing that could be an effect is begun. And
 * what a store must be able to do.
 */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { rawRegister } from '../../actions/raw-register.ts'
import { objectPut } from '../../actions/object-put.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { OutsideContext } from '../../domain/outside.ts'
import { ObjectStore } from '../../stores/objects.ts'

const BYTES = Buffer.from('what was uploaded')
const sha256 = createHash('sha256').update(BYTES).digest('hex')
/** So slow that a busy machine adds little. */
const SLOW_MS = 1_000
/** How the store behaves: it takes every object, and tells what it keeps, unless a test says otherwise. */
const usual = { put: (_onlyNew: boolean) => 200, digest: sha256 as string | null, slowMs: SLOW_MS, kept: false }
let behaves = usual
let server: Server
let store: ObjectStore
let asked: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${new URL(request.url ?? '', 'http://s3').pathname.split('/').at(-2)}`)
    const { digest, kept } = behaves
    const isThere = kept || /\/staging\//.test(request.url ?? '')
    const sum = digest === null ? {} : { 'x-amz-checksum-sha256': Buffer.from(digest, 'hex').toString('base64') }
    request.resume().on('end', () =>
      setTimeout(() => {
        if (/[?&]versions/.test(request.url ?? ''))
          return void response.end('<ListVersionsResult></ListVersionsResult>')
        if (request.method === 'HEAD' && !isThere) return void response.writeHead(404).end()
        const isPut = request.method === 'PUT'
        response.writeHead(isPut ? behaves.put(request.headers['if-none-match'] === '*') : 200, {
          ...sum,
          'content-length': isPut ? 0 : BYTES.length,
        })
        response.end(request.method === 'GET' ? BYTES : undefined)
      }, behaves.slowMs),
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

beforeEach(() => {
  behaves = usual
  asked = []
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

test('an upload that was read while the fence was lost is not promoted any more', async () => {
  behaves = { ...usual, slowMs: 0 }
  let left = 1_000
  const promoted = store.raw.promote('t_slow', asset, () => left)
  left = -1
  await expect(promoted).rejects.toThrow('no time is left')
  expect(asked).toEqual(['GET staging'])
})

test('what may be an effect is asked for once: whether again is not for the client to say', async () => {
  behaves = { ...usual, slowMs: 0, put: () => 503 }
  await expect(store.putIfAbsent('t_slow', 'a.txt', 'x', 3_000)).rejects.toMatchObject({ $metadata: { attempts: 1 } })
  expect(asked).toEqual(['PUT objects'])
})

test('what the store says it keeps is not asked for once more', async () => {
  const digest = createHash('sha256').update('x').digest('hex')
  behaves = { ...usual, slowMs: 0, digest }
  const put = await effectOf(objectPut).dispatch(ports(), contextOf(3_000), { name: 'a.txt', text: 'x' })
  expect(put).toEqual({
    state: 'committed',
    result: { key: store.objectKey('t_slow', 'a.txt'), sha256: digest, size: 1 },
  })
  expect(asked).toEqual(['PUT objects'])
})

describe('a store', () => {
  test('that creates what is there already is refused', async () => {
    behaves = { ...usual, slowMs: 0 }
    await expect(store.checkConditions()).rejects.toThrow('ignores If-None-Match')
    expect(asked).toEqual(['PUT test', 'PUT test'])
  })

  const creatingOnce = () => {
    let puts = 0
    return { ...usual, slowMs: 0, kept: true, put: (onlyNew: boolean) => (onlyNew && puts++ > 0 ? 412 : 200) }
  }

  test('that tells no digest of what it keeps, or another, is refused', async () => {
    for (const digest of [null, sha256]) {
      behaves = { ...creatingOnce(), digest }
      await expect(store.checkConditions()).rejects.toThrow('does not tell the SHA-256')
    }
  })

  test('that does both is taken', async () => {
    behaves = {
      ...creatingOnce(),
      digest: createHash('sha256')
        .update(new Uint8Array([1]))
        .digest('hex'),
    }
    await store.checkConditions()
  })

  test('that forgets its digests leaves an outcome unknown, and no name taken', async () => {
    behaves = { ...usual, slowMs: 0, kept: true, digest: null }
    const input = { name: 'a.txt', text: 'x' }
    const unknown = { state: 'unknown', details: { reason: 'the store tells no digest' } }
    expect(await effectOf(objectPut).dispatch(ports(), contextOf(3_000), input)).toEqual(unknown)
    expect(await effectOf(rawRegister).dispatch(ports(), contextOf(3_000), {})).toEqual(unknown)
  })
})
