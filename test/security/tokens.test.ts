/**
 * Credentials that are none, on every authenticated route as the router lists them, and Wycheproof's vectors as bearer
 * tokens over HTTP. How each of our own bad tokens is refused on a few routes stands in test/api/access-tokens.test.ts.
 */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { makeApi } from '../../api/app.ts'
import { callers } from '../support/client.ts'
import { sendFromElsewhere } from '../support/elsewhere.ts'
import { expectRefusal } from '../support/envelope.ts'
import { OPEN_ROUTES } from '../support/isolation-rows.ts'
import { claimsOf, ISSUER, publicJwk, signToken, SKEW_SECONDS } from '../support/issuer.ts'
import { makeTenant, type MemberName, type Tenant } from '../support/tenant.ts'
import { jwsOf, readVectors } from '../support/wycheproof.ts'

const { url, home, credentials } = inject('deployment')
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'secured', { issuer: ISSUER })
})

/** Neither credential nor context is asked for on these, as CONTRACT lists them. */
const OPEN = OPEN_ROUTES.map((route) => route.slice('GET '.length))
const registered = makeApi({} as never).app.routes.filter(({ method }) => method !== 'ALL')
const ROUTES = registered.filter(({ path }) => !OPEN.includes(path))
const now = () => Math.floor(Date.now() / 1000)
const past = () => ({ iat: now() - 100, nbf: now() - 100, exp: now() - SKEW_SECONDS - 1 })
const claims = (name: MemberName, change: Record<string, unknown> = {}) => claimsOf(`${tenant.id}:${name}`, change)

/** One of each family; refusals are counted by subject, so each family has its own. */
const BAD: [string, () => string | null][] = [
  ['no credential', () => null],
  ['a word', () => 'Bearer owner'],
  ['another scheme', () => `Basic ${Buffer.from('owner:owner').toString('base64')}`],
  ['a key nobody has', () => `Bearer exo_${'a'.repeat(18)}_${'b'.repeat(43)}`],
  [
    'a key with another secret',
    () => {
      const token = tenant.as('owner').token ?? ''
      return `Bearer ${token.slice(0, -3)}${token.endsWith('AAA') ? 'BBB' : 'AAA'}`
    },
  ],
  ['a ticket', () => `Bearer xt_${'a'.repeat(43)}`],
  [
    'a token without a signature',
    () => `Bearer ${signToken(home, claims('owner'), { header: { alg: 'none' } }).replace(/[^.]+$/, '')}`,
  ],
  [
    'a token signed with the public key',
    () => {
      const secret = JSON.stringify(publicJwk(home, 'ec'))
      return `Bearer ${signToken(home, claims('admin'), { header: { alg: 'HS256', kid: 'ec' }, secret })}`
    },
  ],
  [
    'a token of another key',
    () => `Bearer ${signToken(home, claims('operator'), { key: 'next', header: { kid: 'ec' } })}`,
  ],
  [
    'a token of another audience',
    () => `Bearer ${signToken(home, claims('member', { aud: 'https://elsewhere.example' }))}`,
  ],
  [
    'a token that expired one second ago, the skew allowed for',
    () => `Bearer ${signToken(home, claims('viewer', past()))}`,
  ],
  ['a token of nobody', () => `Bearer ${signToken(home, claimsOf(`${tenant.id}:nobody`))}`],
]

const ask = async (method: string, path: string, authorization: string | null) =>
  await sendFromElsewhere(url, {
    method,
    path: path.replaceAll(/:\w+/g, 'x'),
    headers: {
      ...(authorization === null ? {} : { authorization }),
      'x-mode': 'lab',
      'x-project-id': 'p_main',
      'x-request-id': 'same',
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
    },
    ...(method === 'GET' ? {} : { body: '{"reason":"x"}' }),
  })

describe('every authenticated route, as the router lists them', () => {
  test('is most of the routes, and the rest is open on purpose', () => {
    const open = registered.map(({ path }) => path).filter((path) => OPEN.includes(path))
    expect(open.sort()).toEqual([...OPEN].sort())
    expect(ROUTES.length).toBeGreaterThan(50)
  })

  test.each(BAD)('refuses %s with the same answer', async (title, make) => {
    const told = new Set<string>()
    for (const { method, path } of ROUTES) {
      const answer = await ask(method, path, make())
      expectRefusal(answer, 401, title === 'no credential' ? 'auth.missing' : 'auth.invalid')
      told.add(answer.text)
    }
    expect(told.size).toBe(1)
  })

  test('and the right tokens of those subjects are still taken', async () => {
    for (const name of ['owner', 'admin', 'operator', 'member', 'viewer'] as const)
      expect((await ask('GET', '/auth/me', `Bearer ${signToken(home, claims(name))}`)).status).toBe(200)
  })
})

describe('a vector of Wycheproof as a bearer token', () => {
  const THREE = [
    ['GET', '/operations'],
    ['POST', '/operations'],
    ['DELETE', '/api-keys/x'],
  ] as const

  test.each(readVectors())('$group.comment $each.tcId, $each.comment, is refused on three routes', async ({ each }) => {
    for (const [method, path] of THREE)
      expectRefusal(await ask(method, path, `Bearer ${jwsOf(each)}`), 401, 'auth.invalid')
  })
})
