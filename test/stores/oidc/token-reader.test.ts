/** Key sets at an address, and the settings that name issuers. What has to do with tokens alone is in test/api. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readIssuers } from '../../../bin/issuers.ts'
import { TokenReader } from '../../../stores/oidc/token-reader.ts'
import { AUDIENCE, claimsOf, ISSUER, makeIssuers, publicJwk, signToken } from '../../support/issuer.ts'

const home = mkdtempSync(join(tmpdir(), 'exo-issuers-'))
let server: Server
let address: string
let answer: (response: ServerResponse) => void
let asked = 0

beforeAll(async () => {
  makeIssuers(home)
  server = createServer((_request, response) => {
    asked++
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
})
afterEach(() => {
  asked = 0
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(home, { recursive: true, force: true })
})

const told: string[] = []
const json = (value: unknown) => (response: ServerResponse) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}
const setting = (change: object = {}) =>
  JSON.stringify([{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwks: { url: address }, ...change }])
const open = async (change: object = {}) =>
  await TokenReader.open(await readIssuers(setting(change), 'lab'), (message) => told.push(message))
const token = () => signToken(home, claimsOf('ada'))

describe('a key set at an address', () => {
  test('is fetched once for many tokens, and not again for every kid that nobody knows', async () => {
    answer = json({ keys: [publicJwk(home, 'ec')] })
    const reader = await open()
    expect(await reader.read(token())).toMatchObject({ token: { subject: 'ada', issuer: ISSUER } })
    for (let i = 0; i < 20; i++) {
      expect(await reader.read(token())).toMatchObject({ token: { subject: 'ada' } })
      const unknown = signToken(home, claimsOf('ada'), { header: { kid: `k${i}` } })
      expect(await reader.read(unknown)).toEqual({ token: null, claimed: { issuer: ISSUER, subject: 'ada' } })
    }
    expect(asked).toBe(1)
  })

  test('may be named as jwks_uri or given as it is', async () => {
    answer = json({ keys: [publicJwk(home, 'ec')] })
    expect(await (await open({ jwks: undefined, jwks_uri: address })).read(token())).toMatchObject({ token: {} })
    expect(await (await open({ jwks: { keys: [publicJwk(home, 'ec')] } })).read(token())).toMatchObject({ token: {} })
    expect(asked).toBe(1)
  })

  test.each<[string, (response: ServerResponse) => void]>([
    ['answers an error', (response) => void response.writeHead(500).end()],
    ['answers no JSON', (response) => void response.end('<html>')],
    ['answers no set', json({ key: 1 })],
    ['sends elsewhere', (response) => void response.writeHead(302, { location: '/more' }).end()],
    ['hangs up', (response) => void response.destroy()],
    ['does not answer', () => undefined],
  ])('that %s is a refusal within seconds, told to the operators and to nobody else', async (_title, how) => {
    answer = how
    told.length = 0
    const reader = await open()
    const startedAt = performance.now()
    expect(await reader.read(token())).toEqual({ token: null, claimed: { issuer: ISSUER, subject: 'ada' } })
    expect(performance.now() - startedAt).toBeLessThan(6_000)
    expect(told).toHaveLength(1)
    answer = json({ keys: [publicJwk(home, 'ec')] })
    expect(await reader.read(token())).toMatchObject({ token: {} })
  })
})

describe('the setting', () => {
  test.each<[string, () => string, RegExp]>([
    ['is no JSON', () => '[{', /JSON/],
    ['names no algorithm', () => setting({ algorithms: [] }), /0\.algorithms/],
    ['allows none', () => setting({ algorithms: ['none'] }), /0\.algorithms/],
    ['allows a shared secret', () => setting({ algorithms: ['ES256', 'HS256'] }), /0\.algorithms\.1/],
    ['allows an hour of skew', () => setting({ skew_seconds: 3_600 }), /0\.skew_seconds/],
    ['names no audience', () => setting({ audience: '' }), /0\.audience/],
    ['takes another type of token', () => setting({ typ: 'JWT' }), /0\.typ/],
    ['takes another claim for the subject', () => setting({ subject_claim: 'email' }), /0\.subject_claim/],
    ['names no key set', () => setting({ jwks: undefined }), /either jwks or jwks_uri/],
    ['names two key sets', () => setting({ jwks_uri: 'https://issuer.example/keys' }), /either jwks or jwks_uri/],
    ['says something nobody knows', () => setting({ roles_claim: 'roles' }), /roles_claim/],
    ['names an issuer twice', () => `[${setting().slice(1, -1)},${setting().slice(1)}`, /stands twice/],
    ['is the path of no file', () => join(home, 'nowhere.json'), /ENOENT/],
  ])('that %s keeps the process from starting', async (_title, text, why) => {
    await expect(readIssuers(text(), 'lab')).rejects.toThrow(why)
  })

  test.each<[string, object]>([
    ['its key set', {}],
    ['the issuer', { issuer: 'http://issuer.example', jwks: { url: 'https://issuer.example/keys' } }],
  ])('takes plain HTTP for %s in lab only', async (_title, change) => {
    await expect(readIssuers(setting(change), 'saas')).rejects.toThrow(/only https outside lab/)
    expect(await readIssuers(setting(change), 'lab')).toHaveLength(1)
  })

  test.each(['{"keys":[{"kty":"oct","k":"AAAA"}]}', '{"keys":"none"}', 'nothing'])(
    'that names a key file holding %s keeps the process from starting',
    async (content) => {
      const file = join(home, 'unsound.json')
      writeFileSync(file, content)
      await expect(open({ jwks: { file } })).rejects.toThrow(/cannot be used/)
    },
  )

  test.each([undefined, '', '[]'])('that is %j takes no token at all', async (text) => {
    const reader = await TokenReader.open(await readIssuers(text, 'lab'), () => undefined)
    expect([reader.issuers, await reader.read(token())]).toEqual([[], { token: null, claimed: null }])
  })
})
