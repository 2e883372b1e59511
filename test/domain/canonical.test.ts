import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertIJson, canonicalJson, isSameJson, type Json, NotIJson, parseIJson } from '../../domain/canonical.ts'
import { type HashKind, kindHash, sha256Hex, sha256TextHex } from '../../domain/hash.ts'

const refusal = (run: () => unknown): NotIJson => {
  try {
    run()
  } catch (error) {
    if (error instanceof NotIJson) return error
    throw error
  }
  throw new Error('was accepted')
}
const backslash = String.fromCharCode(92)

/** JSON whose numbers stay inside I-JSON; keys include the awkward ones. */
const { iJson } = fc.letrec<{ iJson: Json }>((tie) => ({
  iJson: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n) && !Object.is(n, -0)),
    fc.string({ unit: 'binary' }),
    fc.array(tie('iJson'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('', '__proto__', 'a', 'b')),
      tie('iJson'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  ),
}))

function shuffled(value: Json, order: number): Json {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, member]): [string, Json] => [key, shuffled(member, order)])
  const turned =
    entries.length === 0
      ? entries
      : [...entries.slice(order % entries.length), ...entries.slice(0, order % entries.length)]
  return Object.fromEntries(turned.reverse())
}

describe('the canonical form', () => {
  test.each<[string, unknown, string]>([
    ['members are sorted', { b: 1, a: 2, B: 3 }, '{"B":3,"a":2,"b":1}'],
    [
      'sorting is by UTF-16 units, so an astral key precedes a late one',
      { '\uff5e': 1, '\u{1f512}': 2 },
      '{"\u{1f512}":2,"\uff5e":1}',
    ],
    [
      'keys that look like numbers are text',
      { 10: 'ten', 9: 'nine', '-1': 'minus' },
      '{"-1":"minus","10":"ten","9":"nine"}',
    ],
    ['arrays keep their order', [3, 1, [2, []]], '[3,1,[2,[]]]'],
    ['no space is left', { a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
    ['numbers have the shortest form', [1.0, 0.1, 1e-7, 123.456, -0, 4.5e-9], '[1,0.1,1e-7,123.456,0,4.5e-9]'],
    ['safe integers are written out', [9007199254740991, -9007199254740991], '[9007199254740991,-9007199254740991]'],
    [
      'control characters have their short escapes',
      '\b\t\n\f\r\u0000\u001f\u007f',
      '"\\b\\t\\n\\f\\r\\u0000\\u001f\u007f"',
    ],
    ['quote and backslash are escaped, slash is not', '"/\\', '"\\"/\\\\"'],
    ['other scripts stay themselves', '\u0416\u20ac\u{1d11e}', '"\u0416\u20ac\u{1d11e}"'],
    ['a key named __proto__ is a key', JSON.parse('{"__proto__":1,"a":2}'), '{"__proto__":1,"a":2}'],
    ['null is a value', null, 'null'],
    ['an object without a prototype is plain', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ])('%s', (_what, value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })

  test('parsing the canonical text gives the value back', () => {
    fc.assert(
      fc.property(iJson, (value) => {
        expect(parseIJson(canonicalJson(value))).toEqual(value)
      }),
    )
  })

  test('the order of members changes nothing', () => {
    fc.assert(
      fc.property(iJson, fc.nat(7), (value, order) => {
        expect(canonicalJson(shuffled(value, order))).toBe(canonicalJson(value))
      }),
    )
  })

  test('is what the reference implementation of RFC 8785 writes', () => {
    fc.assert(
      fc.property(iJson, (value) => {
        expect(canonicalJson(value)).toBe(canonicalize(value))
      }),
      { numRuns: 1000 },
    )
  })
  test('canonical text is its own canonical form', () => {
    fc.assert(
      fc.property(iJson, (value) => {
        const text = canonicalJson(value)
        expect(canonicalJson(parseIJson(text))).toBe(text)
      }),
    )
  })
})

describe('values outside I-JSON', () => {
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const sparse: unknown[] = []
  sparse.length = 2
  class Money {
    readonly amount = '1'
  }
  test.each<[string, unknown, string]>([
    ['NaN', { a: [Number.NaN] }, '/a/0'],
    ['infinity', { a: Number.POSITIVE_INFINITY }, '/a'],
    ['minus infinity', Number.NEGATIVE_INFINITY, ''],
    ['an unsafe integer', { n: 2 ** 53 }, '/n'],
    ['an integer far out', { n: 1e300 }, '/n'],
    ['undefined in an object', { a: undefined }, '/a'],
    ['undefined in an array', [undefined], '/0'],
    ['a hole in an array', sparse, '/0'],
    ['undefined', undefined, ''],
    ['a BigInt', { a: 1n }, '/a'],
    ['a function', { a: () => 1 }, '/a'],
    ['an own toJSON', { toJSON: () => 'other' }, '/toJSON'],
    ['a symbol', { a: Symbol('x') }, '/a'],
    ['a Date', { at: new Date(0) }, '/at'],
    ['a Map', new Map(), ''],
    ['bytes', { a: new Uint8Array(1) }, '/a'],
    ['a class instance', { a: new Money() }, '/a'],
    ['a lone high surrogate', { a: '\ud800' }, '/a'],
    ['a lone low surrogate', ['x\udc00'], '/0'],
    ['a lone surrogate in a key', { a: { '\ud800': 1 } }, '/a'],
    ['a pointer through awkward keys', { 'a/b': { '~': Number.NaN } }, '/a~1b/~0'],
  ])('%s is refused and its place named', (_what, value, path) => {
    expect(refusal(() => canonicalJson(value)).path).toBe(path)
  })

  test('a cycle is refused, and so is a value nested deeper than 64', () => {
    expect(refusal(() => canonicalJson(cyclic)).message).toContain('nested too deeply')
    const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown
    expect(() => assertIJson(nested(65))).not.toThrow()
    expect(refusal(() => assertIJson(nested(66))).message).toContain('nested too deeply')
  })

  test('any value is either refused as NotIJson or comes back from its text', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }), (value) => {
        let text: string
        try {
          text = canonicalJson(value)
        } catch (error) {
          return error instanceof NotIJson
        }
        return canonicalJson(parseIJson(text)) === text
      }),
    )
  })
})

describe('parsing text', () => {
  test.each([
    ['at the root', '{"a":1,"a":1}'],
    ['in a nested object', '{"x":{"a":1,"b":2,"a":3}}'],
    ['in an object in an array', '[{"a":1},{"a":1,"a":2}]'],
    ['after a nested value', '{"a":{"b":[1,{"c":2}]},"a":1}'],
    ['after an array', '{"a":[1,2,"a"],"a":1}'],
    ['written with an escape once', `{"a":1,"${backslash}u0061":2}`],
    ['with an escaped quote in it', `{"a${backslash}"":1,"a${backslash}"":2}`],
    ['with an escaped backslash at its end', `{"a${backslash}${backslash}":1,"a${backslash}${backslash}":2}`],
    ['that is empty', '{"":1,"":2}'],
    ['named __proto__', '{"__proto__":1,"__proto__":2}'],
    ['with space around', '{ "a" : 1 , "a" : 2 }'],
  ])('a duplicate key %s is refused', (_where, text) => {
    expect(refusal(() => parseIJson(text)).message).toContain('duplicate key')
  })

  test.each([
    ['in two objects', '[{"a":1},{"a":2}]'],
    ['in parent and child', '{"a":{"a":{"a":1}}}'],
    ['as key and as value', '{"a":"a","b":["a","a"]}'],
    ['in text that looks like JSON', `{"a":"{${backslash}"a${backslash}":1,","b":2}`],
    ['in another case', '{"a":1,"A":2}'],
    ['in another Unicode form', '{"\u00e9":1,"e\u0301":2}'],
    ['before and after an escaped backslash', `{"a${backslash}${backslash}":1,"a":2}`],
  ])('the same word %s is no duplicate', (_where, text) => {
    expect(parseIJson(text)).toEqual(JSON.parse(text))
  })

  test.each([
    '9007199254740992',
    '-9007199254740993',
    '1e400',
    '1E22',
    `"${backslash}ud800"`,
    `{"${backslash}udfff":1}`,
  ])('%s is refused', (text) => {
    refusal(() => parseIJson(text))
  })

  test.each(['', '{', '[1,]', "{'a':1}", 'NaN', 'undefined', '01', '"\n"', '{"a":1}x', '\ufeff{}'])(
    '%j is not JSON at all',
    (text) => {
      expect(() => parseIJson(text)).toThrow(SyntaxError)
    },
  )

  test('a key is never read as another, whatever was parsed before', () => {
    const escapes = ['n', 't', 'b', 'f', 'r', '"', 'u0000', 'u001f', 'u0061', backslash]
    for (const first of escapes)
      for (const second of escapes) {
        // A shape of its own for each pair: the engine expects the one key that followed last time.
        const before = `before ${escapes.indexOf(first)} ${escapes.indexOf(second)}`
        const text = (key: string) => `{"${before}":1,"${backslash}${key}":2}`
        JSON.parse(text(first))
        const expected = JSON.parse(`"${backslash}${second}"`) as string
        let keys: string[] | null = null
        try {
          keys = Object.keys(parseIJson(text(second)) as object)
        } catch (error) {
          if (!(error instanceof NotIJson)) throw error
        }
        expect(keys ?? [before, expected]).toEqual([before, expected])
      }
  })
  test('a key repeated anywhere in otherwise good text is found', () => {
    fc.assert(
      fc.property(iJson, fc.string({ unit: 'binary', maxLength: 4 }), (value, key) => {
        const [inner, name] = [canonicalJson(value), JSON.stringify(key)]
        const doubled = `{"outer":[${inner},{${name}:${inner},"other${backslash}u0000":${inner},${name}:0}]}`
        return refusal(() => parseIJson(doubled)).message.startsWith('duplicate key')
      }),
    )
  })
})

describe('digests', () => {
  test('SHA-256 is the platform’s', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(sha256Hex(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'))
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(sha256TextHex(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'))
      }),
    )
  })

  test('a kind’s hash is over its prefix and the canonical text', () => {
    const value = { b: [1, 'x'], a: null }
    const own = createHash('sha256').update('exoarmur.plan.v1\n{"a":null,"b":[1,"x"]}', 'utf8').digest('hex')
    expect(kindHash('plan', value)).toBe(own)
  })

  test('one value has another hash under each kind', () => {
    const kinds: HashKind[] = ['intent', 'plan', 'facts', 'shown', 'decision']
    expect(new Set(kinds.map((kind) => kindHash(kind, {}))).size).toBe(kinds.length)
  })
})

describe('sameness', () => {
  test('is that of the canonical texts', () => {
    fc.assert(
      fc.property(iJson, iJson, (a, b) => {
        expect(isSameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b))
        expect(isSameJson(a, parseIJson(canonicalJson(a)))).toBe(true)
      }),
    )
  })

  test.each<[Json, Json]>([
    [{ a: 1 }, { b: 1 }],
    [{ a: null }, {}],
    [[], {}],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: { b: 1 } }, { a: { b: 2 } }],
    ['1', 1],
    [null, {}],
    [{ length: 0 }, []],
  ])('%j and %j differ', (a, b) => {
    expect(isSameJson(a, b)).toBe(false)
    expect(isSameJson(b, a)).toBe(false)
  })
})
