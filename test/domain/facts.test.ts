import { describe, expect, test } from 'vitest'
import { Fact, FactUnreadable } from '../../domain/facts.ts'

const read = (value: unknown, how: (fact: Fact) => unknown): unknown => {
  try {
    return how(new Fact(value, 'x'))
  } catch (error) {
    if (error instanceof FactUnreadable) return `unreadable ${error.field}`
    throw error
  }
}

describe('instants', () => {
  test.each([
    ['2026-03-14T09:26:53Z', 1773480413000],
    ['2026-03-14T09:26:53.5Z', 1773480413500],
    ['2026-03-14T09:26:53.123456Z', 1773480413123],
    ['2024-02-29T00:00:00Z', 1709164800000],
    ['1970-01-01T00:00:00.000Z', 0],
  ])('%s is read to the millisecond', (text, ms) => {
    expect(read(text, (fact) => fact.instantMs())).toBe(ms)
  })

  test.each([
    '2026-03-14T09:26:53',
    '2026-03-14T09:26:53+00:00',
    '2026-03-14 09:26:53Z',
    '2026-03-14T09:26Z',
    '2026-03-14',
    '2026-3-14T09:26:53Z',
    '2026-03-14T09:26:53.Z',
    '2026-03-14T09:26:53.1234567Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:60:00Z',
    '2026-06-30T23:59:60Z',
    ' 2026-03-14T09:26:53Z',
    '2026-03-14T09:26:53Z\n',
    'infinity',
    '',
    0,
    null,
  ])('%j is no instant', (value) => {
    expect(read(value, (fact) => fact.instantMs())).toBe('unreadable x')
  })
})

describe('other values', () => {
  test.each<[string, unknown, (fact: Fact) => unknown, unknown]>([
    ['a text', 'a', (fact) => fact.string(), 'a'],
    ['an empty text', '', (fact) => fact.string(), 'unreadable x'],
    ['null for a text', null, (fact) => fact.string(), 'unreadable x'],
    ['null where it is allowed', null, (fact) => fact.stringOrNull(), null],
    ['an empty text where null is allowed', '', (fact) => fact.stringOrNull(), 'unreadable x'],
    ['a count', 7, (fact) => fact.count(), 7],
    ['a count of none', 0, (fact) => fact.count(), 0],
    ['a decimal', '1.5', (fact) => Number(fact.micros()), 1_500_000],
    ['a decimal below zero', '-1.5', (fact) => fact.micros(), 'unreadable x'],
    ['a decimal below zero where it may be', '-1.5', (fact) => Number(fact.signedMicros()), -1_500_000],
    ['a decimal as a number', 1.5, (fact) => fact.signedMicros(), 'unreadable x'],
    ['a member of a text', 'abc', (fact) => fact.get('length'), 'unreadable x'],
    ['a member of null', null, (fact) => fact.get('a'), 'unreadable x'],
    ['a negative count', -1, (fact) => fact.count(), 'unreadable x'],
    ['half a count', 0.5, (fact) => fact.count(), 'unreadable x'],
    ['a count as text', '7', (fact) => fact.count(), 'unreadable x'],
    ['an unsafe count', 2 ** 53, (fact) => fact.count(), 'unreadable x'],
    ['false', false, (fact) => fact.boolean(), false],
    ['zero for a boolean', 0, (fact) => fact.boolean(), 'unreadable x'],
    ['a listed word', 'b', (fact) => fact.oneOf('a', 'b'), 'b'],
    ['a word in another case', 'B', (fact) => fact.oneOf('a', 'b'), 'unreadable x'],
    ['a list of texts', ['a', 'b'], (fact) => fact.strings(), ['a', 'b']],
    ['a list with something else in it', ['a', 1], (fact) => fact.strings(), 'unreadable x[1]'],
    ['an object for a list', { 0: 'a' }, (fact) => fact.list(), 'unreadable x'],
    ['a list for an object', ['a'], (fact) => fact.get('0'), 'unreadable x'],
    ['a member', { a: { b: 1 } }, (fact) => fact.get('a').get('b').count(), 1],
    ['an absent member', { a: {} }, (fact) => fact.get('a').get('b'), 'unreadable x.a.b'],
    ['an inherited member', {}, (fact) => fact.get('toString'), 'unreadable x.toString'],
    ['an undefined member', { a: undefined }, (fact) => fact.get('a'), 'unreadable x.a'],
    [
      'entries in order',
      { b: 2, a: 1 },
      (fact) => fact.entries().map(([key, each]) => [key, each.count()]),
      [
        ['a', 1],
        ['b', 2],
      ],
    ],
  ])('%s', (_what, value, how, result) => {
    expect(read(value, how)).toEqual(result)
  })
})
