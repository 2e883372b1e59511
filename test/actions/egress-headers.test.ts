/** Which headers a target may list, and what a caller may put into them. */
import { describe, expect, test } from 'vitest'
import { callerHeaders } from '../../actions/egress-headers.ts'
import { httpPost } from '../../actions/http-post.ts'
import { egressTarget } from '../../actions/policy-document.ts'
import { LIMITS } from '../../domain/limits.ts'

const target = (more: object) =>
  egressTarget.safeParse({
    origin: 'https://example.com',
    methods: ['POST'],
    idempotency_header: 'X-Request-Key',
    ...more,
  }).success

const RESERVED =
  `Host Connection Content-Length Content-Type Content-Encoding Transfer-Encoding Cookie Set-Cookie Expect
  Upgrade HTTP2-Settings TE Trailer Keep-Alive Idempotency-Key Proxy-Authorization Proxy-Connection X-Exo-Operation-Id x-exo-any
  Sec-Fetch-Site`.split(/\s+/)

describe('a target', () => {
  test.each([...RESERVED, 'authorization', 'AUTHORIZATION', 'x-request-key', 'a b', 'X:Y', '', 'X-Ü', 'x\r\ny', '*'])(
    'may not let callers set %j',
    (name) => {
      expect(target({ allowed_headers: [name] })).toBe(false)
    },
  )

  test.each(RESERVED)('may not fill %s with a secret', (header) => {
    expect(target({ secret_headers: [{ header, secret: 'token' }] })).toBe(false)
  })

  test('may fill Authorization with a secret, and let callers set a header of its own', () => {
    expect(
      target({ allowed_headers: ['X-Ref'], secret_headers: [{ header: 'Authorization', secret: 'crm_token' }] }),
    ).toBe(true)
  })

  test.each([
    { allowed_headers: ['X-Ref', 'x-ref'] },
    { allowed_headers: ['X-Ref'], secret_headers: [{ header: 'x-REF', secret: 'a' }] },
    { secret_headers: [{ header: 'X-Key', secret: 'a' }, { header: 'x-key', secret: 'b' }] }, // biome-ignore format: one case
    { allowed_headers: [] },
    { secret_headers: [{ header: 'X-Key', secret: '../other' }] },
    { secret_headers: [{ header: 'X-Key', secret: 'A' }] },
    { secret_headers: [{ header: 'X-Key', value: 'in the clear' }] },
  ])('is refused with %j', (more) => {
    expect(target(more)).toBe(false)
  })
})

describe('a caller', () => {
  test.each([
    { 'X-Ref': 'a\r\nX-Evil: 1' },
    { 'X-Ref': 'a\u0000' },
    { 'X-Ref': '' },
    { 'X-Ref': ' a' },
    { 'X-Ref': 'a ' },
    { 'X-Ref': 'ü' },
    { 'X-Ref': 'x'.repeat(257) },
    { 'X-Ref': 'a', 'x-ref': 'b' },
    { 'X Ref': 'a' },
    Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`X-${i}`, 'a'])),
  ])('may not send %j', (headers) => {
    expect(callerHeaders.safeParse(headers).success).toBe(false)
  })
})

test('the longest request is shown within the bound of a preview, with the digest of its whole body', () => {
  const names = Array.from({ length: 16 }, (_, i) => `X-${'h'.repeat(60)}${i}`)
  const headers = Object.fromEntries(names.map((name) => [name, 'v'.repeat(256)]))
  const asked = { body: { text: '中'.repeat(60_000) }, headers }
  expect(httpPost.input.safeParse(asked).success).toBe(true)
  const secret_headers = Array.from({ length: 4 }, (_, i) => ({ header: `Y-${i}`, secret: 's'.repeat(64) }))
  const target = `https://example.com/${'p'.repeat(2_000)}`
  const listed = { origin: 'https://example.com', methods: ['POST'], idempotency_header: null, secret_headers }
  const shown = httpPost.preview(asked, listed, target)
  expect(Buffer.byteLength(JSON.stringify(shown))).toBeLessThan(LIMITS.previewBytes)
  expect(shown.fields[0]).toEqual({ label: 'target', value: target })
  expect(shown.fields.map(({ label }) => label)).toContain('SHA-256 of the whole body')
})
