import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toMicros, toSignedMicros } from '../../domain/money.ts'

describe('decimals', () => {
  test.each([
    ['0', '0'],
    ['1', '1000000'],
    ['0.000001', '1'],
    ['2.5', '2500000'],
    ['2.500000', '2500000'],
    ['007.10', '7100000'],
    ['999999999999.999999', '999999999999999999'],
  ])('%s is %s micro-units', (text, micros) => {
    expect(toMicros(text)).toBe(BigInt(micros))
  })

  const none = ['', '.', '.5', '5.', '-1', '+1', '1e3', '1,5', ' 1', '1 ', '1\n', '0x10', '1.0000001', '1_000', 'NaN']
  test.each([...none, '1234567890123', '١', 'Infinity', 1, null, undefined, ['1'], { value: '1' }])(
    '%j is no decimal',
    (value) => {
      expect(toMicros(value)).toBeNull()
    },
  )

  test('addition is exact where doubles are not', () => {
    expect((toMicros('0.1') ?? 0n) + (toMicros('0.2') ?? 0n)).toBe(toMicros('0.3'))
  })

  test('a short decimal is read as exactly as a long one', () => {
    const wrong: string[] = []
    for (let micros = 0; micros < 9_000_000; micros += 7) {
      const text = `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`
      if (toMicros(text) !== BigInt(micros)) wrong.push(text)
    }
    expect(wrong).toEqual([])
  })

  test('every decimal comes back from its micro-units', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.bigInt({ min: 0n, max: 10n ** 9n })),
        (micros) => {
          const text = `${micros / 1_000_000n}.${(micros % 1_000_000n).toString().padStart(6, '0')}`
          expect(toMicros(text)).toBe(micros)
          expect(toSignedMicros(`-${text}`)).toBe(-micros)
        },
      ),
    )
  })
})

describe('signed decimals', () => {
  test.each<[unknown, number | null]>([
    ['-1.5', -1_500_000],
    ['1.5', 1_500_000],
    ['-0', 0],
    ['--1', null],
    ['- 1', null],
    ['-', null],
    ['+1', null],
    [-1, null],
    [null, null],
  ])('%j', (text, micros) => {
    expect(toSignedMicros(text)).toBe(micros === null ? null : BigInt(micros))
  })
})
