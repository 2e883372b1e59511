import { expect, test } from 'vitest'
import { effectiveConfig } from '../../domain/config-values.ts'

const none = { version: 0, values: {} }

test('the narrower scope wins, one whole value at a time, and says so', () => {
  expect(
    effectiveConfig({
      system: { version: 4, values: { a: 1, b: { x: 1, y: 1 }, c: [1] } },
      tenant: { version: 2, values: { b: { x: 2 }, d: null } },
      surface: { version: 1, values: { a: null, e: false } },
    }),
  ).toEqual({
    values: { a: null, b: { x: 2 }, c: [1], d: null, e: false },
    sources: { a: 'surface', b: 'tenant', c: 'system', d: 'tenant', e: 'surface' },
    versions: { system: 4, tenant: 2, surface: 1 },
  })
})

test('nothing said is nothing', () => {
  expect(effectiveConfig({ system: none, tenant: none, surface: none })).toEqual({
    values: {},
    sources: {},
    versions: { system: 0, tenant: 0, surface: 0 },
  })
})

test('a value that is called like a member of every object is one', () => {
  const { values, sources } = effectiveConfig({
    system: none,
    tenant: { version: 1, values: { constructor: 1, toString: 2 } as never },
    surface: none,
  })
  expect([values, sources]).toEqual([
    { constructor: 1, toString: 2 },
    { constructor: 'tenant', toString: 'tenant' },
  ])
})
