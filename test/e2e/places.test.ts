/** Projects, surfaces and apps: who registers them, and that nothing goes on in one that is not the tenant's own and active. */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'
import {
  makeTenant,
  notesIn,
  type Operation,
  propose,
  refused,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials } = inject('deployment')
const all = callers(url, credentials)
let tenant: Tenant
let other: Tenant
/** Operations whose place was ended before they were. */
const ended: string[] = []

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'places')
  other = await makeTenant(all, url, 'elsewhere')
  await tenant.open(UNLIMITED)
})

const KINDS = [
  ['project', 'p', 'X-Project-Id'],
  ['surface', 's', 'X-Surface-Id'],
  ['app', 'a', 'X-App-Id'],
] as const

describe.each(KINDS)('a %s', (kind, prefix, header) => {
  const id = `${prefix}_shop`
  const list = async () => (await tenant.as('viewer').get(`/${kind}s`)).body.items
  const within = (place: string) => ({ headers: { [header.toLowerCase()]: place } })
  const end = (place: string) => tenant.as('admin').call('DELETE', `/${kind}s/${place}`, { reason: 'closed' })

  test('is registered by one person at once, and requests may then name it', async () => {
    expect(refused(await tenant.as('viewer').get('/operations', within(id)))).toEqual([404, 'context.not_found'])
    const made = await tenant.as('admin').post(`/${kind}s`, { id, name: 'Shop' })
    expect([made.status, made.body]).toEqual([201, { id, name: 'Shop', status: 'active' }])
    expect(await list()).toEqual([
      expect.objectContaining({ id: `${prefix}_main`, status: 'active' }),
      { id, name: 'Shop', status: 'active' },
    ])
    expect((await tenant.as('viewer').get('/operations', within(id))).status).toBe(200)
    expect(refused(await tenant.as('admin').post(`/${kind}s`, { id, name: 'Again' }))).toEqual([
      409,
      'resource.conflict',
    ])
    expect(refused(await tenant.as('operator').post(`/${kind}s`, { id, name: 'x' }))).toEqual([
      403,
      'auth.insufficient_role',
    ])
  })

  test('of another tenant is unknown here, and may be called the same', async () => {
    await other.as('owner').post(`/${kind}s`, { id: `${prefix}_theirs`, name: 'Theirs' })
    const foreign = await tenant.as('owner').get('/operations', within(`${prefix}_theirs`))
    expect([...refused(foreign), foreign.body.error.details]).toEqual([404, 'context.not_found', { field: header }])
    expect((await tenant.as('owner').post(`/${kind}s`, { id: `${prefix}_theirs`, name: 'Ours' })).status).toBe(201)
    expect((await tenant.as('owner').get('/operations', within(`${prefix}_theirs`))).status).toBe(200)
  })

  test('is ended with a reason, and is then as unknown as one that never was, until it is registered anew', async () => {
    expect(await end(id)).toMatchObject({ status: 200, body: { id, status: 'inactive' } })
    expect(await list()).toContainEqual({ id, name: 'Shop', status: 'inactive' })
    const named = await propose(tenant.as('agent'), { notebook: 'n', text: 't' })
    expect(named.status).toBe(202)
    const gone = await tenant
      .as('agent')
      .post('/operations', { action: 'note.append', input: { notebook: 'n', text: 't' } }, within(id))
    expect([...refused(gone), gone.body.error.details]).toEqual([404, 'context.not_found', { field: header }])
    expect(refused(await end(id))).toEqual([404, 'resource.not_found'])
    expect(refused(await tenant.as('admin').call('DELETE', `/${kind}s/${id}`, {}))).toEqual([400, 'validation.error'])
    expect((await tenant.as('admin').post(`/${kind}s`, { id, name: 'Again' })).status).toBe(201)
    expect((await tenant.as('viewer').get('/operations', within(id))).status).toBe(200)
  })

  test('that is ended while people decide has nothing happen in it, of what anybody asked for', async () => {
    const place = `${prefix}_closing`
    expect((await tenant.as('admin').post(`/${kind}s`, { id: place, name: 'Closing' })).status).toBe(201)
    const note = { action: 'note.append', input: { notebook: place, text: 'too late' } }
    const change = { base_version: (await tenant.as('owner').get('/policy')).body.version, reason: 'too late' }
    const asked = await tenant.as('agent').post<Operation>('/operations', note, within(place))
    const policy = { ...change, policy: { feature_flags: { ws_enabled: true } } }
    const governing = await tenant.as('owner').put<Operation>('/policy', policy, within(place))
    expect([asked.status, governing.status]).toEqual([202, 202])
    await end(place)
    expect((await vote(tenant.as('operator'), asked.body)).body.operation).toMatchObject({
      status: 'blocked',
      error: { code: 'context.not_found', gate: 'firearms', details: { field: header } },
    })
    expect(await notesIn(tenant.as('viewer'), place)).toEqual([])
    expect((await vote(tenant.as('operator'), governing.body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed', details: { field: header } },
    })
    expect((await tenant.as('viewer').get('/policy')).body.version).toBe(change.base_version)
    ended.push(asked.body.id, governing.body.id)
  })

  test('that requests are in when they name none cannot be ended', async () => {
    expect(refused(await end(`${prefix}_main`))).toEqual([409, 'resource.required'])
  })
})

test('what ended with its place verifies offline', async () => {
  expect(await verifyBundles(tenant.as('auditor'), ended)).toEqual({ verdict: 'PASS', runs: 6, failures: [] })
})

describe('a row', () => {
  const ROWS = (surface_id: string) => ({
    grants: [
      {
        principal_id: tenant.principal('agent'),
        license_type: 'lt_a',
        actions: ['note.append'],
        surface_id,
        expires_at: '2090-01-01T00:00:00Z',
      },
    ],
    strategy_locks: [{ action: 'note.append', surface_id, required: false }],
    budget: [{ scope: { surface_id }, threshold: '1' }],
    kpi: {
      definitions: [{ surface_id, kpi: 'k', unit: 'x', window_seconds: 60 }],
      corridors: [{ surface_id, kpi: 'k', ceiling: '5' }],
    },
    temperature: [{ surface_id, ceilings: { k: '5' } }],
  })
  const put = async (surface: string) => {
    const { version } = (await tenant.as('owner').get('/policy')).body
    const policy = { license_types: [{ id: 'lt_a', name: 'A' }], ...ROWS(surface) }
    return await tenant.as('owner').put('/policy', { base_version: version, reason: 'x', policy })
  }

  test('of the control document names a surface of the tenant, or each is told with its path', async () => {
    await other.as('owner').post('/surfaces', { id: 's_foreign', name: 'Foreign' })
    const [foreign, absent] = [await put('s_foreign'), await put('s_absent')]
    expect(refused(foreign)).toEqual([400, 'validation.error'])
    expect(foreign.body.error.details.errors).toEqual(
      ['grants/0', 'strategy_locks/0', 'budget/0/scope', 'kpi/definitions/0', 'kpi/corridors/0', 'temperature/0'].map(
        (at) => ({ path: `/policy/${at}/surface_id`, message: 'is no active surface of this tenant' }),
      ),
    )
    expect(foreign.body.error.details).toEqual(absent.body.error.details)
    await tenant.as('owner').post('/surfaces', { id: 's_foreign', name: 'Now ours as well' })
    expect((await put('s_foreign')).status).toBe(202)
  })

  test('of a measurement does too', async () => {
    const post = (surface_id: string) => tenant.as('service').post('/kpi/raw', { kpi: 'k', value: '1', surface_id })
    const absent = await post('s_absent')
    expect([...refused(absent), absent.body.error.details.errors]).toEqual([
      400,
      'validation.error',
      [{ path: '/surface_id', message: 'is no active surface of this tenant' }],
    ])
    expect((await post('s_main')).status).toBe(201)
  })
})

describe('the platform', () => {
  test('acts in its own surface and app, and in no other that a header makes up', async () => {
    expect((await all.platform.get('/policy', { headers: { 'x-surface-id': 's_main' } })).status).toBe(200)
    const made = await all.platform.get('/policy', { headers: { 'x-surface-id': 's_made_up' } })
    expect([...refused(made), made.body.error.details]).toEqual([404, 'context.not_found', { field: 'X-Surface-Id' }])
  })
})
