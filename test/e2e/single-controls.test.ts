/** Every control that is put row by row: asked for, voted on by another person, shown, obeyed, and what is refused. */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { approve, type Caller, callers } from '../support/client.ts'
import { expectDescribed } from '../support/described.ts'
import { UNTIL } from '../support/opening.ts'
import {
  endedOf,
  makeTenant,
  type MemberName,
  type Operation,
  pending,
  propose,
  refused,
  type Tenant,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials } = inject('deployment')
const all = callers(url, credentials)
const surface_id = 's_main'
const reason = 'for a test'
const note = (text: string) => ({ notebook: 'single', text })
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'single')
  await tenant.open()
  for (const id of ['s_elsewhere', 's_other'])
    expect((await tenant.as('owner').post('/surfaces', { id, name: id })).status).toBe(201)
})

const ask = (method: string, path: string, body: JsonObject, by: MemberName = 'owner', key?: string) =>
  tenant.as(by).call(method, path, body, key === undefined ? {} : { key })
/** Asks as the owner, has the operator vote, and answers the resource as the repeated call does. */
async function put(method: string, path: string, body: JsonObject): Promise<JsonObject> {
  const key = `${path.slice(1).replaceAll('/', '.')}.${Math.trunc(performance.now() * 1000)}`
  const asked = await ask(method, path, body, 'owner', key)
  expect([path, asked.status, asked.body.status]).toEqual([path, 202, 'pending_approval'])
  const voted = await vote(tenant.as('operator'), asked.body)
  expect(voted.body.operation).toMatchObject({ status: 'executed' })
  const again = await ask(method, path, body, 'owner', key)
  expect([again.status, again.body]).toEqual([200, voted.body.operation.effect.result])
  expectDescribed(`${method.toLowerCase()} ${path}`, again.body)
  return again.body
}
const read = async (path: string, by: Caller = tenant.as('viewer')) => {
  const { status, body } = await by.get(path)
  expect([path, status]).toEqual([path, 200])
  if (!path.startsWith('/operations/')) expectDescribed(`get ${path}`, body)
  return body
}
const version = async (): Promise<number> => (await read('/policy'))['version']

describe('each control is put by one person and another, and is read where it is listed', () => {
  const cases: { path: string; method?: string; body: JsonObject; is?: JsonObject; list?: string; section: string }[] =
    [
      {
        method: 'POST',
        path: '/registry/firearms/license-types',
        section: 'license_types',
        body: { id: 'lt_a', name: 'A' },
      },
      {
        path: '/firearms/policy',
        section: 'firearms',
        body: { action: 'object.put', license_types: ['lt_a'], reason },
        is: { action: 'object.put', license_types: ['lt_a'], strategy_lock_required: false },
      },
      {
        path: '/strategy-lock/policy',
        section: 'strategy_locks',
        body: { action: 'object.put', required: true, reason },
        is: { action: 'object.put', surface_id: '*', required: true },
      },
      {
        path: '/egress/targets',
        section: 'egress',
        body: { origin: 'https://example.com', methods: ['POST'], idempotency_header: null, reason },
      },
      {
        path: '/budget/policy',
        section: 'budget',
        body: { scope: {}, threshold: '100.50', reason },
        is: { scope: {}, threshold: '100.5', window_days: 7 },
      },
      {
        method: 'POST',
        path: '/kpi/definitions',
        list: '/kpi/config',
        section: 'definitions',
        body: { surface_id: 's_elsewhere', kpi: 'error_rate', unit: 'percent', window_seconds: 3600 },
      },
      {
        path: '/kpi/corridors',
        list: '/kpi/config?surface_id=s_elsewhere',
        section: 'corridors',
        body: { surface_id: 's_elsewhere', kpi: 'error_rate', floor: '-1', ceiling: '5', reason },
        is: { surface_id: 's_elsewhere', kpi: 'error_rate', floor: '-1', ceiling: '5', max_age_seconds: 86_400 },
      },
      {
        path: '/temperature/ceilings',
        list: '/temperature/config',
        section: 'temperature',
        body: { surface_id, values: { load: '5' }, reason },
        is: { surface_id, floors: {}, ceilings: { load: '5' }, weights: {} },
      },
      {
        path: '/temperature/floors',
        list: '/temperature/config',
        section: 'temperature',
        body: { surface_id, values: { load: '5' }, reason },
        is: { surface_id, floors: { load: '5' }, ceilings: { load: '5' }, weights: {} },
      },
      {
        path: '/temperature/weights',
        list: '/temperature/config?surface_id=s_main',
        section: 'temperature',
        body: { surface_id, values: { load: '0.5' }, reason },
        is: { surface_id, floors: { load: '5' }, ceilings: { load: '5' }, weights: { load: '0.5' } },
      },
    ]
  test.each(cases)('$path', async ({ method = 'PUT', path, body, is, list, section }) => {
    const before = await version()
    const { reason: _why, ...plain } = body
    const row = is ?? plain
    expect(await put(method, path, body)).toEqual(row)
    const listed = await read(list ?? path)
    expect(listed[section] ?? listed['items']).toContainEqual(row)
    expect(await version()).toBe(before + 1)
  })

  test('and its leaf tells what stood before and what stands then', async () => {
    await put('PUT', '/budget/policy', { scope: {}, threshold: '200', reason: 'more' })
    const leaf = await changed('budget_policy.put', 'more')
    expect(leaf).toMatchObject({
      before: { scope: {}, threshold: '100.5', window_days: 7 },
      after: { scope: {}, threshold: '200', window_days: 7 },
    })
    expect((await read('/budget/policy?surface_id=s_other'))['threshold']).toBe('200')
  })

  test('but a licence type or a definition that is there is not created again', async () => {
    for (const [path, body] of [
      ['/registry/firearms/license-types', { id: 'lt_a', name: 'Another' }],
      ['/kpi/definitions', { surface_id: 's_elsewhere', kpi: 'error_rate', unit: 'x', window_seconds: 1 }],
    ] as const)
      expect(refused(await ask('POST', path, body))).toEqual([409, 'resource.conflict'])
  })

  test('and the most specific budget is the one that holds', async () => {
    await put('PUT', '/budget/policy', { scope: { surface_id: 's_other' }, threshold: '7', window_days: 30, reason })
    await put('PUT', '/budget/policy', { scope: { action: 'note.append' }, daily_cap: '3', reason })
    expect(await read('/budget/policy?surface_id=s_other&action=note.append')).toMatchObject({
      scope: { surface_id: 's_other' },
      threshold: '7',
      window_days: 30,
      cap: { scope: { action: 'note.append' }, daily_cap: '3' },
    })
    expect((await read('/budget/policy'))['threshold']).toBe('200')
  })
})

/** The leaf of a change by this action and for this reason, once the log has given it its place. */
async function changed(action: string, why: string): Promise<JsonObject> {
  return await until(`${action} has its leaf`, async () => {
    const { items } = await read('/audit?kind=control.changed&limit=200', tenant.as('auditor'))
    const leaves = items.map((item: { leaf: JsonObject }) => item.leaf)
    return leaves.find((leaf: JsonObject) => leaf['action'] === action && leaf['reason'] === why) ?? null
  })
}

describe('a licence', () => {
  const grant = (more: JsonObject = {}) => ({
    principal_id: tenant.principal('agent'),
    license_type: 'lt_a',
    actions: ['note.append'],
    expires_at: UNTIL,
    standing: { max_count: 2, max_amount: '5' },
    reason,
    ...more,
  })
  let id: string

  test('is asked for by all types an action is bound to, and inspect says so', async () => {
    await put('POST', '/registry/firearms/license-types', { id: 'lt_b', name: 'B' })
    await put('PUT', '/firearms/policy', { action: 'note.append', license_types: ['lt_a', 'lt_b'], reason })
    expect(await read('/registry/firearms/inspect?action=note.append')).toEqual({
      action: 'note.append',
      requires_firearms: true,
      license_types: ['lt_a', 'lt_b'],
      strategy_lock_required: false,
    })
    await put('PUT', '/firearms/grants', grant({ license_type: 'lt_b', standing: null }))
    const blocked = await propose(tenant.as('agent'), note('one of two'))
    expect(blocked.body['error']).toMatchObject({
      code: 'firearms.license_required',
      details: { required_license_types: ['lt_a'] },
    })
  })

  test('that stands replaces votes within its limits, counts its use, and is then exhausted', async () => {
    const made = await put('PUT', '/firearms/grants', grant())
    expect(made).toMatchObject({ state: 'active', used: { count: 0, amount: '0' } })
    id = String(made['id'])
    for (const [text, estimated_cost] of [
      ['first', '1.5'],
      ['second', '0.25'],
    ] as const)
      expect((await propose(tenant.as('agent'), note(text), { estimated_cost })).body).toMatchObject({
        status: 'executed',
        approval: { satisfied_by: 'license', license_id: id },
      })
    const { items } = await read(`/firearms/grants?principal_id=${tenant.principal('agent')}`)
    expect(items[0]).toMatchObject({ id, state: 'exhausted', used: { count: 2, amount: '1.75' } })
    expect((await propose(tenant.as('agent'), note('third'))).body.status).toBe('pending_approval')
  })

  test('is changed under its id and keeps its use', async () => {
    const row = await put(
      'PUT',
      '/firearms/grants',
      grant({ id, standing: { max_count: 3, max_amount: '5' }, reason: 'one more' }),
    )
    expect(row).toMatchObject({ id, state: 'active', used: { count: 2, amount: '1.75' } })
    expect((await propose(tenant.as('agent'), note('third'))).body.status).toBe('executed')
    expect(await changed('grant.put', 'one more')).toMatchObject({
      before: { id, standing: { max_count: 2 } },
      after: { id, standing: { max_count: 3 } },
    })
  })

  test('ends at once by one person, for a document as well, and never comes back', async () => {
    const stale = await read('/policy', tenant.as('owner'))
    const waiting = await ask('PUT', '/firearms/grants', grant({ id, standing: { max_count: 9, max_amount: '9' } }))
    const { status, body } = await ask('DELETE', `/firearms/grants/${id}`, { reason: 'left' })
    expect([status, body]).toMatchObject([200, { id, state: 'revoked' }])
    expect(await changed('grant.revoke', 'left')).toMatchObject({
      before: { id, state: 'exhausted' },
      after: { id, state: 'revoked' },
    })
    expect((await propose(tenant.as('agent'), note('unlicensed'))).body['error']).toMatchObject({
      code: 'firearms.license_required',
    })
    expect((await vote(tenant.as('operator'), waiting.body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed' },
    })
    const again = await ask('PUT', '/policy', { base_version: stale.version, reason, policy: stale.policy })
    expect(refused(again)).toEqual([409, 'policy.version_conflict'])
    for (const each of [id, 'gr_absent', 'x'])
      expect(refused(await ask('DELETE', `/firearms/grants/${each}`, { reason }))).toEqual([404, 'resource.not_found'])
    expect(refused(await ask('PUT', '/firearms/grants', grant({ id })))).toEqual([404, 'resource.not_found'])
    const { grants } = stale.policy
    const asked = await ask('PUT', '/policy', { base_version: await version(), reason, policy: { grants } })
    expect((await vote(tenant.as('operator'), asked.body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed' },
    })
  })

  test('is voted on neither by whom it is for nor by who owns them', async () => {
    const asked = await ask('PUT', '/firearms/grants', grant({ standing: null }))
    expect(refused(await vote(tenant.as('operator3'), asked.body))).toEqual([403, 'approval.self'])
    expect((await vote(tenant.as('operator'), asked.body)).body.operation.status).toBe('executed')
  })

  test('is not given to oneself, nor to the agent one owns, nor to nobody', async () => {
    for (const name of ['owner', 'service'] as const) {
      const principal_id = tenant.principal(name)
      expect(refused(await ask('PUT', '/firearms/grants', grant({ principal_id })))).toEqual([
        403,
        'firearms.self_grant',
      ])
      const { reason: _why, ...row } = grant({ principal_id })
      const document = { base_version: await version(), reason, policy: { grants: [row] } }
      expect(refused(await ask('PUT', '/policy', document))).toEqual([403, 'firearms.self_grant'])
    }
    const asked = await ask('PUT', '/firearms/grants', grant({ principal_id: 'p_nobody' }))
    expect(asked.body.error).toMatchObject({
      code: 'validation.error',
      details: { errors: [{ path: '/principal_id', message: 'p_nobody is no active member of the tenant' }] },
    })
  })

  test('is unbound by an empty list', async () => {
    const row = { action: 'note.append', license_types: [], strategy_lock_required: false }
    expect(await put('PUT', '/firearms/policy', { action: 'note.append', license_types: [], reason })).toEqual(row)
    const { items } = await read('/firearms/policy')
    expect(items.map((each: JsonObject) => each['action'])).not.toContain('note.append')
    expect((await propose(tenant.as('agent'), note('unbound'))).body.status).toBe('pending_approval')
  })
})

test('a corridor is obeyed by the gate', async () => {
  await put('PUT', '/kpi/corridors', { surface_id, kpi: 'load', ceiling: '5', reason })
  const waived = (await read('/policy')).policy.not_required
  await tenant.policy({ not_required: waived.filter((row: JsonObject) => row['gate'] !== 'kpi') })
  await tenant.as('service').post('/kpi/raw', { kpi: 'load', value: '5.000001' })
  expect((await propose(tenant.as('member'), note('too much'))).body['error']).toMatchObject({
    code: 'kpi.ceiling_breached',
    details: { kpi: 'load', ceiling: '5' },
  })
  await put('PUT', '/kpi/corridors', { surface_id, kpi: 'load', ceiling: '6', reason })
  await pending(tenant.as('member'), note('not too much'))
})

test('a rate limit holds from the next call on, and its own change is not counted', async () => {
  expect((await read('/rate-limits')).items).toContainEqual({
    class: 'mutation',
    limit: 600,
    window_seconds: 60,
    source: 'default',
  })
  await put('PUT', '/rate-limits', { class: 'mutation', limit: 1, window_seconds: 300, reason })
  const calls = await Promise.all(Array.from({ length: 8 }, () => propose(tenant.as('admin'), note('many at once'))))
  expect(calls.map(({ status }) => status).sort()).toEqual([202, ...Array.from({ length: 7 }, () => 429)])
  const over = calls.find(({ status }) => status === 429)
  expect(refused(over as never)).toEqual([429, 'rate_limit.exceeded'])
  const wait = Number(over?.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(60)
  expect(wait).toBeLessThanOrEqual(300)
  expect((await propose(tenant.as('operator2'), note('somebody else'))).status).toBe(202)
  await put('PUT', '/rate-limits', { class: 'mutation', limit: 10_000, window_seconds: 300, reason })
  expect((await propose(tenant.as('admin'), note('again'))).status).toBe(202)
})

describe('feature flags', () => {
  const DEFAULTS = { ws_enabled: false, sse_enabled: false, gesture_logging: false, replay_mode: 'off' }

  test('lie in three layers, each flag by itself', async () => {
    expect(await read('/feature-flags')).toMatchObject({ tenant_id: tenant.id, ...DEFAULTS })
    const asked = await all.platform.put('/feature-flags/global', {
      gesture_logging: true,
      replay_mode: 'stream',
      reason,
    })
    expect(asked.status).toBe(202)
    expect((await approve(all.platform2, asked.body)).body.operation).toMatchObject({
      status: 'executed',
      effect: { result: { tenant_id: 't_system', gesture_logging: true, sources: { gesture_logging: 'global' } } },
    })
    await put('PUT', '/feature-flags', { ws_enabled: true, reason })
    const set = await put('PUT', '/feature-flags', { replay_mode: 'keyframe' })
    expect(set).toEqual({
      tenant_id: tenant.id,
      ws_enabled: true,
      sse_enabled: false,
      gesture_logging: true,
      replay_mode: 'keyframe',
      visibility_mode: 'private',
      sources: {
        ws_enabled: 'tenant',
        sse_enabled: 'default',
        gesture_logging: 'global',
        replay_mode: 'tenant',
        visibility_mode: 'default',
      },
    })
    expect(await read('/feature-flags')).toEqual(set)
    const back = await all.platform.put('/feature-flags/global', { gesture_logging: false, replay_mode: 'off' })
    await approve(all.platform2, back.body)
    expect(await read('/feature-flags')).toMatchObject({ gesture_logging: false, replay_mode: 'keyframe' })
  })

  test('of the platform are its own, and those of a tenant the tenant’s', async () => {
    const flags = { sse_enabled: true, reason }
    const byTenant = await ask('PUT', '/feature-flags/global', flags)
    expect(byTenant.body.error).toMatchObject({
      code: 'auth.insufficient_role',
      details: { required: ['platform_operator'] },
    })
    expect(refused(await all.platform.put('/feature-flags', flags))).toEqual([403, 'auth.insufficient_role'])
    const past = { action: 'feature_flags.put_global', input: { sse_enabled: true } }
    expect(refused(await ask('POST', '/operations', past))).toEqual([403, 'auth.insufficient_role'])
  })
})

describe('what is refused before anybody is asked', () => {
  const cases: [string, string, string, JsonObject, string][] = [
    [
      'an action that nobody registered, bound',
      'PUT',
      '/firearms/policy',
      { action: 'no.such', license_types: [] },
      '/action',
    ],
    [
      'a licence type that nobody created',
      'PUT',
      '/firearms/policy',
      { action: 'note.append', license_types: ['lt_no'] },
      '/license_types',
    ],
    [
      'an action that nobody registered, locked',
      'PUT',
      '/strategy-lock/policy',
      { action: 'no.such', required: true },
      '/action',
    ],
    [
      'an action that nobody registered, capped',
      'PUT',
      '/budget/policy',
      { scope: { action: 'no.such' }, daily_cap: '1' },
      '/scope/action',
    ],
    ['a negative threshold', 'PUT', '/budget/policy', { scope: {}, threshold: '-1' }, '/threshold'],
    ['a daily cap of no action', 'PUT', '/budget/policy', { scope: {}, daily_cap: '1' }, ''],
    [
      'a floor above its ceiling',
      'PUT',
      '/kpi/corridors',
      { surface_id, kpi: 'k', floor: '123456789012.000002', ceiling: '123456789012.000001' },
      '',
    ],
    ['neither floor nor ceiling', 'PUT', '/kpi/corridors', { surface_id, kpi: 'k' }, ''],
    [
      'a floor above the ceiling that is there',
      'PUT',
      '/temperature/floors',
      { surface_id, values: { load: '5.1' } },
      '/values',
    ],
    ['a limit of nought', 'PUT', '/rate-limits', { class: 'read', limit: 0, window_seconds: 1 }, '/limit'],
    ['a class that is none', 'PUT', '/rate-limits', { class: 'stop', limit: 1, window_seconds: 1 }, '/class'],
    ['a mode that is none', 'PUT', '/feature-flags', { replay_mode: 'Stream' }, '/replay_mode'],
    [
      'an origin with a path',
      'PUT',
      '/egress/targets',
      { origin: 'https://a.example/x', methods: ['POST'], idempotency_header: null },
      '/origin',
    ],
  ]
  test.each(cases)('%s', async (_what, method, path, body, at) => {
    const answer = await ask(method, path, { ...body, reason })
    expect(refused(answer)).toEqual([400, 'validation.error'])
    expect(answer.body.error.details.errors[0].path).toBe(at)
  })

  test('a standing grant over what no grant may stand for', async () => {
    for (const action of ['http.post', 'policy.put', 'grant.put']) {
      const answer = await ask('PUT', '/firearms/grants', {
        principal_id: tenant.principal('agent'),
        license_type: 'lt_a',
        actions: [action],
        expires_at: UNTIL,
        standing: { max_count: 1, max_amount: '1' },
        reason,
      })
      expect(answer.body.error.details.errors).toEqual([
        { path: '/actions', message: `no standing grant may name ${action}` },
      ])
    }
  })

  test('somebody without the right, before the body is looked at and past the front door', async () => {
    const routes: [string, string, string][] = [
      ['POST', '/registry/firearms/license-types', 'firearms'],
      ['PUT', '/firearms/policy', 'firearms'],
      ['PUT', '/firearms/grants', 'firearms'],
      ['DELETE', '/firearms/grants/gr_x', 'firearms'],
      ['PUT', '/strategy-lock/policy', 'strategy_lock'],
      ['PUT', '/budget/policy', 'budget'],
      ['POST', '/kpi/definitions', 'kpi'],
      ['PUT', '/kpi/corridors', 'kpi'],
      ['PUT', '/temperature/weights', 'temperature'],
      ['PUT', '/rate-limits', 'rate_limit'],
      ['PUT', '/feature-flags', 'flags'],
      ['PUT', '/egress/targets', 'egress'],
    ]
    for (const [method, path, control] of routes)
      for (const by of ['operator', 'agent'] as const)
        expect((await ask(method, path, { junk: 1 }, by)).body.error).toMatchObject({
          code: 'auth.insufficient_role',
          details: { required: [`configure:${control}`] },
        })
    const past = { action: 'rate_limit.put', input: { class: 'read', limit: 1, window_seconds: 1 } }
    expect(refused(await ask('POST', '/operations', past, 'operator'))).toEqual([403, 'auth.insufficient_role'])
  })
})

describe('a change that waits', () => {
  test('fails when its row became another meanwhile, and the row stays', async () => {
    const limit = (limit: number) =>
      ask('PUT', '/rate-limits', { class: 'decision', limit, window_seconds: 60, reason })
    const [first, second] = [await limit(700), await limit(800)]
    expect((await vote(tenant.as('operator'), first.body)).body.operation.status).toBe('executed')
    expect((await vote(tenant.as('operator'), second.body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed' },
    })
    expect((await read('/rate-limits')).items.find((row: JsonObject) => row['class'] === 'decision')['limit']).toBe(700)
  })

  test('does not hinder a change of another row, nor does it outlive a denial', async () => {
    const [one, other] = [
      await ask('PUT', '/strategy-lock/policy', { action: 'http.post', required: true, reason }),
      await ask('PUT', '/strategy-lock/policy', { action: 'http.post', surface_id, required: false, reason }),
    ]
    for (const each of [one, other])
      expect((await vote(tenant.as('operator'), each.body)).body.operation.status).toBe('executed')
    const unwanted = await ask('PUT', '/strategy-lock/policy', { action: 'http.post', required: false, reason })
    expect((await vote(tenant.as('operator'), unwanted.body as Operation, 'deny')).body.operation.status).toBe('denied')
    expect((await read('/strategy-lock/policy')).items).toContainEqual({
      action: 'http.post',
      surface_id: '*',
      required: true,
    })
  })

  test('and the one who asked does not vote on it', async () => {
    const asked = await ask('PUT', '/feature-flags', { sse_enabled: true })
    expect(refused(await vote(tenant.as('owner'), asked.body))).toEqual([403, 'approval.self'])
  })
})

test('who stopped and resumed what is told, newest first, page by page', async () => {
  const row = (state: string) => ({ scope: 'tenant', state, actions: ['note.remove'], reason: `${state} it` })
  await ask('PUT', '/kill-switches', row('stopped'), 'operator')
  const resume = await ask('PUT', '/kill-switches', row('running'), 'operator2')
  await vote(tenant.as('operator'), resume.body)
  const { policy } = await read('/policy')
  const kill_switches = policy.kill_switches.filter(
    (each: JsonObject) => (each['selector'] as JsonObject)['kind'] === 'all',
  )
  await tenant.policy({ kill_switches })
  const page = await read('/kill-switches/history?limit=2')
  const selector = { kind: 'action', value: 'note.remove' }
  expect(page.items).toMatchObject([
    { scope: 'tenant', selector, was: 'running', state: 'unset', changed_by: tenant.principal('owner') },
    { selector, was: 'stopped', state: 'running', changed_by: tenant.principal('operator2'), reason: 'running it' },
  ])
  const next = await read(`/kill-switches/history?limit=2&cursor=${page.next_cursor}`)
  expect(next.items[0]).toMatchObject({
    selector,
    was: 'unset',
    state: 'stopped',
    changed_by: tenant.principal('operator'),
    reason: 'stopped it',
  })
  expect(refused(await tenant.as('viewer').get(`/firearms/grants?cursor=${page.next_cursor}`))).toEqual([
    410,
    'controls.cursor_invalid',
  ])
})

test('every bundle these operations left verifies offline', async () => {
  const ended = await endedOf(tenant)
  const { verdict, failures } = await verifyBundles(tenant.as('auditor'), ended)
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})
