/** What is taken out of leaves and log lines, and what is left alone because it only looks alike. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json } from '../../domain/canonical.ts'
import { maskJson, maskText } from '../../domain/mask.ts'

const masked = (text: string) => maskText(text).value

describe('is masked', () => {
  test.each([
    ['anna@example.com', '[email]'],
    ['write to Anna.B+x_1@mail.example.co.uk, please', 'write to [email], please'],
    ['<anna@example.com>;<bob@example.org>', '<[email]>;<[email]>'],
    ['ännä@exämple.de', '[email]'],
    ['"anna b"@example.com', '[email]'],
    ['/objects/anna%40example.com', '/objects/[email]'],
    ['mailto:anna@example.com?subject=x', 'mailto:[email]?subject=x'],
  ])('an address: %s', (text, expected) => expect(masked(text)).toBe(expected))

  test.each([
    ['4111111111111111', '[card]'],
    ['4111 1111 1111 1111', '[card]'],
    ['pay 5555-5555-5555-4444 now', 'pay [card] now'],
    ['378282246310005.', '[card].'],
    ['3782 822463 10005', '[card]'],
    ['12 4111111111111111 34', '12 [card] 34'],
    ['6011000990139424, 4012888888881881', '[card], [card]'],
    ['4012888888881881 4111111111111111', '[card] [card]'],
  ])('a card: %s', (text, expected) => expect(masked(text)).toBe(expected))

  test.each([
    ['DE89370400440532013000', '[iban]'],
    ['DE89 3704 0044 0532 0130 00 thanks', '[iban] thanks'],
    ['gb82 west 1234 5698 7654 32', '[iban]'],
    ['DE89370400440532013000 GB82WEST12345698765432', '[iban] [iban]'],
    ['to:MT84MALT011000012345MTLCAST001S,', 'to:[iban],'],
    ['NO93 8601 1117 947', '[iban]'],
  ])('an account: %s', (text, expected) => expect(masked(text)).toBe(expected))

  test.each([
    ['+491701234567', '[phone]'],
    ['+49 (0)170 123-4567', '[phone]'],
    ['call +1 555 123 4567!', 'call [phone]!'],
    ['+33.1.23.45.67.89', '[phone]'],
    ['0049 170 1234567', '[phone]'],
    ['(555) 123-4567', '[phone]'],
    ['555-123-4567', '[phone]'],
    ['(555)123-4567', '[phone]'],
    ['0170 1234567', '[phone]'],
    ['030/1234567', '[phone]'],
    ['020 7946 0958', '[phone]'],
    ['01 23 45 67 89', '[phone]'],
    ['01701234567', '[phone]'],
  ])('a number: %s', (text, expected) => expect(masked(text)).toBe(expected))
})

describe('is left alone', () => {
  test.each([
    '2026-11-21T17:14:22.123456Z',
    '2026-11-21 17:14:22',
    '21.11.2026',
    '550e8400-e29b-41d4-a716-446655440000',
    '11111111-2222-4333-8444-555555555555',
    '123456789012.345678',
    '-999999999999.999999',
    '0.000001',
    '1000000',
    '4111111111111112',
    'op_41111111111111110123456789abcdef',
    'x4111111111111111',
    'DE89370400440532013001',
    'XX89370400440532013000',
    '127.0.0.1:54321',
    '2001:db8::8a2e:370:7334',
    'https://example.com:8443/a/1234567',
    'foo@1.2.3',
    '@example',
    'note.append',
    'v1.24.0',
    '',
  ])('%s', (text) => expect(maskText(text)).toEqual({ value: text, kinds: [] }))

  test('every digest and every id there can be', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const digest = createHash('sha256').update(text)
        const hex = digest.copy().digest('hex')
        for (const word of [hex, `op_${hex.slice(0, 32)}`, `bu_${hex.slice(32)}`]) expect(masked(word)).toBe(word)
      }),
    )
  })

  test('every amount and every instant', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 10n ** 18n - 1n),
        fc.date({ noInvalidDate: true, max: new Date('9999-12-31') }),
        (n, at) => {
          const amount = `${n / 1_000_000n}.${(n % 1_000_000n).toString().padStart(6, '0')}`
          expect(masked(amount)).toBe(amount)
          if (at.getUTCFullYear() >= 1000) expect(masked(at.toISOString())).toBe(at.toISOString())
        },
      ),
    )
  })
})

/** A number whose last digit is right. */
const card = fc
  .tuple(fc.constantFrom('4', '51', '34', '6011', '2221'), fc.array(fc.nat(9), { minLength: 11, maxLength: 14 }))
  .map(([prefix, rest]) => {
    const body = (prefix + rest.join('')).slice(0, 15)
    const sum = [...body].toReversed().reduce((total, char, i) => {
      const counted = i % 2 === 0 ? Number(char) * 2 : Number(char)
      return total + (counted > 9 ? counted - 9 : counted)
    }, 0)
    return `${body}${(10 - (sum % 10)) % 10}`
  })
const personal = fc.oneof(
  card,
  fc.constantFrom('anna@example.com', 'DE89370400440532013000', '+491701234567', '555-123-4567'),
)

describe('wherever it stands', () => {
  test('in any depth, in values and in names of members, nothing of it is left', () => {
    fc.assert(
      fc.property(personal, fc.array(fc.boolean(), { maxLength: 20 }), (secret, path) => {
        const value = path.reduce<Json>((inner, named) => (named ? { [`about ${secret}`]: inner } : [inner]), secret)
        const { value: kept, kinds } = maskJson(value)
        expect(canonicalJson(kept)).not.toContain(secret)
        expect(kinds).toHaveLength(1)
      }),
    )
  })

  test('masking again changes nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(personal, fc.string())), (words) => {
        const once = masked(words.join(' '))
        expect(maskText(once)).toEqual({ value: once, kinds: [] })
      }),
    )
  })

  test('what replaces it is one word, whatever it was', () => {
    const words = new Set(['+49170123456', '+491709999999'].map((text) => masked(text)))
    expect([...words]).toEqual(['[phone]'])
  })

  test('names that are masked alike stay apart, and a card that is a number becomes a word', () => {
    expect(maskJson({ 'a@example.com': 1, 'b@example.com': 4111111111111111, '[email]': 3 })).toEqual({
      value: { '[email]': 1, '[email] 2': '[card]', '[email] 3': 3 },
      kinds: ['card', 'email'],
    })
    expect(maskJson({ ['__proto__']: 'a@example.com' }).value).toEqual(JSON.parse('{"__proto__":"[email]"}'))
  })

  test('thousands of names that are masked alike take no longer than their number', () => {
    const names = Array.from({ length: 20_000 }, (_each, n) => [`${n}@b.co`, n])
    const startedAt = performance.now()
    expect(Object.keys(maskJson(Object.fromEntries(names)).value as object)).toHaveLength(20_000)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  test('and a long text takes no longer than its length', () => {
    const startedAt = performance.now()
    for (const text of ['a', '1', '1 ', '+1', '0', 'a1', 'a.', '@', 'DE12 ', '"', '%40', '('])
      maskText(text.repeat(Math.ceil(200_000 / text.length)))
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})
