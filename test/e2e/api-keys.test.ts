/** API keys: made and rotated by another person's vote, shown once, never more than their principal, revoked at once. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { approve, Caller, callers, keyParts } from '../support/client.ts'
import { expectDescribed } from '../support/described.ts'
import { Database } from '../support/database.ts'
import { claimsOf, ISSUER, signToken } from '../support/issuer.ts'
import { type MemberName, makeTenant, propose, refused, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import type { JsonObject } from '../../domain/canonical.ts'

const { url, home, credentials, addresses } = inject('deployment')
const all = callers(url, credentials)
const owner = new Database(addresses.postgres.ownerUrl)
const LATER = '2090-01-01T00:00:00Z'
let tenant: Tenant
let other: Tenant
let count = 0

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'apikeys', { issuer: ISSUER })
  other = await makeTenant(all, url, 'otherkeys')
  await tenant.open(UNLIMITED)
})
afterAll(() => owner.end())

/** Asked for by `by`, voted by `operator2`, and fetched by repeating the call. */
async function made(
  by: Caller,
  path: string,
  body: JsonObject,
): Promise<{ id: string; api_key: string; resource: JsonObject; asked: string }> {
  const key = `key-${tenant.id}-${++count}`
  const asked = await by.post(path, body, { key })
  if (asked.status !== 202) throw new Error(`${path}: ${asked.status} ${JSON.stringify(asked.body)}`)
  const voted = await vote(tenant.as('operator2'), asked.body)
  if (voted.body.operation?.status !== 'executed') throw new Error(JSON.stringify(voted.body))
  const { status, body: resource } = await by.post(path, body, { key })
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(resource)}`)
  expectDescribed(path.endsWith('/rotate') ? 'post /api-keys/{id}/rotate' : `post ${path}`, resource)
  return { id: resource.id, api_key: resource.api_key, resource, asked: asked.body.id }
}
const forAgent = (change: JsonObject = {}): JsonObject => ({
  principal_id: tenant.principal('agent'),
  expires_at: LATER,
  ...change,
})
const works = async (token: string) => (await new Caller(url, token).get('/auth/me')).status === 200
const idOf = (name: MemberName) => keyParts(tenant.as(name).token).id
const listed = async (id: string) =>
  (await tenant.as('viewer').get('/api-keys')).body.items.find((row: { id: string }) => row.id === id)

describe('a new key', () => {
  test('works for its principal once another person voted, and is shown once', async () => {
    const body = forAgent()
    const key = `once-${tenant.id}`
    const asked = await tenant.as('owner').post('/api-keys', body, { key })
    expect([asked.status, asked.body.status]).toEqual([202, 'pending_approval'])
    expect(refused(await vote(tenant.as('owner'), asked.body))).toEqual([403, 'approval.self'])
    await vote(tenant.as('operator'), asked.body)
    const repeats = await Promise.all(
      Array.from({ length: 5 }, () => tenant.as('owner').post('/api-keys', body, { key })),
    )
    const shown = repeats.flatMap(({ body: { api_key } }) => (api_key === undefined ? [] : [api_key as string]))
    expect(shown).toHaveLength(1)
    const { body: me } = await new Caller(url, shown[0] ?? null).get('/auth/me')
    expect(me.principal.id).toBe(tenant.principal('agent'))
    expect(me.tenants.map((row: { id: string }) => row.id)).toEqual([tenant.id])
    expect((await propose(new Caller(url, shown[0] ?? null), { notebook: 'keys', text: 'x' })).status).toBe(202)
  })

  test('stands with its secret in no result, receipt, leaf, list or operation', async () => {
    const { api_key, asked } = await made(tenant.as('owner'), '/api-keys', forAgent())
    const { secret } = keyParts(api_key)
    const told = await Promise.all(
      [`/operations/${asked}`, `/operations/${asked}/receipt`, `/audit?operation_id=${asked}`, '/api-keys'].map(
        (path) => tenant.as('operator').get(path),
      ),
    )
    for (const answer of told) {
      expect(answer.status).toBe(200)
      expect(JSON.stringify(answer.body)).not.toContain(secret)
    }
  })

  test('is narrowed to what was asked for', async () => {
    const { api_key } = await made(
      tenant.as('owner'),
      '/api-keys',
      forAgent({ permissions: ['read', 'execute:observe'] }),
    )
    const { body } = await new Caller(url, api_key).get('/auth/me')
    expect(body.tenants[0].permissions).toEqual(['execute:observe', 'read'])
    expect(refused(await propose(new Caller(url, api_key), { notebook: 'keys', text: 'x' }))).toEqual([
      403,
      'auth.insufficient_role',
    ])
  })

  test.each<[string, () => JsonObject, string]>([
    ['more than the principal has', () => forAgent({ permissions: ['read', 'stop'] }), '/input/permissions/1'],
    ['a wildcard that is more', () => forAgent({ permissions: ['configure:*'] }), '/input/permissions/0'],
    ['the right to decide for an agent', () => forAgent({ permissions: ['decide'] }), '/input/permissions/0'],
    [
      'the right to decide as somebody else',
      () => ({ principal_id: tenant.principal('operator'), permissions: ['decide'], expires_at: LATER }),
      '/input/permissions/0',
    ],
    ['another tenant', () => forAgent({ tenants: [other.id] }), '/input/tenants'],
    ['an end that has passed', () => forAgent({ expires_at: '2020-01-01T00:00:00Z' }), '/input/expires_at'],
  ])('is not made with %s', async (_title, body, path) => {
    const answer = await tenant.as('owner').post('/api-keys', body())
    expect(refused(answer)).toEqual([400, 'validation.error'])
    expect(answer.body.error.details.errors).toMatchObject([{ path }])
  })

  test('for a foreign principal is as one for nobody', async () => {
    for (const principal_id of [other.principal('agent'), 'p_nobody', 'p_system_platform_operator'])
      expect(refused(await tenant.as('owner').post('/api-keys', forAgent({ principal_id })))).toEqual([
        404,
        'resource.not_found',
      ])
  })

  test('for somebody else takes identity:write; for oneself or one’s agent it does not', async () => {
    for (const name of ['viewer', 'operator', 'admin', 'agent'] as const)
      expect(
        refused(
          await tenant.as(name).post('/api-keys', { principal_id: tenant.principal('member'), expires_at: LATER }),
        ),
      ).toEqual([403, 'auth.insufficient_role'])
    const mine = await made(tenant.as('viewer'), '/api-keys', {
      principal_id: tenant.principal('viewer'),
      expires_at: LATER,
    })
    expect(await works(mine.api_key)).toBe(true)
    expect(await works((await made(tenant.as('operator3'), '/api-keys', forAgent())).api_key)).toBe(true)
  })

  test('for another user never decides, not even when they come to', async () => {
    const { api_key, resource } = await made(tenant.as('owner'), '/api-keys', {
      principal_id: tenant.principal('operator'),
      expires_at: LATER,
    })
    expect(resource.permissions).not.toContain('decide')
    const { body } = await new Caller(url, api_key).get('/auth/me')
    expect(body.tenants[0].permissions).toContain('stop')
    expect(body.tenants[0].permissions).not.toContain('decide')
    const viewer = await made(tenant.as('owner'), '/api-keys', {
      principal_id: tenant.principal('viewer'),
      expires_at: LATER,
    })
    expect(viewer.resource.permissions).toEqual(['read'])
  })

  test('asked for with a narrow credential is as narrow', async () => {
    const narrow = new Caller(url, signToken(home, claimsOf(`${tenant.id}:operator`, { scope: 'read stop' })))
    const body = { principal_id: tenant.principal('operator'), expires_at: LATER }
    const wider = await narrow.post('/api-keys', { ...body, permissions: ['decide'] })
    expect(refused(wider)).toEqual([400, 'validation.error'])
    expect((await made(narrow, '/api-keys', body)).resource.permissions).toEqual(['read', 'stop'])
  })

  test('of one who may decide does, when they asked for it themselves', async () => {
    const body = { principal_id: tenant.principal('operator'), expires_at: LATER }
    const { api_key } = await made(tenant.as('operator'), '/api-keys', body)
    expect((await new Caller(url, api_key).get('/auth/me')).body.tenants[0].permissions).toContain('decide')
  })

  test('is void when the principal’s role changed while people decided', async () => {
    const asked = await tenant
      .as('owner')
      .post('/api-keys', { principal_id: tenant.principal('auditor'), expires_at: LATER })
    await owner.within(tenant.id, `update memberships set role = 'viewer' where principal_id = $1`, [
      tenant.principal('auditor'),
    ])
    await vote(tenant.as('operator'), asked.body)
    expect(await tenant.ended(asked.body.id)).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed', details: { changed: 'preview' } },
    })
    expect(
      (await tenant.as('viewer').get('/api-keys')).body.items.filter(
        (row: { principal_id: string }) => row.principal_id === tenant.principal('auditor'),
      ),
    ).toHaveLength(1)
    await owner.within(tenant.id, `update memberships set role = 'auditor' where principal_id = $1`, [
      tenant.principal('auditor'),
    ])
  })
})

describe('a key', () => {
  test('ends when it expires, by the database’s clock', async () => {
    const soon = new Date(Date.now() + 2_500).toISOString()
    const { id, api_key } = await made(tenant.as('owner'), '/api-keys', forAgent({ expires_at: soon }))
    expect(await works(api_key)).toBe(true)
    await until('the key has expired', async () => !(await works(api_key)))
    expect(await listed(id)).toMatchObject({ state: 'expired', revoked_at: null })
  })

  test('says when it was last used, to the minute, and is not written by each use', async () => {
    const { id, api_key } = await made(tenant.as('owner'), '/api-keys', forAgent())
    expect(await listed(id)).toMatchObject({ state: 'active', last_used_at: null })
    const rows = async () =>
      await owner.query<{ xmin: string; last: string | null }>(
        `select xmin::text, last_used_at::text as last from api_keys where id = $1`,
        [id],
      )
    expect(await works(api_key)).toBe(true)
    const first = await rows()
    expect(first[0]?.last).not.toBeNull()
    await Promise.all(Array.from({ length: 10 }, () => works(api_key)))
    expect(await rows()).toEqual(first)
    expect((await listed(id)).last_used_at).toMatch(/:00\.000000Z$/)
    await owner.query(`update api_keys set last_used_at = last_used_at - interval '61 seconds' where id = $1`, [id])
    const old = await rows()
    await Promise.all(Array.from({ length: 10 }, () => works(api_key)))
    expect((await rows())[0]?.last).not.toBe(old[0]?.last)
  })

  test('is replaced by a new one and lives on for the overlap', async () => {
    const old = await made(tenant.as('owner'), '/api-keys', forAgent({ permissions: ['read'] }))
    const next = await made(tenant.as('owner'), `/api-keys/${old.id}/rotate`, { overlap_seconds: 3, expires_at: LATER })
    expect(next.resource).toMatchObject({
      principal_id: tenant.principal('agent'),
      permissions: ['read'],
      replaces: old.id,
    })
    expect([await works(old.api_key), await works(next.api_key)]).toEqual([true, true])
    await until('the old key has ended', async () => !(await works(old.api_key)))
    expect(await works(next.api_key)).toBe(true)
  })

  test('ends at once when it is replaced without an overlap, and never lives longer by it', async () => {
    const old = await made(tenant.as('owner'), '/api-keys', forAgent())
    const next = await made(tenant.as('owner'), `/api-keys/${old.id}/rotate`, { expires_at: LATER })
    expect([await works(old.api_key), await works(next.api_key)]).toEqual([false, true])
    const brief = new Date(Date.now() + 60_000).toISOString()
    const short = await made(tenant.as('owner'), '/api-keys', forAgent({ expires_at: brief }))
    await made(tenant.as('owner'), `/api-keys/${short.id}/rotate`, { overlap_seconds: 86_400, expires_at: LATER })
    expect(Date.parse((await listed(short.id)).expires_at)).toBe(Date.parse(brief))
  })

  test('is not replaced twice, nor for longer than a day, nor from another tenant', async () => {
    const body = { expires_at: LATER }
    const old = await made(tenant.as('owner'), '/api-keys', forAgent())
    await made(tenant.as('owner'), `/api-keys/${old.id}/rotate`, body)
    const again = await tenant.as('owner').post(`/api-keys/${old.id}/rotate`, body)
    const voted = await vote(tenant.as('operator'), again.body)
    expect(voted.body.operation).toMatchObject({ status: 'failed', error: { code: 'effect.precondition_failed' } })
    const long = await tenant.as('owner').post(`/api-keys/${old.id}/rotate`, { ...body, overlap_seconds: 86_401 })
    expect(refused(long)).toEqual([400, 'validation.error'])
    for (const id of [old.id, 'nosuchkey'])
      expect(refused(await other.as('owner').post(`/api-keys/${id}/rotate`, body))).toEqual([404, 'resource.not_found'])
  })

  test('of another principal is not ended by naming it', async () => {
    const input = forAgent({ replaces: { id: idOf('service'), overlap_seconds: 0 } })
    const asked = await tenant.as('owner').post('/api-keys', input)
    const voted = await vote(tenant.as('operator'), asked.body)
    expect(voted.body.operation).toMatchObject({ status: 'failed', error: { code: 'effect.precondition_failed' } })
    expect((await tenant.as('service').get('/auth/me')).status).toBe(200)
  })

  test('is revoked at once by one person, with a leaf, and stays revoked', async () => {
    const { id, api_key } = await made(tenant.as('owner'), '/api-keys', forAgent())
    const revoke = async (by: Caller) => await by.call('DELETE', `/api-keys/${id}`, { reason: 'lost' })
    for (const stranger of [other.as('owner'), tenant.as('operator'), tenant.as('viewer')])
      expect(refused(await revoke(stranger))).toEqual([404, 'resource.not_found'])
    expect(await works(api_key)).toBe(true)
    const answer = await revoke(tenant.as('owner'))
    expect(answer.status).toBe(200)
    expect(await works(api_key)).toBe(false)
    expect(await listed(id)).toMatchObject({ state: 'revoked' })
    expect(refused(await revoke(tenant.as('owner')))).toEqual([404, 'resource.not_found'])
    const leaf = await until('the leaf is there', async () => {
      const { body } = await tenant.as('auditor').get(`/audit?request_id=${answer.headers.get('x-request-id')}`)
      return body.items[0]?.leaf
    })
    expect(leaf).toMatchObject({ kind: 'control.changed', action: 'api_key.revoke', reason: 'lost', after: { id } })
  })

  test('is revoked by whoever holds it', async () => {
    const { id, api_key } = await made(tenant.as('owner'), '/api-keys', forAgent({ permissions: ['read'] }))
    expect((await new Caller(url, api_key).call('DELETE', `/api-keys/${id}`, { reason: 'mine' })).status).toBe(200)
    expect(await works(api_key)).toBe(false)
  })

  test('is seen in its own tenant only', async () => {
    const ours = (await tenant.as('viewer').get('/api-keys')).body.items
    const theirs = (await other.as('viewer').get('/api-keys')).body.items
    expect(ours.map((row: { id: string }) => row.id)).toContain(idOf('agent'))
    expect(theirs.map((row: { id: string }) => row.id)).not.toContain(idOf('agent'))
    expect(theirs).toHaveLength(10)
    expect(JSON.stringify(ours)).not.toMatch(/secret/)
  })
})

test('a platform operator’s key is made by the other one’s vote and acts for the platform alone', async () => {
  const { body: me } = await all.platform.get('/auth/me')
  const body = { principal_id: me.principal.id, permissions: ['read'], expires_at: LATER }
  const key = `platform-${tenant.id}`
  const asked = await all.platform.post('/api-keys', body, { key })
  expect((await approve(all.platform2, asked.body)).body.operation.status).toBe('executed')
  const { body: got } = await all.platform.post('/api-keys', body, { key })
  const caller = new Caller(url, got.api_key, true)
  expect((await caller.get('/auth/me')).body).toMatchObject({
    platform_role: 'platform_operator',
    permissions: ['read'],
  })
  expect(
    refused(
      await caller.put('/kill-switches', { scope: 'global', state: 'stopped', reason: 'x', actions: ['note.list'] }),
    ),
  ).toEqual([403, 'auth.insufficient_role'])
  expect((await all.platform.call('DELETE', `/api-keys/${got.id}`, { reason: 'done' })).status).toBe(200)
  expect(refused(await caller.get('/auth/me'))).toEqual([401, 'auth.invalid'])
})
