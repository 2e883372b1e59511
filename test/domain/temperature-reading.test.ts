import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { microsText, toSignedMicros } from '../../domain/money.ts'
import { readTemperature, type TemperatureFacts } from '../../domain/temperature-reading.ts'
import { fromNow, NOW } from '../support/domain.ts'

const facts = (change: Partial<TemperatureFacts> = {}): TemperatureFacts => ({
  floors: {},
  ceilings: {},
  weights: {},
  max_age_seconds: 60,
  values: {},
  ...change,
})
const at = (value: string, seconds = 0) => ({ value, measured_at: fromNow(seconds) })

describe('the value', () => {
  test('is the sum of metric times weight over the sum of the weights without their signs', () => {
    const weights = { a: '2', b: '-1', c: '0.5' }
    const values = { a: at('10'), b: at('4'), c: at('-6'), d: at('1000') }
    // (20 - 4 - 3) / 3.5
    expect(readTemperature(facts({ weights, values }), NOW).value).toBe('3.714286')
  })

  test.each([
    ['0.1', '0.2', '0.15'],
    ['0.000001', '0.000002', '0.000002'],
    ['-0.000001', '-0.000002', '-0.000002'],
    ['999999999999.999999', '999999999999.999999', '999999999999.999999'],
    ['-1', '1', '0'],
  ])('of %s and %s, weighing alike, is exactly %s', (a, b, mean) => {
    const reading = readTemperature(facts({ weights: { a: '1', b: '1' }, values: { a: at(a), b: at(b) } }), NOW)
    expect(reading.value).toBe(mean)
  })

  test('is none where nothing weighs, where weights are nought, or where one has no fresh value', () => {
    const value = (change: Partial<TemperatureFacts>) => readTemperature(facts(change), NOW).value
    expect(value({ floors: { a: '1' }, values: { a: at('2') } })).toBeNull()
    expect(value({ weights: { a: '0' }, values: { a: at('2') } })).toBeNull()
    expect(value({ weights: { a: '1', b: '1' }, values: { a: at('2') } })).toBeNull()
    expect(value({ weights: { a: '1' }, values: { a: at('2', -61) } })).toBeNull()
    expect(value({ weights: { a: '1' }, values: { a: at('2', -60) } })).toBe('2')
    expect(value({ weights: { a: '1' }, values: { a: at('2', 1) } })).toBeNull()
  })

  test('lies between its metrics, whatever positive weights they have', () => {
    const decimal = fc.bigInt(-(10n ** 15n), 10n ** 15n).map(microsText)
    const weight = fc.bigInt(1n, 10n ** 9n).map(microsText)
    fc.assert(
      fc.property(fc.array(fc.tuple(decimal, weight), { minLength: 1, maxLength: 6 }), (rows) => {
        const named = rows.map(([value, weighs], i) => [`m${i}`, value, weighs] as const)
        const { value } = readTemperature(
          facts({
            weights: Object.fromEntries(named.map(([name, , weighs]) => [name, weighs])),
            values: Object.fromEntries(named.map(([name, measured]) => [name, at(measured)])),
          }),
          NOW,
        )
        const micros = rows.map(([measured]) => toSignedMicros(measured) ?? 0n).sort((a, b) => (a < b ? -1 : 1))
        const mean = toSignedMicros(value) ?? 10n ** 30n
        expect(mean >= (micros[0] ?? 0n) && mean <= (micros.at(-1) ?? 0n)).toBe(true)
      }),
    )
  })
})

describe('the state', () => {
  const limits = { floors: { a: '1' }, ceilings: { a: '5', b: '0' } }

  test('is unset without floors and ceilings, whatever weighs', () => {
    expect(readTemperature(null, NOW)).toEqual({
      state: 'unset',
      value: null,
      floors_breached: [],
      ceilings_breached: [],
      missing: [],
      metrics: {},
    })
    expect(readTemperature(facts({ weights: { a: '1' } }), NOW)).toMatchObject({ state: 'unset', missing: ['a'] })
  })

  test('is within at its limits exactly, and breached by a millionth', () => {
    const state = (a: string, b: string) => {
      const {
        metrics: _metrics,
        value: _value,
        ...told
      } = readTemperature(facts({ ...limits, values: { a: at(a), b: at(b) } }), NOW)
      return told
    }
    const within = { state: 'within', floors_breached: [], ceilings_breached: [], missing: [] }
    expect(state('1', '0')).toEqual(within)
    expect(state('5', '-3')).toEqual(within)
    expect(state('0.999999', '0')).toEqual({ ...within, state: 'breached', floors_breached: ['a'] })
    expect(state('5.000001', '0.000001')).toEqual({ ...within, state: 'breached', ceilings_breached: ['a', 'b'] })
  })

  test('is breached where a named metric has no fresh value', () => {
    const reading = readTemperature(facts({ ...limits, values: { a: at('3'), b: at('9', -61) } }), NOW)
    expect(reading).toMatchObject({ state: 'breached', ceilings_breached: [], missing: ['b'] })
    expect(reading.metrics['b']).toEqual({
      value: '9',
      measured_at: fromNow(-61),
      fresh: false,
      weight: null,
      floor: null,
      ceiling: '0',
    })
  })
})

test('a metric that is called like a member of every object is one', () => {
  const floors = { constructor: '1' }
  expect(readTemperature(facts({ floors }), NOW)).toMatchObject({ state: 'breached', missing: ['constructor'] })
  const reading = readTemperature(facts({ floors, values: { constructor: at('1') } as never }), NOW)
  expect(reading).toMatchObject({ state: 'within', missing: [] })
})

test('micro-units are written as short as they can be, and read back the same', () => {
  for (const text of ['0', '1', '-1', '0.1', '-0.000001', '999999999999.999999', '10', '1.05'])
    expect(microsText(toSignedMicros(text) ?? 0n)).toBe(text)
})
