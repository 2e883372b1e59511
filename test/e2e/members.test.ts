/** Principals and memberships: widened by another person's vote, narrowed at once, seen by the next request. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text as asText } from 'node:stream/consumers'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { Caller, callers } from '../support/client.ts'
import { expectDescribed } from '../support/described.ts'
import { claimsOf, ISSUER, signToken } from '../support/issuer.ts'
import { verifyBundles } from '../support/verified.ts'
import { makeTenant, pending, refused, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'

const { url, home, credentials } = inject('deployment')
const all = callers(url, credentials)
let tenant: Tenant
let other: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'members', { issuer: ISSUER })
  other = await makeTenant(all, url, 'strangers')
  await tenant.open(UNLIMITED)
})

async function newcomer(sub: string): Promise<{ id: string; person_id: string; caller: Caller }> {
  const oidc = { issuer: ISSUER, sub: `${tenant.id}:${sub}` }
  const asked = await tenant.as('owner').post('/principals', { kind: 'user', name: sub, oidc })
  const voted = await vote(tenant.as('operator'), asked.body)
  const { id, person_id } = voted.body.operation.effect.result
  expectDescribed('post /principals', voted.body.operation.effect.result)
  return { id, person_id, caller: new Caller(url, signToken(home, claimsOf(oidc.sub))) }
}
async function put(principal_id: string, role: string, more: object = {}) {
  const asked = await tenant.as('owner').put('/memberships', { principal_id, role, ...more })
  if (asked.status !== 202) throw new Error(`${asked.status} ${JSON.stringify(asked.body)}`)
  const { operation } = (await vote(tenant.as('operator'), asked.body)).body
  if (operation.status === 'executed') expectDescribed('put /memberships', operation.effect.result)
  return operation
}

describe('a membership', () => {
  test('is given by another person’s vote, and is seen by the next request', async () => {
    const { id, caller } = await newcomer('ada')
    expect(await put(id, 'operator', { permissions: ['measure'] })).toMatchObject({
      status: 'executed',
      effect: { result: { principal_id: id, role: 'operator', permissions: ['measure'], status: 'active' } },
    })
    const { body } = await caller.get('/auth/me')
    expect(body.tenants).toMatchObject([{ id: tenant.id, role: 'operator' }])
    expect(body.tenants[0].permissions).toEqual(expect.arrayContaining(['measure', 'decide']))
    const asked = await pending(tenant.as('member'), { notebook: 'members', text: 'x' })
    expect((await vote(caller, asked)).body.operation.status).toBe('executed')
    expect(await put(id, 'viewer')).toMatchObject({ status: 'executed' })
    expect((await caller.get('/auth/me')).body.tenants).toMatchObject([{ role: 'viewer', permissions: ['read'] }])
  })

  test('ends at once by one person, and a vote cast before it ended no longer counts', async () => {
    const { id, caller } = await newcomer('eve')
    await put(id, 'operator')
    const asked = await tenant.as('member').post('/operations', {
      action: 'note.append',
      input: { notebook: 'members', text: 'two must agree' },
      approval: { quorum: 2 },
    })
    await vote(caller, asked.body)
    const ended = await tenant.as('owner').call('DELETE', `/memberships/${id}`, { reason: 'left' })
    expect([ended.status, ended.body]).toMatchObject([200, { principal_id: id, status: 'revoked' }])
    expect(refused(await caller.get('/operations', { headers: { 'x-tenant-id': tenant.id } }))).toEqual([
      403,
      'auth.principal_revoked',
    ])
    await vote(tenant.as('operator'), asked.body)
    expect(await tenant.ended(asked.body.id)).toMatchObject({ status: 'failed', effect: null })
    expect(refused(await tenant.as('owner').call('DELETE', `/memberships/${id}`, { reason: 'again' }))).toEqual([
      404,
      'resource.not_found',
    ])
    const listed = (await tenant.as('viewer').get('/memberships')).body.items
    expect(listed.find((row: { principal_id: string }) => row.principal_id === id)).toMatchObject({
      role: 'operator',
      status: 'revoked',
    })
    expect(await put(id, 'viewer')).toMatchObject({ status: 'executed' })
    expect((await caller.get('/operations')).status).toBe(200)
  })

  test('of a foreign principal is as one of nobody', async () => {
    for (const id of [other.principal('viewer'), 'p_nobody', 'p_system_platform_operator']) {
      expect(refused(await tenant.as('owner').put('/memberships', { principal_id: id, role: 'viewer' }))).toEqual([
        404,
        'resource.not_found',
      ])
      expect(refused(await tenant.as('owner').call('DELETE', `/memberships/${id}`, { reason: 'x' }))).toEqual([
        404,
        'resource.not_found',
      ])
      expect(refused(await tenant.as('owner').call('DELETE', `/principals/${id}`, { reason: 'x' }))).toEqual([
        404,
        'resource.not_found',
      ])
    }
    expect((await other.as('viewer').get('/operations')).status).toBe(200)
  })

  test('of an agent is that of a member or a viewer', async () => {
    const asked = await tenant
      .as('owner')
      .put('/memberships', { principal_id: tenant.principal('agent'), role: 'owner' })
    expect(refused(asked)).toEqual([400, 'validation.error'])
  })

  test('is changed by nobody without identity:write, and not by the platform', async () => {
    const body = { principal_id: tenant.principal('viewer'), role: 'owner' }
    for (const name of ['admin', 'operator', 'viewer', 'agent'] as const) {
      expect(refused(await tenant.as(name).put('/memberships', body))).toEqual([403, 'auth.insufficient_role'])
      expect(
        refused(await tenant.as(name).call('DELETE', `/memberships/${body.principal_id}`, { reason: 'x' })),
      ).toEqual([403, 'auth.insufficient_role'])
    }
    expect(refused(await all.platform.put('/memberships', body))).toEqual([403, 'auth.insufficient_role'])
    const byTheWay = await tenant.as('admin').post('/operations', { action: 'membership.put', input: body })
    expect(refused(byTheWay)).toEqual([403, 'auth.insufficient_role'])
  })
})

describe('the last owner of a tenant', () => {
  const remove = async (what: 'memberships' | 'principals', id: string, by: Caller) =>
    refused(await by.call('DELETE', `/${what}/${id}`, { reason: 'goes' }))
  const REQUIRED = [409, 'resource.required']
  const DONE = [200, undefined]

  test('is neither demoted nor removed, by whatever way, until there is another', async () => {
    const id = tenant.principal('owner')
    const owner = tenant.as('owner')
    expect(refused(await owner.put('/memberships', { principal_id: id, role: 'admin' }))).toEqual(REQUIRED)
    expect(await remove('memberships', id, owner)).toEqual(REQUIRED)
    expect(await remove('principals', id, owner)).toEqual(REQUIRED)
    expect(await put(id, 'owner', { permissions: ['measure'] })).toMatchObject({ status: 'executed' })

    const heir = await newcomer('heir')
    await put(heir.id, 'owner')
    const demoted = await owner.put('/memberships', { principal_id: id, role: 'admin' })
    expect(demoted.status).toBe(202)
    expect(await remove('memberships', heir.id, owner)).toEqual(DONE)
    expect((await vote(tenant.as('operator'), demoted.body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed' },
    })
    expect((await owner.get('/auth/me')).body.tenants).toMatchObject([{ role: 'owner' }])
  })

  test('is who is left when two remove each other at the same time', async () => {
    const pair = await makeTenant(all, url, 'pair', { issuer: ISSUER })
    await pair.open(UNLIMITED)
    const second = { principal_id: pair.principal('admin'), role: 'owner' }
    for (let round = 0; round < 4; round++) {
      const owners = (await pair.as('viewer').get('/memberships')).body.items.filter(
        (row: { role: string; status: string }) => row.role === 'owner' && row.status === 'active',
      )
      const first = owners[0].principal_id === pair.principal('owner') ? pair.as('owner') : pair.as('admin')
      const other = owners[0].principal_id === pair.principal('owner') ? second.principal_id : pair.principal('owner')
      const asked = await first.put('/memberships', { principal_id: other, role: 'owner' })
      await vote(pair.as('operator'), asked.body)
      const ends = await Promise.all([
        remove('memberships', pair.principal('admin'), pair.as('owner')),
        remove('memberships', pair.principal('owner'), pair.as('admin')),
      ])
      expect(ends.filter(([status]) => status === 200)).toHaveLength(1)
    }
  })

  test('elsewhere is not removed by the tenant that made it either', async () => {
    const guest = await makeTenant(all, url, 'hosting', { guests: [tenant.principal('operator3')] })
    await guest.open(UNLIMITED)
    const asked = await guest
      .as('owner')
      .put('/memberships', { principal_id: tenant.principal('operator3'), role: 'owner' })
    expect((await vote(guest.as('operator'), asked.body)).body.operation.status).toBe('executed')
    expect(await remove('memberships', guest.principal('owner'), guest.as('owner'))).toEqual(DONE)
    const id = tenant.principal('operator3')
    expect(await remove('principals', id, tenant.as('owner'))).toEqual(REQUIRED)
    expect(await remove('memberships', id, tenant.as('owner'))).toEqual(DONE)
  })
})

describe('a vote whose body is long in coming', () => {
  test('is judged by what its sender is when it is there', async () => {
    const { id, caller } = await newcomer('slow')
    await put(id, 'operator')
    const operation = await pending(tenant.as('agent'), { notebook: 'slow', text: 'no hurry' })
    const said = JSON.stringify({ decision: 'deny', intent_hash: operation.intent_hash, reason: 'took my time' })
    const { status, body } = await sentInTwo(caller, `/operations/${operation.id}/decisions`, said, async () => {
      const removed = await tenant.as('owner').call('DELETE', `/memberships/${id}`, { reason: 'gone' })
      expect(removed.status).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 600))
    })
    expect([status, body.error.code, body.error.details.check]).toEqual([400, 'approval.vote_invalid', 'entitlement'])
    expect(await tenant.operation(operation.id)).toMatchObject({ status: 'pending_approval', approval: { votes: [] } })
  })
})

/** Sends the second half of a body when `meanwhile` is over. */
async function sentInTwo({ url, token }: Caller, path: string, text: string, meanwhile: () => Promise<void>) {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    'x-mode': 'lab',
    'x-project-id': 'p_main',
  }
  const sent = request(url + path, { method: 'POST', headers })
  const answer = once(sent, 'response') as Promise<[IncomingMessage]>
  sent.write(text.slice(0, 10))
  await meanwhile()
  sent.end(text.slice(10))
  const [got] = await answer
  return { status: got.statusCode, body: JSON.parse(await asText(got)) }
}

describe('a principal', () => {
  test('that its tenant revokes is refused by the next request, and is no member again', async () => {
    const { id, caller } = await newcomer('mallory')
    await put(id, 'viewer')
    expect((await caller.get('/operations')).status).toBe(200)
    expect((await tenant.as('owner').call('DELETE', `/principals/${id}`, { reason: 'gone' })).status).toBe(200)
    expect(refused(await caller.get('/operations'))).toEqual([403, 'auth.principal_revoked'])
    expect(refused(await tenant.as('owner').put('/memberships', { principal_id: id, role: 'viewer' }))).toEqual([
      400,
      'validation.error',
    ])
  })

  test('of a person who is there already is that person: one vote for both', async () => {
    const { id, person_id } = await newcomer('two')
    await put(id, 'operator')
    const sub = `${tenant.id}:two-again`
    const asked = await tenant
      .as('owner')
      .post('/principals', { kind: 'user', name: 'Two again', person_id, oidc: { issuer: ISSUER, sub } })
    const second = (await vote(tenant.as('operator'), asked.body)).body.operation.effect.result
    expect(second.person_id).toBe(person_id)
    await put(second.id, 'operator')
    const [one, again] = [`${tenant.id}:two`, sub].map((each) => new Caller(url, signToken(home, claimsOf(each))))
    if (one === undefined || again === undefined) throw new Error('no callers')
    const operation = await one.post('/operations', {
      action: 'note.append',
      input: { notebook: 'members', text: 'mine' },
    })
    expect(refused(await vote(again, operation.body))).toEqual([403, 'approval.self'])
  })
})

test('what made a principal, a member and a key is proven offline, votes cast by token included', async () => {
  const oidc = { issuer: ISSUER, sub: `${tenant.id}:proven` }
  const voter = new Caller(url, signToken(home, claimsOf(`${tenant.id}:operator`)))
  const asked = await tenant.as('owner').post('/principals', { kind: 'user', name: 'Proven', oidc })
  const { id } = (await vote(voter, asked.body)).body.operation.effect.result
  const member = await tenant.as('owner').put('/memberships', { principal_id: id, role: 'viewer' })
  await vote(voter, member.body)
  const key = await tenant.as('owner').post('/api-keys', { principal_id: id, expires_at: '2090-01-01T00:00:00Z' })
  await vote(voter, key.body)
  const ids = [asked, member, key].map(({ body }) => body.id as string)
  expect(await verifyBundles(tenant.as('operator'), ids)).toEqual({ verdict: 'PASS', runs: 3, failures: [] })
})
