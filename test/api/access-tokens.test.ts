/**
 * Access tokens over HTTP: who they speak for, what can narrow them, and everything that is refused. Every refusal is
 * the same answer, whichever route was asked and whatever was wrong.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { makeApi } from '../../api/app.ts'
import { readIssuers } from '../../bin/issuers.ts'
import { LIMITS } from '../../domain/limits.ts'
import { TokenReader } from '../../stores/oidc/token-reader.ts'
import { AdmissionStore } from '../../stores/postgres/admission.ts'
import { Caller, callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { sendFromElsewhere } from '../support/elsewhere.ts'
import { expectRefusal } from '../support/envelope.ts'
import {
  AUDIENCE,
  claimsOf,
  ISSUER,
  MAX_AGE_SECONDS,
  OTHER_ISSUER,
  type Pieces,
  publicJwk,
  publish,
  signToken,
  SKEW_SECONDS,
} from '../support/issuer.ts'
import {
  type MemberName,
  makeTenant,
  pending,
  propose,
  refused,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'

const { url, home, credentials, addresses } = inject('deployment')
const all = callers(url, credentials)
const owner = new Database(addresses.postgres.ownerUrl)
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'tokens', { issuer: ISSUER })
  await tenant.open(UNLIMITED)
})
afterAll(() => owner.end())

const subject = (name: MemberName) => `${tenant.id}:${name}`
const tokenOf = (name: MemberName, change: Record<string, unknown> = {}, pieces: Pieces = {}) =>
  signToken(home, claimsOf(subject(name), change), pieces)
const byToken = (name: MemberName, change: Record<string, unknown> = {}, pieces: Pieces = {}) =>
  new Caller(url, tokenOf(name, change, pieces))
const now = () => Math.floor(Date.now() / 1000)
const accepted = async (token: string) => (await new Caller(url, token).get('/auth/me')).status === 200

describe('an access token', () => {
  test.each(['owner', 'operator', 'viewer', 'agent', 'service'] as const)(
    'of the %s is the principal that its API key is',
    async (name) => {
      const { credential: ofKey, ...key } = (await tenant.as(name).get('/auth/me')).body
      const { credential: ofToken, ...token } = (await byToken(name).get('/auth/me')).body
      expect(token).toEqual(key)
      expect(ofToken.id).toMatch(/^jwt_[0-9a-f]{40}$/)
      expect(Date.parse(ofToken.expires_at)).toBeGreaterThan(Date.now())
      expect(ofKey.id).not.toBe(ofToken.id)
    },
  )

  test.each<[string, Record<string, unknown>, Pieces]>([
    ['signed with RSA', {}, { key: 'rsa' }],
    ['whose type is spelled out', {}, { header: { typ: 'application/at+jwt' } }],
    ['whose type is in capitals', {}, { header: { typ: 'AT+JWT' } }],
    ['that names its certificate by digest', {}, { header: { x5t: 'abc', 'x5t#S256': 'abc' } }],
    ['for several audiences', { aud: ['https://elsewhere.example', AUDIENCE] }, {}],
    ['without nbf', { nbf: undefined }, {}],
    ['with times in fractions', { iat: now() - 1.5, exp: now() + 60.5 }, {}],
    ['with claims that are not looked at', { roles: ['none'], tenant_id: 't_other', may_act: { sub: 'x' } }, {}],
  ])('%s is taken', async (_title, change, pieces) => {
    expect((await byToken('viewer', change, pieces).get('/operations')).status).toBe(200)
  })

  test('proposes, and another votes with theirs', async () => {
    const asked = await pending(byToken('agent'), { notebook: 'tokens', text: 'by token' })
    expect(asked.requested_by.principal_id).toBe(tenant.principal('agent'))
    const voted = await vote(byToken('operator'), asked)
    expect(voted.body.operation.status).toBe('executed')
    expect(voted.body.operation.approval.votes[0].by).toBe(tenant.principal('operator'))
  })

  test('is the same person as the API key: neither votes on what the other asked', async () => {
    const byKey = await pending(tenant.as('operator'), { notebook: 'tokens', text: 'mine' })
    expect(refused(await vote(byToken('operator'), byKey))).toEqual([403, 'approval.self'])
    const asked = await pending(byToken('operator'), { notebook: 'tokens', text: 'mine too' })
    expect(refused(await vote(tenant.as('operator'), asked))).toEqual([403, 'approval.self'])
    const ofAgent = await pending(byToken('agent'), { notebook: 'tokens', text: 'of my agent' })
    expect(refused(await vote(byToken('operator3'), ofAgent))).toEqual([403, 'approval.self'])
  })

  test('does not choose its tenant by a claim, nor by a header a foreign one', async () => {
    const there = await byToken('viewer').get('/operations', { headers: { 'x-tenant-id': 't_other' } })
    expect(refused(there)).toEqual([403, 'auth.tenant_mismatch'])
  })
})

describe('a scope', () => {
  test('narrows to the permissions it names', async () => {
    const { body } = await byToken('owner', { scope: 'openid read decide' }).get('/auth/me')
    expect(body.tenants[0].permissions).toEqual(['decide', 'read'])
    const asked = await propose(byToken('operator', { scope: 'read' }), { notebook: 'tokens', text: 'x' })
    expect(refused(asked)).toEqual([403, 'auth.insufficient_role'])
  })

  test('gives nothing that the membership does not', async () => {
    const { body } = await byToken('viewer', { scope: 'read identity:* execute:* decide' }).get('/auth/me')
    expect(body.tenants[0].permissions).toEqual(['read'])
    const { body: agent } = await byToken('agent', { scope: 'decide stop read' }).get('/auth/me')
    expect(agent.tenants[0].permissions).toEqual(['read'])
  })

  test('that names none of ours changes nothing', async () => {
    const { body } = await byToken('viewer', { scope: 'openid profile email' }).get('/auth/me')
    expect(body.tenants[0].permissions).toEqual(['read'])
  })
})

const RIGHT = () => claimsOf(subject('operator'))
const text = (value: string) => Buffer.from(value).toString('base64url')
const cut = (token: string, at: number, change: (part: string) => string) =>
  token
    .split('.')
    .map((part, i) => (i === at ? change(part) : part))
    .join('.')
const other = (part: string) => (part.startsWith('A') ? `B${part.slice(1)}` : `A${part.slice(1)}`)
const claims = (change: Record<string, unknown>, pieces: Pieces = {}) =>
  signToken(home, { ...RIGHT(), ...change }, pieces)
/** As another subject's, since refusals are counted by subject too. */
const own = (change: Record<string, unknown>, pieces: Pieces = {}) => tokenOf('admin', change, pieces)
const pieces = (given: Pieces) => signToken(home, RIGHT(), given)
const header = (change: Record<string, unknown>) => pieces({ header: change })

/** Each right in all but one thing. */
const REFUSED: [string, () => string][] = [
  // What is no compact JWS.
  ['one part', () => 'eyJhbGciOiJFUzI1NiJ9'],
  ['two parts', () => pieces({}).split('.').slice(0, 2).join('.')],
  ['four parts', () => `${pieces({})}.AAAA`],
  ['five parts: a JWE', () => `${text('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.AAAA.AAAA.AAAA.AAAA`],
  ['three parts with enc: a JWE by header', () => header({ enc: 'A256GCM' })],
  ['the JSON serialization', () => JSON.stringify({ payload: 'e30', signatures: [] })],
  ['padding after the header', () => cut(pieces({}), 0, (part) => `${part}=`)],
  ['padding after the payload', () => cut(pieces({}), 1, (part) => `${part}==`)],
  ['padding after the signature', () => cut(pieces({}), 2, (part) => `${part}==`)],
  ['standard base64 in the signature', () => cut(pieces({}), 2, (part) => `+/${part.slice(2)}`)],
  [
    'leftover bits in the signature',
    // 64 bytes leave four bits of the last letter unused.
    () => cut(pieces({}), 2, (part) => part.slice(0, -1) + String.fromCharCode(part.charCodeAt(85) + 1)),
  ],
  ['a byte more in the signature', () => cut(pieces({}), 2, (part) => `${part}AA`)],
  [
    'an impossible length of base64url',
    () => cut(pieces({}), 1, (part) => `${part.slice(0, part.length - (part.length % 4))}A`),
  ],
  ['more than eight kilobytes', () => claims({ padding: 'x'.repeat(7_000) })],
  // The algorithm and the key.
  ['alg none, signed', () => header({ alg: 'none' })],
  ['alg none, empty signature', () => cut(header({ alg: 'none' }), 2, () => '')],
  ['alg nOnE', () => header({ alg: 'nOnE' })],
  ['alg as a list', () => header({ alg: ['ES256'] })],
  ['no alg', () => header({ alg: undefined })],
  ['alg in small letters', () => header({ alg: 'es256' })],
  [
    'HS256 over the published RSA key',
    () => pieces({ header: { alg: 'HS256', kid: 'rsa' }, secret: String(publicJwk(home, 'rsa').n) }),
  ],
  [
    'HS256 over the published key as JSON',
    () => pieces({ header: { alg: 'HS256', kid: 'ec' }, secret: JSON.stringify(publicJwk(home, 'ec')) }),
  ],
  ['HS256 over an empty secret', () => pieces({ header: { alg: 'HS256', kid: 'ec' }, secret: '' })],
  ['an RSA signature said to be ES256', () => pieces({ key: 'rsa', header: { alg: 'ES256', kid: 'ec' } })],
  ['an EC signature said to be RS256', () => header({ alg: 'RS256', kid: 'rsa' })],
  ['the right key under another algorithm', () => pieces({ key: 'rsa', header: { alg: 'RS512' }, signAs: 'RS512' })],
  ['RS256 said to be PS256', () => pieces({ key: 'rsa', header: { alg: 'PS256' } })],
  ['a published key of an algorithm that is not allowed', () => pieces({ key: 'ed' })],
  ['a DER signature', () => pieces({ signAs: 'ES256-DER' })],
  ['a signature of nothing', () => cut(pieces({}), 2, () => 'A'.repeat(86))],
  ['a signature whose first bit is another', () => cut(pieces({}), 2, other)],
  [
    'a payload whose first bits are others',
    () => cut(pieces({}), 1, (part) => text(Buffer.from(part, 'base64url').toString().replace('operator', 'owner'))),
  ],
  [
    'a header changed after signing',
    () => cut(pieces({}), 0, () => text('{"alg":"ES256","kid":"ec","typ":"at+jwt","x5t":"a"}')),
  ],
  ['a key of another issuer', () => pieces({ key: 'other', header: { kid: 'other' } })],
  ['a key of another issuer under our kid', () => pieces({ key: 'other', header: { kid: 'ec' } })],
  ['a key that is not published', () => pieces({ key: 'next' })],
  ['a kid that is unknown', () => header({ kid: 'nobody' })],
  ['a kid that is a path', () => header({ kid: '../../issuers/ec' })],
  ['a kid that is an address', () => header({ kid: 'https://attacker.example/key' })],
  ['a kid that is SQL', () => header({ kid: `ec' or '1'='1` })],
  ['a kid that is a prototype’s', () => header({ kid: '__proto__' })],
  ['a kid that is a number', () => header({ kid: 1 })],
  ['an empty kid', () => header({ kid: '' })],
  ['a kid without end', () => header({ kid: 'e'.repeat(300) })],
  ['no kid, with several keys', () => pieces({ headerText: '{"alg":"ES256","typ":"at+jwt"}', key: 'next' })],
  // The header.
  ['an embedded key', () => pieces({ key: 'next', header: { kid: 'next', jwk: publicJwk(home, 'next') } })],
  ['an embedded key beside the right one', () => header({ jwk: publicJwk(home, 'ec') })],
  ['an address of keys', () => header({ jku: 'http://127.0.0.1:1/keys' })],
  ['an address of certificates', () => header({ x5u: 'http://127.0.0.1:1/cert' })],
  ['certificates', () => header({ x5c: ['AAAA'] })],
  ['a critical extension', () => header({ crit: ['exp'], exp: 1 })],
  ['a critical b64', () => header({ crit: ['b64'], b64: false })],
  ['an empty crit', () => header({ crit: [] })],
  ['a compressed payload', () => header({ zip: 'DEF' })],
  ['a nested token', () => header({ cty: 'JWT' })],
  ['a header member nobody knows', () => header({ more: 'x' })],
  [
    'a header with a member twice',
    () => pieces({ headerText: '{"alg":"none","alg":"ES256","kid":"ec","typ":"at+jwt"}' }),
  ],
  [
    'a header with a member twice, once escaped',
    () => pieces({ headerText: '{"\\u0061lg":"ES256","alg":"ES256","kid":"ec","typ":"at+jwt"}' }),
  ],
  ['a header that is a list', () => pieces({ headerText: '["ES256"]' })],
  ['a header that is no JSON', () => pieces({ headerText: '{"alg":"ES256"' })],
  ['a header with a byte order mark', () => pieces({ headerText: '\ufeff{"alg":"ES256","kid":"ec","typ":"at+jwt"}' })],
  ['no type', () => header({ typ: undefined })],
  ['the type of an ID token', () => header({ typ: 'JWT' })],
  ['the type of a logout token', () => header({ typ: 'logout+jwt' })],
  ['a type of ours: a vote', () => header({ typ: 'exo-vote+jwt' })],
  ['a type that only begins right', () => header({ typ: 'at+jwt;x' })],
  // The claims.
  ['no claims', () => pieces({ payload: '' })],
  ['claims that are a list', () => pieces({ payload: `[${JSON.stringify(RIGHT())}]` })],
  ['claims that are a text', () => pieces({ payload: '"claims"' })],
  ['claims that are null', () => pieces({ payload: 'null' })],
  ['claims that are no JSON', () => pieces({ payload: 'sub=operator' })],
  ['claims that are not UTF-8', () => pieces({ payload: Uint8Array.of(0x7b, 0xff, 0x7d) })],
  [
    'claims with a member twice',
    () => pieces({ payload: JSON.stringify(RIGHT()).replace('{', `{"sub":"${subject('owner')}",`) }),
  ],
  ['claims nested without end', () => claims({ deep: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) })],
  ['no issuer', () => claims({ iss: undefined })],
  ['an issuer nobody configured', () => claims({ iss: 'https://attacker.example' })],
  ['an issuer with a slash too many', () => claims({ iss: `${ISSUER}/` })],
  ['an issuer that is a list', () => claims({ iss: [ISSUER] })],
  ['another issuer’s name', () => claims({ iss: OTHER_ISSUER })],
  ['the same subject at another issuer', () => claims({ iss: OTHER_ISSUER }, { key: 'other' })],
  ['no audience', () => claims({ aud: undefined })],
  ['another audience', () => claims({ aud: 'https://elsewhere.example' })],
  ['an audience that begins alike', () => claims({ aud: `${AUDIENCE}.attacker.example` })],
  ['an empty list of audiences', () => claims({ aud: [] })],
  ['no subject', () => claims({ sub: undefined })],
  ['an empty subject', () => claims({ sub: '' })],
  ['a subject that is a list', () => claims({ sub: [subject('operator')] })],
  ['a subject nobody linked', () => claims({ sub: `${tenant.id}:nobody` })],
  ['a subject in capitals', () => claims({ sub: subject('operator').toUpperCase() })],
  ['a subject with a space', () => claims({ sub: `${subject('operator')} ` })],
  ['a subject with a NUL', () => claims({ sub: `${subject('operator')}\0` })],
  ['a principal’s id as the subject', () => claims({ sub: tenant.principal('operator') })],
  ['no client', () => claims({ client_id: undefined })],
  ['no token id', () => claims({ jti: undefined })],
  ['no end', () => claims({ exp: undefined })],
  [
    'an end a second beyond the skew',
    () => claims({ iat: now() - 100, nbf: now() - 100, exp: now() - SKEW_SECONDS - 1 }),
  ],
  ['an end that is a text', () => claims({ exp: String(now() + 300) })],
  ['an end after all time', () => claims({ exp: 1e15 })],
  ['an end before it was issued', () => claims({ iat: now() - 10, exp: now() - 20 })],
  ['no time of issue', () => claims({ iat: undefined })],
  ['a time of issue that is to come', () => claims({ iat: now() + 60, nbf: undefined })],
  ['an age beyond the allowed', () => claims({ iat: now() - MAX_AGE_SECONDS - SKEW_SECONDS - 1, exp: now() + 300 })],
  ['a beginning that is to come', () => claims({ nbf: now() + 60 })],
  ['a beginning that is null', () => claims({ nbf: null })],
  ['somebody who acts for the subject and is nobody', () => claims({ act: { sub: subject('agent').toUpperCase() } })],
  ['a proof of possession it is bound to', () => claims({ cnf: { jkt: 'x' } })],
  ['a scope that is a list', () => claims({ scope: ['read'] })],
  ['a scope that is an object', () => own({ scope: { read: true } })],
  ['an audience that is an object', () => own({ aud: { [AUDIENCE]: true } })],
  ['an audience that is a number', () => own({ aud: 7 })],
  ['audiences that are not all texts', () => own({ aud: [AUDIENCE, 7] })],
  ['audiences within a list', () => own({ aud: [[AUDIENCE]] })],
  ['a client that is a list', () => own({ client_id: ['console'] })],
  ['an empty client', () => own({ client_id: '' })],
  ['an empty token id', () => own({ jti: '' })],
  ['a token id that is a number', () => own({ jti: 7 })],
  ['a token id without end', () => own({ jti: 'x'.repeat(2_000) })],
  ['a subject without end', () => own({ sub: 'x'.repeat(2_000) })],
  ['a subject of two lines', () => own({ sub: `${subject('admin')}\n${subject('owner')}` })],
  ['a time of issue that is a text', () => own({ iat: String(now()) })],
  ['a time of issue before all time', () => own({ iat: -1 })],
  ['an end that is a date', () => own({ exp: '2090-01-01T00:00:00Z' })],
  ['an end that is a list', () => own({ exp: [now() + 300] })],
  ['an end that is null', () => own({ exp: null })],
  ['a beginning that is a text', () => own({ nbf: String(now() - 1) })],
  ['somebody who acts, though nobody', () => own({ act: null })],
  ['an issuer in capitals', () => own({ iss: ISSUER.toUpperCase() })],
  ['an audience in capitals', () => own({ aud: AUDIENCE.toUpperCase() })],
  ['an unencoded payload', () => own({}, { header: { b64: false } })],
  ['a type that is a list', () => own({}, { header: { typ: ['at+jwt'] } })],
  ['an empty type', () => own({}, { header: { typ: '' } })],
  ['a certificate’s digest that is a number', () => own({}, { header: { x5t: 7 } })],
  ['a kid that is null', () => own({}, { header: { kid: null } })],
  ['a kid in capitals', () => own({}, { header: { kid: 'EC' } })],
]

describe('refused alike on every route', () => {
  const ROUTES = [
    { method: 'GET', path: '/operations' },
    { method: 'POST', path: '/operations', body: '{"action":"note.append","input":{}}' },
    { method: 'DELETE', path: '/operator-keys/x', body: '{"reason":"x"}' },
  ]
  let told: string | null = null

  test('are at least 120 tokens, while the right one is taken', async () => {
    expect(REFUSED.length).toBeGreaterThanOrEqual(120)
    expect(new Set(REFUSED.map(([title]) => title)).size).toBe(REFUSED.length)
    expect(await accepted(pieces({}))).toBe(true)
  })

  test.each(REFUSED)('%s', async (_title, make) => {
    const authorization = `Bearer ${make()}`
    for (const route of ROUTES) {
      const answer = await sendFromElsewhere(url, {
        ...route,
        headers: {
          authorization,
          'x-mode': 'lab',
          'x-project-id': 'p_main',
          'content-type': 'application/json',
          'x-request-id': 'same',
        },
      })
      expectRefusal(answer, 401, 'auth.invalid')
      told ??= answer.text
      expect(answer.text).toBe(told)
    }
  })

  test('and the right one is still taken after all of them', async () => {
    expect(await accepted(pieces({}))).toBe(true)
  })
})

describe('refusals of one credential', () => {
  test('are too many at some time, from whatever address, and what is right is still taken', async () => {
    const pool = new pg.Pool({ connectionString: addresses.postgres.roles.app, max: 4 })
    const admission = new AdmissionStore(pool)
    const issuers = await readIssuers(join(home, 'issuers', 'settings.json'), 'lab')
    const tokens = await TokenReader.open(issuers, () => undefined)
    const log = { error: () => undefined }
    const api = makeApi({ mode: 'lab', addressLimit: 1_000_000, admission, tokens, log } as never)
    let asked = 0
    const ask = async (token: string) => {
      const remoteAddress = `10.0.${asked >> 8}.${asked++ & 255}`
      const env = { incoming: { socket: { remoteAddress, remotePort: 1, remoteFamily: 'IPv4' } } }
      const headers = { authorization: `Bearer ${token}`, 'x-mode': 'lab' }
      return (await api.app.request('/auth/me', { headers }, env)).status
    }
    const key = tenant.as('admin').token ?? ''
    const wrongs = [
      `${key.slice(0, -3)}${key.endsWith('AAA') ? 'BBB' : 'AAA'}`,
      tokenOf('admin', { exp: now() - 1_000, iat: now() - 2_000, nbf: undefined }),
      tokenOf('member', {}, { key: 'next' }),
    ]
    for (const wrong of wrongs) {
      for (let i = 0; i < LIMITS.credentialFailuresPerMinute; i++) expect(await ask(wrong)).toBe(401)
      expect(await ask(wrong)).toBe(429)
    }
    for (const right of [key, tokenOf('admin'), tokenOf('member')]) expect(await ask(right)).toBe(200)
    await api.close()
    await pool.end()
  })
})

describe('the key set of an issuer', () => {
  afterEach(async () => {
    publish(home, ['rsa', 'ec', 'ed'])
    await until('the set is as it was', () => accepted(tokenOf('viewer')))
  })

  test('is read again when it changes: a new key is taken, one that was taken out is not', async () => {
    const old = tokenOf('viewer')
    const next = tokenOf('viewer', {}, { key: 'next' })
    expect([await accepted(old), await accepted(next)]).toEqual([true, false])
    publish(home, ['next', 'ec'])
    await until('the new key is taken', () => accepted(next))
    expect(await accepted(old)).toBe(true)
    publish(home, ['next'])
    await until('the old key is taken no more', async () => !(await accepted(old)))
    expect(await accepted(next)).toBe(true)
  })

  test.each<[string, () => string]>([
    ['is cut short', () => '{"keys":['],
    ['is no set', () => '[]'],
    [
      'holds a private key',
      () => readFileSync(join(home, 'issuers', 'ec.jwk'), 'utf8').replace(/^/, '{"keys":[') + ']}',
    ],
    ['is empty', () => '{"keys":[]}'],
    ['is too large', () => `{"keys":[]${' '.repeat(300_000)}}`],
  ])('that %s verifies nothing until it is sound', async (_title, content) => {
    writeFileSync(join(home, 'issuers', 'set.json'), content())
    await until('nothing is taken', async () => !(await accepted(tokenOf('viewer'))))
    expect((await tenant.as('viewer').get('/auth/me')).status).toBe(200)
  })
})

describe('a principal', () => {
  test('that was revoked is refused by the next request, with its token as with its key', async () => {
    const caller = byToken('auditor')
    expect((await caller.get('/operations')).status).toBe(200)
    await owner.query(`update principals set status = 'revoked' where id = $1`, [tenant.principal('auditor')])
    for (const each of [caller, byToken('auditor'), tenant.as('auditor')])
      expect(refused(await each.get('/operations'))).toEqual([403, 'auth.principal_revoked'])
  })

  test('is made with a subject by another person’s vote, and belongs nowhere before it is a member', async () => {
    const sub = `${tenant.id}:new`
    const asked = await tenant
      .as('owner')
      .post('/principals', { kind: 'user', name: 'New', oidc: { issuer: ISSUER, sub } })
    expect(asked.status).toBe(202)
    expect(await accepted(signToken(home, claimsOf(sub)))).toBe(false)
    expect(refused(await vote(tenant.as('owner'), asked.body))).toEqual([403, 'approval.self'])
    const voted = await vote(tenant.as('operator'), asked.body)
    const made = voted.body.operation.effect.result
    expect(made).toMatchObject({ kind: 'user', name: 'New', oidc: { issuer: ISSUER, sub } })
    const me = await new Caller(url, signToken(home, claimsOf(sub))).get('/auth/me', {
      headers: { 'x-tenant-id': tenant.id },
    })
    expect(refused(me)).toEqual([403, 'auth.tenant_mismatch'])
    const listed = (await tenant.as('viewer').get('/principals')).body.items
    expect(listed.find((row: { id: string }) => row.id === made.id)).toMatchObject({ name: 'New', role: null })
  })

  test('is not made with the subject of somebody else', async () => {
    const oidc = { issuer: ISSUER, sub: subject('owner') }
    const asked = await tenant.as('owner').post('/principals', { kind: 'agent', name: 'Taken', oidc })
    const voted = await vote(tenant.as('operator'), asked.body)
    expect(voted.body.operation).toMatchObject({ status: 'failed', error: { code: 'effect.precondition_failed' } })
    expect((await byToken('owner').get('/auth/me')).body.principal.id).toBe(tenant.principal('owner'))
  })

  test.each<[string, object, string]>([
    [
      'an issuer nobody configured',
      { kind: 'user', name: 'x', oidc: { issuer: 'https://x.example', sub: 'x' } },
      '/input/oidc/issuer',
    ],
    ['a person of nowhere', { kind: 'agent', name: 'x', person_id: 'u_nobody' }, '/input/person_id'],
    ['the person of another tenant', { kind: 'agent', name: 'x', person_id: 'u_demo_owner' }, '/input/person_id'],
  ])('is not made with %s', async (_title, body, path) => {
    const asked = await tenant.as('owner').post('/principals', body)
    expect(refused(asked)).toEqual([400, 'validation.error'])
    expect(asked.body.error.details.errors).toMatchObject([{ path }])
  })

  test('is not made by whoever may not', async () => {
    for (const name of ['admin', 'operator', 'agent'] as const)
      expect(refused(await tenant.as(name).post('/principals', { kind: 'user', name: 'x' }))).toEqual([
        403,
        'auth.insufficient_role',
      ])
  })
})
