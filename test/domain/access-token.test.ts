/** The claims of RFC 9068, each taken away or made wrong in turn; a scope narrows and nothing in a token widens. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readClaims } from '../../domain/access-token.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import { effectivePermissions, PERMISSIONS, ROLES } from '../../domain/permissions.ts'

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
    ['act', { sub: 'an agent' }],
    ['act', null],
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
