/** The claims of RFC 9068, each taken away or made wrong in turn; a scope narrows and nothing in a token widens. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readClaims } from '../../domain/access-token.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import { DELEGABLE, effectivePermissions, PERMISSIONS, ROLES, sharedPermissions } from '../../domain/permissions.ts'

const rule = { issuer: 'https://i.example', audience: 'exo', max_age_seconds: 600, skew_seconds: 10 }
const claims: JsonObject = {
  iss: 'https://i.example',
  sub: 'ada',
  aud: 'exo',
  client_id: 'console',
  jti: 'one',
  iat: 1000,
  nbf: 1020,
  exp: 1300,
}
/** `act` as an issuer nests it, the current actor first. */
const actors = (...[sub = '', ...earlier]: string[]): JsonObject =>
  earlier.length === 0 ? { sub } : { sub, act: actors(...earlier) }
const read = (change: JsonObject) => readClaims(rule, { ...claims, ...change })

test('right claims say who, for how long, and that nothing is narrowed', () => {
  expect(readClaims(rule, claims)).toEqual({
    issuer: 'https://i.example',
    subject: 'ada',
    client_id: 'console',
    token_id: 'one',
    not_before: 1010,
    not_after: 1310,
    expires_at: 1300,
    permissions: null,
  })
})

describe('a token is refused', () => {
  test.each(['iss', 'sub', 'aud', 'client_id', 'jti', 'iat', 'exp'])('without %s', (name) => {
    const { [name]: _gone, ...rest } = claims
    expect(readClaims(rule, rest)).toBeNull()
  })

  test.each<[string, Json]>([
    ['iss', 'https://i.example/'],
    ['iss', ['https://i.example']],
    ['sub', ''],
    ['sub', 7],
    ['sub', 'a\u0000b'],
    ['sub', 'x'.repeat(256)],
    ['aud', 'EXO'],
    ['aud', []],
    ['aud', ['other']],
    ['aud', ['exo', 7]],
    ['aud', { exo: true }],
    ['client_id', ''],
    ['client_id', null],
    ['jti', ['one']],
    ['iat', '1000'],
    ['iat', -1],
    ['iat', 1300],
    ['nbf', null],
    ['nbf', '1020'],
    ['exp', '1300'],
    ['exp', 1e300],
    ['exp', null],
    ['scope', ['read']],
    ['scope', null],
    ['act', null],
    ['act', {}],
    ['act', []],
    ['act', 'an agent'],
    ['act', { sub: '' }],
    ['act', { sub: 7 }],
    ['act', { sub: 'a\u0000b' }],
    ['act', { sub: 'ada' }],
    ['act', { sub: 'bot', act: { sub: 'ada' } }],
    ['act', { sub: 'bot', act: { sub: 'other', act: { sub: 'bot' } } }],
    ['act', { sub: 'bot', act: null }],
    ['act', { sub: 'bot', iss: 'https://other.example' }],
    ['act', { sub: 'bot', cnf: { jkt: 'x' } }],
    ['act', { sub: 'bot', act: { sub: 'other', exp: 1 } }],
    ['act', actors('a', 'b', 'c', 'd', 'e')],
    ['cnf', { jkt: 'x' }],
  ])('with %s: %j', (name, value) => {
    expect(read({ [name]: value })).toBeNull()
  })

  test.each<[Json]>([[null], [[]], ['text'], [7]])('when its payload is %j', (payload) => {
    expect(readClaims(rule, payload)).toBeNull()
  })

  test('when a claim is inherited and not its own', () => {
    const { sub: _gone, ...rest } = claims
    expect(readClaims(rule, Object.create({ sub: 'ada' }, Object.getOwnPropertyDescriptors(rest)) as Json)).toBeNull()
  })
})

describe('the time of a token', () => {
  test('ends with its age where that is sooner than its end', () => {
    expect(read({ exp: 100_000 })).toMatchObject({ not_after: 1610, expires_at: 100_000 })
  })

  test('begins when it was issued where no nbf is given or nbf is earlier', () => {
    const { nbf: _gone, ...rest } = claims
    expect(readClaims(rule, rest)).toMatchObject({ not_before: 990 })
    expect(read({ nbf: 500 })).toMatchObject({ not_before: 990 })
  })
})

describe('a scope', () => {
  test.each<[string, string[] | null]>([
    ['', null],
    ['openid profile', null],
    ['openid read', ['read']],
    ['execute:* read read', ['execute:*', 'read']],
    ['READ', null],
  ])('%j narrows to %j', (scope, permissions) => {
    expect(read({ scope })).toMatchObject({ permissions })
  })

  test('never adds to what membership and role give', () => {
    const words = fc.subarray([...PERMISSIONS, 'execute:*', 'identity:*', 'openid', '*'] as string[])
    fc.assert(
      fc.property(fc.constantFrom(...ROLES), words, (role, scope) => {
        const token = read({ scope: scope.join(' ') })
        const whole = effectivePermissions('user', role, [], null)
        const narrowed = effectivePermissions('user', role, [], token?.permissions ?? null)
        return narrowed.every((permission) => whole.includes(permission))
      }),
    )
  })

  test.each(['roles', 'permissions', 'groups', 'tenant_id', 'scp'])('is not said by the claim %s', (name) => {
    expect(read({ [name]: ['owner', 'identity:*'] })).toEqual(readClaims(rule, claims))
  })
})

describe('who acts for the subject', () => {
  test.each<[Json, string[]]>([
    [{ sub: 'bot' }, ['bot']],
    [{ sub: 'bot', iss: 'https://i.example' }, ['bot']],
    [actors('bot', 'crawler'), ['bot', 'crawler']],
    [actors('a', 'b', 'c', 'd'), ['a', 'b', 'c', 'd']],
  ])('%j is told, the current actor first', (act, expected) => {
    expect(read({ act })).toEqual({ ...read({}), actors: expected })
  })

  test('is bounded, of the same issuer and nobody twice, or the token is refused, whatever stands there', () => {
    const name = fc.constantFrom('ada', 'bot', 'crawler', 'd', 'e', 'f', '', 'x'.repeat(256))
    const { act } = fc.letrec((tie) => ({
      act: fc.oneof(
        { depthSize: 'large', withCrossShrink: true },
        fc.jsonValue(),
        fc.record({ sub: name }),
        fc.record({ sub: name, act: tie('act') }),
        fc.record({ sub: name, iss: fc.constantFrom('https://i.example', 'https://other.example'), act: tie('act') }),
        fc.record({ sub: name, cnf: fc.jsonValue() }),
      ),
    }))
    fc.assert(
      fc.property(act, (given) => {
        const token = read({ act: given as Json })
        if (token === null) return true
        const chain = ['ada', ...(token.actors ?? [])]
        return chain.length > 1 && chain.length <= 5 && new Set(chain).size === chain.length && !chain.includes('')
      }),
      { numRuns: 2000 },
    )
  })

  test('narrows: nobody lends what another of them has not, and nothing but looking and proposing is lent', () => {
    const member = fc.record({
      kind: fc.constantFrom('agent' as const, 'service' as const, 'user' as const),
      role: fc.constantFrom(...ROLES),
      more: fc.subarray([...PERMISSIONS, 'execute:*', 'configure:*', 'identity:*'] as string[]),
      key: fc.option(fc.subarray([...PERMISSIONS] as string[])),
    })
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), (chain) => {
        const ofEach = chain.map(({ kind, role, more, key }) => effectivePermissions(kind, role, more, key))
        const shared = sharedPermissions(ofEach)
        const whole = DELEGABLE.filter((permission) => ofEach.every((given) => given.includes(permission)))
        return (
          shared.every((permission) => ofEach.every((given) => given.includes(permission))) &&
          shared.toSorted().join() === whole.toSorted().join()
        )
      }),
    )
    expect(sharedPermissions([])).toEqual([])
    expect(DELEGABLE.filter((permission) => !/^(?:read|audit:read|execute:\w+)$/.test(permission))).toEqual([])
  })
})
