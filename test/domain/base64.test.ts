import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64, fromBase64Url, toBase64 } from '../../domain/base64.ts'

test('bytes come back, and the text is the platform’s', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = toBase64(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64'))
      expect(fromBase64(text)).toEqual(bytes)
    }),
  )
})

test('every accepted text is the canonical one of its bytes', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9+/=]{0,9}$/), (text) => {
      const bytes = fromBase64(text)
      return bytes === null || toBase64(bytes) === text
    }),
    { numRuns: 500 },
  )
})

test.each([
  'A',
  'AA',
  'AAA',
  'AB==',
  'AAB=',
  'AA=',
  'A===',
  '====',
  'AA==AA==',
  'AA AA',
  'AAAA\n',
  'A-_A',
  '\u0410AAA',
])('the text %j is refused', (text) => {
  expect(fromBase64(text)).toBeNull()
})

test('base64url without padding is read as the platform writes it, and as nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64url')
      expect(fromBase64Url(text)).toEqual(bytes)
      expect(fromBase64Url(`${text}=`)).toBeNull()
    }),
  )
})

test.each(['A', 'AB', 'AA==', 'A+_A', 'A/_A', 'AA AA', 'AAAA\n', '\u0410AAA'])(
  'the text %j is no base64url',
  (text) => {
    expect(fromBase64Url(text)).toBeNull()
  },
)
