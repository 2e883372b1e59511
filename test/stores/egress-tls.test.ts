/**
 * Targets behind TLS: verified whatever the environment says, spoken to in the version of HTTP that sends nothing twice, and
 * reached without the environment's proxies. What Node takes from the environment it takes when it starts, so each is a process.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TARGET } from '../support/certificate.ts'
import type { HttpAnswer } from '../../domain/outside.ts'

const EGRESS = join(import.meta.dirname, '..', '..', 'stores', 'egress.ts')
const versions: string[] = []
let server: Http2SecureServer
let dir: string
let trusting: NodeJS.ProcessEnv

beforeAll(async () => {
  server = createSecureServer({ key: TARGET.key, cert: TARGET.cert, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion)
    response.end('{}')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  dir = await mkdtemp(join(tmpdir(), 'exo-tls-'))
  const file = join(dir, 'ca.pem')
  await writeFile(file, TARGET.cert)
  trusting = { NODE_EXTRA_CA_CERTS: file }
})
afterAll(async () => {
  server.close()
  await rm(dir, { recursive: true })
})

async function post(host: string, env: NodeJS.ProcessEnv): Promise<HttpAnswer> {
  const url = `https://${host}:${(server.address() as AddressInfo).port}/`
  const script = `
    const { Egress } = await import(${JSON.stringify(EGRESS)})
    const egress = new Egress({ ownNetworks: true, resolve: async () => [{ address: '127.0.0.1' }] })
    const request = { url: ${JSON.stringify(url)}, headers: {}, body: '{}', timeoutMs: 5_000 }
    process.stdout.write(JSON.stringify(await egress.post(request)))`
  const args = ['--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH, ...env } })
  return JSON.parse(stdout) as HttpAnswer
}

test('one whose certificate is trusted is told, in HTTP/1.1 although it offers the other', async () => {
  expect((await post(TARGET.host, trusting)).status).toBe(200)
  expect(versions).toEqual(['1.1'])
})

test.each([
  ['is trusted by nobody', TARGET.host, () => ({})],
  ['is trusted by nobody, where verifying is turned off', TARGET.host, () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })],
  ['is for another name', 'other.test', () => trusting],
  [
    'is for another name, where verifying is turned off',
    'other.test',
    () => ({ ...trusting, NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
  ],
])('one whose certificate %s is told nothing', async (_what, host, env) => {
  const before = versions.length
  expect(await post(host, env())).toEqual({ status: null, body_sha256: null, silence: 'no_answer' })
  expect(versions).toHaveLength(before)
})

test('no proxy of the environment is asked', async () => {
  const proxy = 'http://127.0.0.1:1'
  const env = { ...trusting, NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxy, HTTP_PROXY: proxy, ALL_PROXY: proxy }
  expect((await post(TARGET.host, env)).status).toBe(200)
})
