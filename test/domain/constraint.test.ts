/** Constraints of strategy locks: what they may say, what they hold for, and that nothing makes one throw or run long. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CONSTRAINT_CHARACTERS,
  constraintFault,
  constraintHolds,
  type Constrained,
  workOfAPass,
} from '../../domain/constraint.ts'
import type { JsonObject } from '../../domain/canonical.ts'

const about = (input: JsonObject, change: Partial<Constrained> = {}): Constrained => ({
  action: 'http.post',
  target: 'https://example.com/orders',
  input,
  estimated_cost: '2.5',
  ...change,
})
const order = about({
  body: {
    order: 17,
    lines: [
      { sku: 'a', n: 2 },
      { sku: 'b', n: 5 },
    ],
    note: 'für Ada',
  },
  urgent: true,
})

describe('a constraint', () => {
  test.each([
    'input.body.order == 17',
    'input.body.order <= 17 && input.body.order > 16.5',
    'input.body.lines.all(line, line.n <= 5)',
    'input.body.lines.exists(line, line.sku == "b")',
    'input.body.lines.exists_one(line, line.n == 2)',
    'size(input.body.lines.filter(line, line.n > 2)) == 1',
    'input.body.note.startsWith("für") && input.body.note.contains("Ada")',
    'has(input.body.order) && !has(input.body.refund)',
    'input.body.order in [16.0, 17.0, 18.0]',
    'action == "http.post" && target == "https://example.com/orders"',
    'estimated_cost <= 2.5',
    'int(input.body.order) % 2 == 1',
    'input.urgent',
    'true',
  ])('holds: %s', (source) => {
    expect([constraintFault(source), constraintHolds(source, order)]).toEqual([null, true])
  })

  test.each([
    ['is false', 'input.body.order == 18'],
    ['is not a bool', 'input.body'],
    ['is a text that says true', 'input.body.note'],
    ['names what is not there', 'input.body.refund == 0'],
    ['compares what cannot be', 'input.body.note < 3'],
    ['is beyond the list', 'input.body.lines[7].n == 1'],
    ['reaches for what objects inherit', 'input.constructor == 1'],
    ['divides by nothing', 'int(input.body.order) / 0 == 1'],
    ['finds a cost above its limit', 'estimated_cost <= 2.4'],
  ])('that %s does not hold', (_what, source) => {
    expect(constraintHolds(source, order)).toBe(false)
  })

  test.each([
    ['nothing', ''],
    ['half an expression', 'input.a =='],
    ['a name that is not there', 'env.HOME == "x"'],
    ['a number', '1 + 1'],
    ['the time', 'timestamp("2030-01-01T00:00:00Z") > timestamp("2029-01-01T00:00:00Z")'],
    ['a duration', 'duration("1h") == duration("60m")'],
    ['a regular expression', 'input.a.matches("(a+)+$")'],
    ['a binding', 'cel.bind(x, 1, x == 1)'],
    ['a new list', 'input.a.map(x, x) == []'],
    ['a loop in a loop', 'input.a.all(x, input.b.exists(y, y == x))'],
    ['a loop in what a loop filters', 'input.a.filter(x, input.b.all(y, y == x)) == []'],
    ['a type', 'type(input.a) == int'],
    ['dyn', 'dyn(input).a == 1'],
    ['a search for what the input says', 'input.a.contains(input.b)'],
    ['a search for something computed', 'input.a.startsWith("a" + input.b)'],
    ['a search for a long text', `input.a.endsWith("${'x'.repeat(101)}")`],
    ['another method', 'input.a.split("b") == []'],
    ['too many characters', `input.a == "${'x'.repeat(CONSTRAINT_CHARACTERS)}"`],
    ['too many parts', Array.from({ length: 40 }, () => '1 == 1').join(' && ')],
    ['too deep a nest', `${'('.repeat(60)}true${')'.repeat(60)} && ${'!'.repeat(60)}true`],
  ])('may not say %s', (_what, source) => {
    expect(constraintFault(source)).toEqual(expect.any(String))
    expect(constraintHolds(source, order)).toBe(false)
  })

  test('of one loop after another is allowed', () => {
    expect(constraintFault('input.a.filter(x, x > 1).all(x, x < 9)')).toBe(null)
    expect(constraintHolds('input.a.filter(x, x > 1).all(x, x < 9)', about({ a: [0, 2, 3] }))).toBe(true)
  })

  test('does not depend on the order of members', () => {
    const source = 'input.all(key, key != "z" || input.broken)'
    const [a, z] = [about({ a: 1, z: 1 }), about({ z: 1, a: 1 })]
    expect(constraintHolds(source, a)).toBe(constraintHolds(source, z))
    const some = 'input.exists(key, key == "b" ? true : input.absent)'
    expect(constraintHolds(some, about({ a: 1, b: 2 }))).toBe(constraintHolds(some, about({ b: 2, a: 1 })))
  })

  test('answers within two seconds whatever it is given, and a no where that would be more work', () => {
    const many = about({ a: Array.from({ length: 20_000 }, (_each, index) => index), b: 'x'.repeat(20_000) })
    const heavy = `input.a.all(x, ${Array.from({ length: 12 }, () => 'input == input').join(' && ')})`
    const begun = performance.now()
    expect(constraintFault(heavy)).toBe(null)
    expect(constraintHolds(heavy, many)).toBe(false)
    const fits = about({ a: Array.from({ length: 280 }, (_each, index) => index) })
    expect(constraintHolds(heavy, fits)).toBe(true)
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  test('of one pass take no more together than one may', () => {
    const hay = about({ a: 'a'.repeat(30_000) })
    const source = Array.from({ length: 15 }, () => `!input.a.contains("${'a'.repeat(9)}b")`).join(' && ')
    const work = workOfAPass()
    const begun = performance.now()
    const held = Array.from({ length: 2_000 }, () => constraintHolds(source, hay, work))
    expect(performance.now() - begun).toBeLessThan(2_000)
    expect(held[0]).toBe(true)
    expect(held.at(-1)).toBe(false)
    expect(constraintHolds('true', hay, work)).toBe(false)
  })

  test('never throws, and a fault is never a yes', () => {
    const words = fc.constantFrom(
      'input',
      '.',
      'a',
      '[',
      ']',
      '0',
      '==',
      '&&',
      '(',
      ')',
      '"x"',
      'all',
      'has',
      ',',
      '!',
      'x',
      'null',
      '-',
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 25 }), fc.jsonValue(), (parts, value) => {
        const source = parts.join('')
        const fault = constraintFault(source)
        const holds = constraintHolds(source, about({ a: JSON.parse(JSON.stringify(value)) }))
        return fault === null ? typeof holds === 'boolean' : !holds
      }),
      { numRuns: 2_000 },
    )
  })
})
