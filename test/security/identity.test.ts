/** Attempts to be more than the credential says: by headers, bodies and queries, by another tenant, by another surface. */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { Caller, callers } from '../support/client.ts'
import { claimsOf, ISSUER, signToken } from '../support/issuer.ts'
import { notRequired, UNTIL } from '../support/opening.ts'
import { makeTenant, pending, propose, refused, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'

const { url, home, credentials } = inject('deployment')
const all = callers(url, credentials)
const note = (text: string): JsonObject => ({ notebook: 'identity', text })
let tenant: Tenant
let other: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'home', { issuer: ISSUER })
  other = await makeTenant(all, url, 'second', { guests: [tenant.principal('operator2')] })
  for (const each of [tenant, other]) await each.open(UNLIMITED)
})

const stop = { scope: 'tenant', state: 'stopped', reason: 'not mine to stop' }
const INSUFFICIENT = [403, 'auth.insufficient_role']
const ABSENT = [404, 'resource.not_found']

describe('a role', () => {
  test.each([
    ['X-Role'],
    ['X-Roles'],
    ['X-User-Role'],
    ['X-Permissions'],
    ['X-Scope'],
    ['X-Principal-Id'],
    ['X-User-Id'],
    ['X-Forwarded-User'],
    ['X-Remote-User'],
    ['X-Auth-Request-Groups'],
    ['X-Platform-Role'],
    ['X-On-Behalf-Of'],
    ['X-Original-Url'],
    ['X-HTTP-Method-Override'],
    ['Cookie'],
  ])('in header %s gives nothing', async (header) => {
    const viewer = tenant.as('viewer')
    for (const value of ['owner', tenant.principal('owner'), 'platform_operator', 'role=owner']) {
      const headers = { [header]: value }
      expect(refused(await viewer.put('/kill-switches', stop, { headers }))).toEqual(INSUFFICIENT)
      const { body } = await viewer.get('/auth/me', { headers })
      const { principal, tenants, platform_role } = body
      expect([principal.id, tenants[0].permissions, platform_role]).toEqual([
        tenant.principal('viewer'),
        ['read'],
        null,
      ])
    }
  })

  test('in a claim, a body or a query gives nothing', async () => {
    const claimed = { role: 'owner', roles: ['owner'], groups: ['owner'], permissions: ['stop'] }
    const token = signToken(home, claimsOf(`${tenant.id}:viewer`, claimed))
    expect(refused(await new Caller(url, token).put('/kill-switches', stop))).toEqual(INSUFFICIENT)
    const said = { ...stop, role: 'owner', permissions: ['stop'] }
    expect(refused(await tenant.as('viewer').put('/kill-switches?role=owner', stop))).toEqual(INSUFFICIENT)
    expect(refused(await tenant.as('operator').put('/kill-switches', said))).toEqual([400, 'validation.error'])
  })
})

describe('a member of two tenants', () => {
  const both = () => new Caller(url, signToken(home, claimsOf(`${tenant.id}:operator2`)))
  const within = (id: string) => ({ headers: { 'x-tenant-id': id } })

  test('says which, and a token’s claim does not say it', async () => {
    expect(refused(await both().get('/operations'))).toEqual([400, 'context.missing'])
    const claiming = new Caller(url, signToken(home, claimsOf(`${tenant.id}:operator2`, { tenant_id: other.id })))
    expect(refused(await claiming.get('/operations'))).toEqual([400, 'context.missing'])
    for (const id of [tenant.id, other.id]) expect((await both().get('/operations', within(id))).status).toBe(200)
    expect(refused(await both().get('/operations', within('t_demo')))).toEqual([403, 'auth.tenant_mismatch'])
  })

  test('acts in the one named and reaches nothing of the other from there', async () => {
    const here = await pending(tenant.as('agent'), note('here'))
    const there = await pending(other.as('agent'), note('there'))
    const decision = { decision: 'approve', intent_hash: there.intent_hash, reason: 'across' }
    const across = within(tenant.id)
    expect(refused(await both().get(`/operations/${there.id}`, across))).toEqual(ABSENT)
    for (const [way, body] of [
      ['decisions', decision],
      ['cancel', { reason: 'across' }],
      ['undo', { reason: 'across' }],
    ] as const)
      expect(refused(await both().post(`/operations/${there.id}/${way}`, body, across))).toEqual(ABSENT)
    for (const tenant_id of [other.id, [other.id]]) {
      const overriding = await both().post(`/operations/${here.id}/decisions`, { ...decision, tenant_id }, across)
      expect(refused(overriding)).toEqual([403, 'auth.identity_override'])
    }
    for (const { id } of [here, there]) {
      const owned = id === here.id ? tenant : other
      expect((await owned.operation(id)).approval.votes).toEqual([])
    }
    expect((await vote(other.as('operator'), there)).body.operation.status).toBe('executed')
  })

  test('has one key’s operation in each, and a cursor of one opens nothing in the other', async () => {
    const send = async (id: string) => {
      const options = { key: 'the-same-key', ...within(id) }
      return (await both().post('/operations', { action: 'note.append', input: note('twice') }, options)).body
    }
    const [mine, theirs] = [await send(tenant.id), await send(other.id)]
    expect([mine.tenant_id, theirs.tenant_id]).toEqual([tenant.id, other.id])
    expect(mine.id).not.toBe(theirs.id)
    const { next_cursor } = (await both().get('/operations?limit=1', within(tenant.id))).body
    expect(next_cursor).toEqual(expect.any(String))
    const answer = await both().get(`/operations?limit=1&cursor=${next_cursor}`, within(other.id))
    expect(refused(answer)).toEqual([410, 'operations.cursor_invalid'])
  })
})

describe('another surface', () => {
  const from = async (surface: string, text: string) =>
    await tenant
      .as('agent')
      .post('/operations', { action: 'note.append', input: note(text) }, { headers: { 'x-surface-id': surface } })
  const grant = (more: JsonObject): JsonObject => ({
    license_types: [{ id: 'lt_here', name: 'Here' }],
    grants: [
      {
        principal_id: tenant.principal('agent'),
        license_type: 'lt_here',
        actions: ['note.append'],
        expires_at: UNTIL,
        surface_id: 's_main',
        ...more,
      },
    ],
  })
  beforeAll(async () => {
    expect((await tenant.as('owner').post('/surfaces', { id: 's_side', name: 'Side' })).status).toBe(201)
  })

  test('does not carry a standing grant of this one', async () => {
    await tenant.policy(grant({ standing: { max_count: 10, max_amount: '10' } }))
    expect((await from('s_main', 'covered')).body.status).toBe('executed')
    const asked = await from('s_side', 'not covered')
    expect([asked.status, asked.body.status]).toEqual([202, 'pending_approval'])
  })

  test('does not carry a licence of this one, nor does it escape the binding', async () => {
    await tenant.policy({ ...grant({}), firearms: [{ action: 'note.append', license_types: ['lt_here'] }] })
    expect((await from('s_main', 'licensed')).body.status).toBe('pending_approval')
    expect(refused(await from('s_side', 'unlicensed'))).toEqual([403, 'firearms.license_required'])
    await tenant.policy({ firearms: [], grants: [] })
  })

  test('does not escape a lock that binds every surface, nor one that binds it', async () => {
    for (const surface_id of ['*', 's_side']) {
      await tenant.policy({ strategy_locks: [{ action: 'note.append', surface_id, required: true }] })
      expect(refused(await from('s_side', 'unlocked'))).toEqual([403, 'strategy_lock.approval_required'])
    }
    await tenant.policy({ strategy_locks: [] })
  })

  test('has no corridor, no limits and no threshold of this one, and so it blocks', async () => {
    const corridor = { surface_id: 's_main', kpi: 'errors', ceiling: '5' }
    const cases: [string, JsonObject, string][] = [
      ['budget', { budget: [{ scope: { surface_id: 's_main' }, threshold: '10' }] }, 'budget.threshold_missing'],
      ['kpi', { kpi: { definitions: [], corridors: [corridor] } }, 'kpi.threshold_missing'],
      [
        'temperature',
        { temperature: [{ surface_id: 's_main', ceilings: { errors: '5' } }] },
        'temperature.threshold_missing',
      ],
    ]
    const measured = await tenant.as('service').post('/kpi/raw', { surface_id: 's_main', kpi: 'errors', value: '1' })
    expect(measured.status).toBe(201)
    for (const [gate, section, code] of cases) {
      await tenant.policy({ ...section, not_required: notRequired('reversible').filter((row) => row.gate !== gate) })
      expect((await from('s_main', `${gate} holds here`)).body.status).toBe('pending_approval')
      expect(refused(await from('s_side', `${gate} is missing there`))).toEqual([403, code])
    }
    await tenant.policy({ not_required: notRequired('reversible') })
  })

  test('that the tenant did not register is none', async () => {
    expect(refused(await from('s_nowhere', 'from nowhere'))).toEqual([404, 'context.not_found'])
    const inBody = await propose(tenant.as('agent'), note('in the body'), { surface_id: 's_side' })
    expect(refused(inBody)).toEqual([403, 'auth.identity_override'])
  })
})

test('a measurement that is too old, to come, or of somebody who does not measure lets nothing pass', async () => {
  const corridor = { surface_id: 's_main', kpi: 'age', ceiling: '5', max_age_seconds: 60 }
  await tenant.policy({
    kpi: { definitions: [], corridors: [corridor] },
    not_required: notRequired('reversible').filter((row) => row.gate !== 'kpi'),
  })
  const measure = async (secondsAgo: number) =>
    await tenant.as('service').post('/kpi/raw', {
      kpi: 'age',
      value: '1',
      measured_at: new Date(Date.now() - secondsAgo * 1000).toISOString(),
    })
  expect((await measure(61)).status).toBe(201)
  expect(refused(await measure(-60))).toEqual([400, 'validation.error'])
  expect(refused(await tenant.as('agent').post('/kpi/raw', { kpi: 'age', value: '1' }))).toEqual(INSUFFICIENT)
  expect(refused(await propose(tenant.as('agent'), note('stale')))).toEqual([403, 'kpi.measurement_missing'])
  expect((await measure(1)).status).toBe(201)
  expect((await propose(tenant.as('agent'), note('fresh'))).body.status).toBe('pending_approval')
})

test.each(['-1', '-0.000001', '-0', '1e3', 'NaN', 'Infinity', '+1', ' 1', '', '0x1', '1.0000001'])(
  'a cost of %j is no estimate',
  async (estimated_cost) => {
    const asked = await propose(tenant.as('agent'), note('cheap'), { estimated_cost })
    expect(refused(asked)).toEqual([400, 'validation.error'])
  },
)
