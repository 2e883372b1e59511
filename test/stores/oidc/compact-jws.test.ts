/**
 * Signatures at the edges, read by the layer below the claims. Ours are built here: every pair of extreme numbers in an
 * ECDSA signature, every way to break the padding of an RSA one. Project Wycheproof's vectors for JWS lie beside this file
 * (THIRD_PARTY.md), and each is one test.
 */
import { constants, createHash, createPrivateKey, generateKeyPairSync, privateEncrypt, sign } from 'node:crypto'
import { createLocalJWKSet, type JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { jwsOf, readVectors } from '../../support/wycheproof.ts'
import { ASYMMETRIC_ALGORITHMS, type AsymmetricAlgorithm, verifyCompact } from '../../../stores/oidc/compact-jws.ts'

const text = (value: string | Uint8Array) => Buffer.from(value).toString('base64url')
const takes = async (jws: string, keys: JWK[], algorithms: readonly AsymmetricAlgorithm[] = ASYMMETRIC_ALGORITHMS) =>
  (await verifyCompact(jws, createLocalJWKSet({ keys }), algorithms)) !== null

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwk = (pair: { publicKey: { export(options: { format: 'jwk' }): unknown } }, kid: string): JWK =>
  ({ ...(pair.publicKey.export({ format: 'jwk' }) as JWK), kid, use: 'sig' }) as JWK
const EC = [jwk(ec, 'k')]
const RSA = [jwk(rsa, 'k')]
const signed = (alg: string) => `${text(`{"alg":"${alg}","kid":"k"}`)}.${text('{}')}`

describe('an ECDSA signature', () => {
  const N = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
  const half = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
  const numbers: [string, bigint][] = [
    ['0', 0n],
    ['1', 1n],
    ['n - 1', N - 1n],
    ['n', N],
    ['n + 1', N + 1n],
    ['the largest', (1n << 256n) - 1n],
  ]
  const right = sign('sha256', Buffer.from(signed('ES256')), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' })

  test('is taken when it is right', async () => {
    expect(await takes(`${signed('ES256')}.${text(right)}`, EC)).toBe(true)
  })

  test.each(numbers.flatMap(([r, a]) => numbers.map(([s, b]) => [r, s, a, b] as const)))(
    'with r = %s and s = %s is refused',
    async (_r, _s, a, b) => {
      expect(await takes(`${signed('ES256')}.${text(Buffer.concat([half(a), half(b)]))}`, EC)).toBe(false)
    },
  )

  test.each<[string, Buffer]>([
    ['empty', Buffer.alloc(0)],
    ['one byte short', right.subarray(0, 63)],
    ['followed by a zero', Buffer.concat([right, Buffer.alloc(1)])],
    ['preceded by a zero', Buffer.concat([Buffer.alloc(1), right])],
    [
      'each half preceded by a zero',
      Buffer.concat([Buffer.alloc(1), right.subarray(0, 32), Buffer.alloc(1), right.subarray(32)]),
    ],
    ['half', right.subarray(0, 32)],
    ['with its halves exchanged', Buffer.concat([right.subarray(32), right.subarray(0, 32)])],
    ['as DER', sign('sha256', Buffer.from(signed('ES256')), ec.privateKey)],
  ])('%s is refused', async (_title, signature) => {
    expect(await takes(`${signed('ES256')}.${text(signature)}`, EC)).toBe(false)
  })

  test('of another curve is refused', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const signature = sign('sha256', Buffer.from(signed('ES256')), { key: other.privateKey, dsaEncoding: 'ieee-p1363' })
    expect(await takes(`${signed('ES256')}.${text(signature)}`, [jwk(other, 'k')])).toBe(false)
  })
})

describe('the padding of an RSA signature', () => {
  const digest = createHash('sha256').update(signed('RS256')).digest()
  const INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const encoded = (tail: Buffer, type = 1, fill = 0xff) =>
    Buffer.concat([Buffer.from([0, type]), Buffer.alloc(256 - 3 - tail.length, fill), Buffer.alloc(1), tail])
  const forge = (block: Buffer) =>
    `${signed('RS256')}.${text(privateEncrypt({ key: rsa.privateKey, padding: constants.RSA_NO_PADDING }, block))}`
  const whole = Buffer.concat([INFO, digest])
  const short = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(8, 0xff), Buffer.alloc(1), whole])

  test('is taken when it is right', async () => {
    expect(await takes(forge(encoded(whole)), RSA)).toBe(true)
  })

  test.each<[string, Buffer]>([
    ['of encryption', encoded(whole, 2)],
    ['of block type 0', encoded(whole, 0)],
    ['filled with zeros', encoded(whole, 1, 0)],
    ['with a byte that is another', encoded(whole, 1).fill(0xfe, 100, 101)],
    ['that is short, with garbage after the digest', Buffer.concat([short, Buffer.alloc(256 - short.length, 1)])],
    ['that is short, with zeros after the digest', Buffer.concat([short, Buffer.alloc(256 - short.length)])],
    ['around the digest alone', encoded(digest)],
    [
      'around a digest without NULL parameters',
      encoded(Buffer.concat([Buffer.from('302f300b06096086480165030402010420', 'hex'), digest])),
    ],
    [
      'around a digest said to be of SHA-1',
      encoded(Buffer.concat([Buffer.from('3021300906052b0e03021a05000414', 'hex'), digest.subarray(0, 20)])),
    ],
    [
      'around a digest whose length is in long form',
      encoded(Buffer.concat([Buffer.from('308131300d060960864801650304020105000420', 'hex'), digest])),
    ],
    [
      'around a digest said to be longer',
      encoded(Buffer.concat([Buffer.from('3032300d060960864801650304020105000421', 'hex'), digest, Buffer.alloc(1)])),
    ],
    [
      'around the digest of something else',
      encoded(Buffer.concat([INFO, createHash('sha256').update('else').digest()])),
    ],
  ])('%s is refused', async (_title, block) => {
    expect(await takes(forge(block), RSA)).toBe(false)
  })

  test('of a key of 1024 bits is refused', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const jws = `${signed('RS256')}.${text(sign('sha256', Buffer.from(signed('RS256')), weak.privateKey))}`
    expect(await takes(jws, [jwk(weak, 'k')])).toBe(false)
  })
})

describe('a key of the set', () => {
  const jws = `${signed('ES256')}.${text(sign('sha256', Buffer.from(signed('ES256')), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }))}`

  test.each<[string, object]>([
    ['for encryption', { use: 'enc' }],
    ['for another operation', { use: undefined, key_ops: ['encrypt'] }],
    ['for another algorithm', { alg: 'ES384' }],
    ['of another name', { kid: 'another' }],
  ])('%s verifies nothing', async (_title, change) => {
    expect(await takes(jws, [{ ...EC[0], ...change } as JWK])).toBe(false)
  })

  test('that stands twice verifies nothing', async () => {
    expect(await takes(jws, [...EC, ...EC])).toBe(false)
  })

  test('verifies nothing under an algorithm that is not allowed', async () => {
    expect([await takes(jws, EC, ['ES256']), await takes(jws, EC, ['RS256', 'ES384'])]).toEqual([true, false])
  })

  test('is never a private one turned into a secret', async () => {
    const der = createPrivateKey(ec.privateKey.export({ type: 'pkcs8', format: 'pem' })).export({
      type: 'pkcs8',
      format: 'der',
    })
    expect(await takes(jws, [{ kty: 'oct', k: text(der), kid: 'k' }])).toBe(false)
  })
})

const cases = readVectors()

/** Valid by the vectors, and refused here on purpose. */
function isRefusedHere({ group, each }: (typeof cases)[number]): string | null {
  const [header = ''] = String(each.jws).split('.')
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string }
  if (alg.startsWith('HS')) return 'a shared secret'
  return group.public?.alg !== undefined && group.public.alg !== alg ? 'a key for another algorithm' : null
}

describe('the vectors of Wycheproof', () => {
  test('are all there', () => {
    expect(cases).toHaveLength(401)
    const valid = cases.filter(({ each }) => each.result === 'valid')
    expect(valid.filter((each) => isRefusedHere(each) === null).length).toBeGreaterThan(20)
  })

  test.each(cases)('$group.comment $each.tcId, $each.comment', async ({ group, each }) => {
    const taken = await takes(jwsOf(each), [group.public ?? group.private])
    expect(taken).toBe(each.result === 'valid' && isRefusedHere({ group, each }) === null)
  })
})
