/** What is measured, spent and remembered about people: posted by who may, read exactly, and told to nobody else. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'
import { expectDescribed } from '../support/described.ts'
import { Database } from '../support/database.ts'
import { notRequired, RUNNING } from '../support/opening.ts'
import {
  type LeafSeen,
  makeTenant,
  type MemberName,
  notesIn,
  pending,
  propose,
  refused,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, home, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const all = callers(url, credentials)
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'usage')
  await tenant.policy({
    ...UNLIMITED,
    ...standingFor(tenant),
    kill_switches: [RUNNING('tenant')],
    not_required: notRequired('reversible').filter((row) => row.gate !== 'budget'),
    budget: [{ scope: {}, threshold: '100', window_days: 30 }],
  })
})
afterAll(() => owner.end())
const note = (text: string) => ({ notebook: 'usage', text })
const usage = (body: object, headers: Record<string, string> = {}) =>
  tenant.as('service').post('/budget/usage', { action: 'note.append', ...body }, { headers })
const summary = async (query = '') => (await tenant.as('viewer').get(`/budget/usage/summary${query}`)).body

describe('usage', () => {
  test('is entered for an operation that costs, with everything that says where it came from', async () => {
    const trace = { 'x-trace-id': 'trace-1', 'x-run-id': 'run-1', 'x-step-id': 'step-1', 'x-request-id': 'req-1' }
    const done = await tenant
      .as('agent')
      .post(
        '/operations',
        { action: 'note.append', input: note('costs'), estimated_cost: '2.500000' },
        { headers: trace },
      )
    expect([done.status, done.body.context.run_id, done.body.context.step_id]).toEqual([201, 'run-1', 'step-1'])
    const { items, next_cursor } = (await tenant.as('viewer').get('/budget/usage?limit=1')).body
    expect(next_cursor).toBeNull()
    expect(items).toEqual([
      {
        id: expect.stringMatching(/^bu_[0-9a-f]{32}$/),
        source: 'operation',
        operation_id: done.body.id,
        action: 'note.append',
        principal_id: tenant.principal('agent'),
        project_id: 'p_main',
        surface_id: 's_main',
        app_id: 'a_main',
        request_id: 'req-1',
        trace_id: 'trace-1',
        run_id: 'run-1',
        step_id: 'step-1',
        cost: '2.5',
        currency: 'USD',
        state: 'settled',
        at: expect.any(String),
      },
    ])
  })

  test('is not entered for what costs nothing or did not happen', async () => {
    const before = await summary()
    await propose(tenant.as('agent'), note('free'))
    await propose(tenant.as('agent'), note('too dear'), { estimated_cost: '1000' })
    await pending(tenant.as('member'), note('waits'), { estimated_cost: '1' })
    expect(await summary()).toEqual(before)
  })

  test('that is posted counts toward the gates, and is settled at once', async () => {
    const posted = await usage({ cost: '97' }, { 'x-run-id': 'run-2' })
    expect([posted.status, posted.body]).toMatchObject([
      201,
      { source: 'posted', cost: '97', state: 'settled', operation_id: null, run_id: 'run-2', surface_id: 's_main' },
    ])
    expect(await summary()).toEqual({ currency: 'USD', window_days: 30, settled: '99.5', reserved: '0' })
    expect(await summary('?surface_id=s_main&window_days=1')).toMatchObject({ window_days: 1, settled: '99.5' })
    expect(await summary('?surface_id=s_other')).toMatchObject({ settled: '0', reserved: '0' })
    const over = await propose(tenant.as('agent'), note('over'), { estimated_cost: '0.500001' })
    expect(refused(over)).toEqual([403, 'budget.threshold_exceeded'])
    expect(over.body.error.details).toMatchObject({ settled: '99.5', estimate: '0.500001' })
    expect((await propose(tenant.as('agent'), note('fits'), { estimated_cost: '0.5' })).status).toBe(201)
  })

  test('under one key is posted once, and the key stands for nothing else', async () => {
    const entered = async () => (await tenant.as('viewer').get('/budget/usage?limit=200')).body.items.length
    const before = await entered()
    const body = { cost: '0', action: 'note.append' }
    const post = async (key: string, more: object = {}) =>
      await tenant.as('service').post('/budget/usage', { ...body, ...more }, { key })
    const [first, ...others] = await Promise.all(Array.from({ length: 6 }, () => post('usage-1')))
    for (const each of others) expect(each.body).toEqual(first?.body)
    const again = await post('usage-1')
    expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([200, first?.body, 'true'])
    expect([first, ...others].map((each) => each?.status).toSorted()).toEqual([200, 200, 200, 200, 200, 201])
    expect(refused(await post('usage-1', { cost: '1' }))).toEqual([409, 'idempotency.conflict'])
    expect(refused(await post('usage-1', { surface_id: 's_main' }))).toEqual([409, 'idempotency.conflict'])
    expect(refused(await post('not a key'))).toEqual([400, 'context.invalid'])
    const unkeyed = await tenant.as('service').post('/budget/usage', body)
    expect([unkeyed.status, unkeyed.headers.get('idempotency-key')]).toEqual([201, expect.stringMatching(/^key_/)])
    expect(await entered()).toBe(before + 2)
  })

  test('may name an operation of the tenant and its action, and no other', async () => {
    const { items } = (await tenant.as('viewer').get('/operations?status=executed&limit=1')).body
    const named = await usage({ cost: '0', operation_id: items[0].id })
    expect([named.status, named.body.operation_id]).toEqual([201, items[0].id])
    expect(refused(await usage({ cost: '0', operation_id: 'op_absent' }))).toEqual([404, 'resource.not_found'])
    const wrong = { cost: '0', operation_id: items[0].id, action: 'note.remove' }
    expect(refused(await usage(wrong))).toEqual([404, 'resource.not_found'])
    expect(refused(await usage({ cost: '0', action: 'no.such' }))).toEqual([404, 'action.unknown'])
    expect(refused(await usage({ cost: '0', surface_id: 's_absent' }))).toEqual([400, 'validation.error'])
  })

  test.each([
    ['-1'],
    ['-0.000001'],
    ['NaN'],
    ['Infinity'],
    ['1e3'],
    ['1E3'],
    ['0x10'],
    ['1.0000001'],
    ['1000000000000'],
    [' 1'],
    ['1\n'],
    ['+1'],
    ['١'],
    [''],
    [1],
    [null],
  ])('of %j is refused', async (cost) => {
    expect(refused(await usage({ cost }))).toEqual([400, 'validation.error'])
  })

  test('is dated and named by the server, and posted only by who executes', async () => {
    for (const more of [{ at: '2020-01-01T00:00:00Z' }, { id: 'bu_mine' }, { state: 'reserved' }, { currency: 'EUR' }])
      expect(refused(await usage({ cost: '1', ...more }))).toEqual([400, 'validation.error'])
    for (const name of ['owner', 'admin', 'operator', 'member', 'agent', 'viewer'] as const)
      expect(refused(await tenant.as(name).post('/budget/usage', { cost: '1', action: 'note.append' }))).toEqual([
        403,
        'auth.insufficient_role',
      ])
    expect(refused(await usage({ cost: '1' }, { 'x-run-id': 'a b' }))).toEqual([400, 'context.invalid'])
  })

  test('is read page by page, by a cursor of this list alone', async () => {
    const ids: string[] = []
    let cursor = ''
    do {
      const { items, next_cursor } = (await tenant.as('viewer').get(`/budget/usage?limit=2${cursor}`)).body
      ids.push(...items.map((item: { id: string }) => item.id))
      cursor = next_cursor === null ? '' : `&cursor=${next_cursor}`
      if (ids.length === 2)
        for (const other of [`window_days=3${cursor}`, `limit=2${cursor}x`])
          expect(refused(await tenant.as('viewer').get(`/budget/usage?${other}`))).toEqual([
            410,
            'budget.cursor_invalid',
          ])
    } while (cursor !== '')
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBe(6)
    expect((await tenant.as('viewer').get('/budget/usage?window_days=91')).status).toBe(400)
  })
})

describe('what may be learned from', () => {
  const prefs = async (name: MemberName) => (await tenant.as(name).get('/privacy/train-prefs')).body
  const effective = async (name: MemberName) => (await prefs(name)).effective
  const say = (name: MemberName, scope: 'tenant' | 'user', opt_out: boolean, more: object = {}) =>
    tenant.as(name).post(`/privacy/train-prefs/${scope}`, { opt_out, ...more })
  const optIn = async () => {
    const asked = await say('owner', 'tenant', false)
    expect([asked.status, asked.body.status, asked.body.action]).toEqual([202, 'pending_approval', 'train_prefs.put'])
    return asked.body
  }
  /** Follows one event from its request to every leaf of it: votes, intent, outcome, end, seal. */
  const flagsOf = async (requester: MemberName, voter: MemberName, last = 'operation.closed') => {
    const row = await pending(tenant.as(requester), note('followed'))
    await vote(tenant.as(voter), row)
    const leaves = await tenant.leavesUpTo(row.id, last)
    expect(leaves.slice(0, 6).map((leaf) => leaf.kind)).toEqual([
      'operation.requested',
      'operation.pending',
      'vote.accepted',
      'effect.intent',
      'effect.outcome',
      'operation.closed',
    ])
    return leaves.map((leaf) => leaf.train_ok)
  }
  const each = (flag: boolean, leaves = 6) => Array.from({ length: leaves }, () => flag)
  const none = { opt_out: null, changed_by: null, changed_at: null }

  test('is nothing while nobody has said anything', async () => {
    const user_id = tenant.principal('member')
    expect(await prefs('member')).toEqual({
      tenant: none,
      user: { ...none, user_id },
      effective: { train_ok: false, because: 'nobody_opted_in' },
    })
    expect(await flagsOf('member', 'operator')).toEqual(each(false))
  })

  test('is not opened by one person, for the tenant or by opting in alone', async () => {
    expect((await say('member', 'user', false)).status).toBe(200)
    expect(await effective('member')).toEqual({ train_ok: false, because: 'nobody_opted_in' })
    for (const name of ['member', 'operator', 'viewer', 'auditor', 'service'] as const)
      for (const opt_out of [true, false])
        expect(refused(await say(name, 'tenant', opt_out))).toEqual([403, 'auth.insufficient_role'])
    const asked = await optIn()
    expect(refused(await vote(tenant.as('owner'), asked))).toEqual([403, 'approval.self'])
    expect(await effective('member')).toMatchObject({ train_ok: false })
  })

  test('is what another person lets the tenant opt in to, and then reaches every leaf', async () => {
    const voted = await vote(tenant.as('admin'), await optIn())
    expect(voted.body.operation).toMatchObject({
      status: 'executed',
      effect: { result: { tenant: { opt_out: false, changed_by: tenant.principal('owner') } } },
    })
    expect(await effective('member')).toEqual({ train_ok: true, because: 'opted_in' })
    expect(await flagsOf('member', 'operator', 'operation.sealed')).toEqual(each(true, 7))
  })

  test('is none of what a person opted out of, in what they ask and in what they vote on', async () => {
    expect((await say('operator', 'user', true)).body.effective).toEqual({ train_ok: false, because: 'user_opted_out' })
    expect(await effective('member')).toMatchObject({ train_ok: true })
    expect(await flagsOf('operator', 'operator2', 'operation.sealed')).toEqual(each(false, 7))
    // The vote alone is theirs.
    expect(await flagsOf('member', 'operator')).toEqual(each(true).with(2, false))
    expect((await say('operator', 'user', false)).body.effective).toEqual({ train_ok: true, because: 'opted_in' })
  })

  test('is none of what an agent does whose owner opted out', async () => {
    expect(await effective('agent')).toMatchObject({ train_ok: true })
    await say('operator3', 'user', true)
    expect(await effective('agent')).toEqual({ train_ok: false, because: 'user_opted_out' })
    const done = await propose(tenant.as('agent'), note('for somebody'))
    const leaves = await tenant.leavesUpTo(done.body.id, 'operation.closed')
    expect(leaves.map((leaf) => leaf.train_ok)).toEqual([false, false, false, false])
    await say('operator3', 'user', false)
  })

  test('is nothing at once when the tenant opts out, whatever anybody opted in to, and a leaf says by whom', async () => {
    const asked = await optIn()
    expect((await say('admin', 'tenant', true)).body).toMatchObject({
      tenant: { opt_out: true, changed_by: tenant.principal('admin') },
      effective: { train_ok: false, because: 'tenant_opted_out' },
    })
    await say('member', 'user', false)
    expect(await effective('member')).toEqual({ train_ok: false, because: 'tenant_opted_out' })
    expect(await flagsOf('member', 'operator')).toEqual(each(false))
    // What was asked for before somebody opted out is not what is voted on now.
    expect((await vote(tenant.as('operator'), asked)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed' },
    })
    expect(await effective('member')).toMatchObject({ train_ok: false })
    const { items } = (await tenant.as('auditor').get('/audit?kind=control.changed&limit=200')).body
    const told = items
      .map((item: { leaf: LeafSeen }) => item.leaf)
      .findLast((leaf: LeafSeen) => leaf.after?.scope === 'tenant')
    expect(told).toMatchObject({
      action: 'train_prefs.put',
      actor: { principal_id: tenant.principal('admin'), kind: 'user' },
      before: { opt_out: false, changed_by: tenant.principal('owner') },
      after: { scope: 'tenant', opt_out: true },
      train_ok: false,
    })
  })

  test('is nobody else’s to say or to see', async () => {
    const other = { user_id: tenant.principal('operator') }
    expect(refused(await say('member', 'user', true, other))).toEqual([403, 'auth.identity_override'])
    expect((await say('member', 'user', true, { user_id: tenant.principal('member') })).status).toBe(200)
    const look = (user_id: string) => tenant.as('member').get(`/privacy/train-prefs?user_id=${user_id}`)
    expect(refused(await look(other.user_id))).toEqual([403, 'auth.identity_override'])
    expect((await look(tenant.principal('member'))).status).toBe(200)
    for (const opt_out of [undefined, null, 'false', 0])
      expect(refused(await tenant.as('owner').post('/privacy/train-prefs/tenant', { opt_out }))).toEqual([
        400,
        'validation.error',
      ])
  })
})

describe('the temperature of a surface', () => {
  const read = async (path: string) => {
    const { body } = await tenant.as('viewer').get(path)
    expectDescribed(`get ${path}`, body)
    return body
  }
  const current = async (query = '') => await read(`/temperature/current${query}`)
  const past = async () => (await read('/temperature/history?limit=200')).items
  const measure = (kpi: string, value: string, more: object = {}) =>
    tenant.as('service').post('/kpi/raw', { kpi, value, ...more })

  test('is unset without limits, and no decision read any', async () => {
    expect(await current()).toMatchObject({ surface_id: 's_main', state: 'unset', value: null, metrics: {} })
    expect(await past()).toEqual([])
  })

  test('is read now from what was measured, and reading it leaves nothing behind', async () => {
    const limits = { floors: { uptime: '99' }, ceilings: { errors: '5' }, weights: { errors: '2', uptime: '-1' } }
    await tenant.policy({ temperature: [{ surface_id: 's_main', ...limits }] })
    expect(await current()).toMatchObject({ state: 'breached', value: null, missing: ['errors', 'uptime'] })
    expect((await measure('uptime', '98.5')).status).toBe(201)
    expect((await measure('errors', '5.000001')).status).toBe(201)
    // (2 * 5.000001 - 98.5) / 3
    expect(await current()).toMatchObject({
      state: 'breached',
      value: '-29.499999',
      floors_breached: ['uptime'],
      ceilings_breached: ['errors'],
      missing: [],
      metrics: { uptime: { value: '98.5', fresh: true, weight: '-1', floor: '99', ceiling: null } },
    })
    expect(await current('?surface_id=s_other')).toMatchObject({ surface_id: 's_other', state: 'unset' })
    expect(await past()).toEqual([])
  })

  test('was what decisions read, whatever is measured and set afterwards', async () => {
    const first = await propose(tenant.as('agent'), note('while it was hot'))
    await measure('uptime', '99')
    await measure('errors', '5')
    const second = await propose(tenant.as('agent'), note('when it was not'))
    await tenant.policy({ temperature: [] })
    const items = await past()
    expect(items).toMatchObject([
      { operation_id: second.body.id, pass: 'guard', state: 'within', value: '-29.666667', surface_id: 's_main' },
      { operation_id: first.body.id, pass: 'guard', state: 'breached', value: '-29.499999' },
    ])
    expect(await past()).toEqual(items)
    const { body } = await tenant.as('viewer').get('/temperature/history?limit=1')
    const next = await tenant.as('viewer').get(`/temperature/history?limit=1&cursor=${body.next_cursor}`)
    expect([next.body.items, next.body.next_cursor]).toEqual([[items[1]], null])
    expect(refused(await tenant.as('viewer').get('/temperature/history?cursor=MQ.x'))).toEqual([
      410,
      'temperature.cursor_invalid',
    ])
  })

  test('comes from who may measure, of this surface, in numbers that fit', async () => {
    for (const name of ['owner', 'admin', 'operator', 'member', 'agent', 'viewer'] as const)
      expect(refused(await tenant.as(name).post('/kpi/raw', { kpi: 'uptime', value: '100' }))).toEqual([
        403,
        'auth.insufficient_role',
      ])
    for (const value of ['999999999999.999999', '-999999999999.999999'])
      expect((await measure('extreme', value)).body.value).toBe(value)
    for (const value of ['1000000000000', '1e12', 'NaN', '0.0000001', '--1', '', ' 1', '1,5'])
      expect(refused(await measure('extreme', value))).toEqual([400, 'validation.error'])
    expect(refused(await measure('uptime', '1', { measured_by: 'p_other' }))).toEqual([400, 'validation.error'])
    expect(refused(await measure('uptime', '1', { surface_id: 's_absent' }))).toEqual([400, 'validation.error'])
    expect(refused(await measure('uptime', '1', { measured_at: '2090-01-01T00:00:00Z' }))).toEqual([
      400,
      'validation.error',
    ])
  })

  test('does not take an old measurement for a new one, whenever it is told', async () => {
    await tenant.policy({ temperature: [{ surface_id: 's_main', ceilings: { late: '5' } }] })
    const hour = (ago: number) => new Date(Date.now() - ago * 3_600_000).toISOString()
    await measure('late', '9', { measured_at: hour(1) })
    await measure('late', '1', { measured_at: hour(2) })
    expect(await current()).toMatchObject({ state: 'breached', metrics: { late: { value: '9' } } })
    await tenant.policy({ temperature: [{ surface_id: 's_main', ceilings: { stale: '5' } }] })
    await measure('stale', '1', { measured_at: hour(25) })
    expect(await current()).toMatchObject({ missing: ['stale'], metrics: { stale: { value: '1', fresh: false } } })
    await tenant.policy({ temperature: [] })
  })
})

describe('configuration', () => {
  type Putter = MemberName | 'platform'
  const by = (name: Putter) => (name === 'platform' ? all.platform : tenant.as(name))
  const put = (name: Putter, scope: string, values: unknown, seen: string | undefined, query = '') =>
    by(name).put(`/config/${scope}${query}`, { values }, { headers: { 'if-match': seen } })
  const get = (scope: string) => tenant.as('viewer').get(`/config/${scope}`)

  test('is nothing at version 0 until somebody sets it, and is replaced by who has seen it', async () => {
    const nothing = await get('tenant')
    expect([nothing.status, nothing.headers.get('etag'), nothing.body]).toEqual([
      200,
      '"0"',
      { scope: 'tenant', version: 0, values: {}, changed_by: null, changed_at: null },
    ])
    const first = await put('admin', 'tenant', { theme: 'dark', limits: { a: 1, b: 2 } }, '"0"')
    expect([first.status, first.headers.get('etag'), first.body]).toMatchObject([
      200,
      '"1"',
      { scope: 'tenant', version: 1, values: { theme: 'dark' }, changed_by: tenant.principal('admin') },
    ])
    const late = await put('owner', 'tenant', { theme: 'light' }, '"0"')
    expect([...refused(late), late.body.error.details.version]).toEqual([409, 'config.version_conflict', 1])
    expect((await get('tenant')).body).toEqual(first.body)
    const raced = await Promise.all(Array.from({ length: 8 }, (_, n) => put('owner', 'tenant', { n }, '1')))
    expect(raced.map((answer) => answer.status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 409)])
  })

  test('is laid over in three scopes, and says which value is from which', async () => {
    const { version } = (await all.platform.get('/config/system')).body
    await put('platform', 'system', { theme: 'plain', beta: false }, `${version}`)
    const { version: own } = (await get('tenant')).body
    await put('owner', 'tenant', { theme: 'dark', limits: { a: 1 } }, `${own}`)
    expect((await put('owner', 'surface', { limits: { b: 2 } }, '0')).body).toMatchObject({ surface_id: 's_main' })
    const effective = await get('effective')
    expect(effective.body).toEqual({
      surface_id: 's_main',
      values: { theme: 'dark', beta: false, limits: { b: 2 } },
      sources: { theme: 'tenant', beta: 'system', limits: 'surface' },
      versions: { system: version + 1, tenant: own + 1, surface: 1 },
    })
    expect((await get('effective')).headers.get('etag')).toBe(effective.headers.get('etag'))
    expect((await get('effective?surface_id=s_other')).body.values).toEqual({
      theme: 'dark',
      beta: false,
      limits: { a: 1 },
    })
    expect((await get('system')).body.values).toEqual({ theme: 'plain', beta: false })
  })

  test('is written by who may, in the scope that is theirs', async () => {
    for (const name of ['operator', 'member', 'viewer', 'auditor', 'agent', 'service'] as const)
      expect(refused(await put(name, 'tenant', {}, '0'))).toEqual([403, 'auth.insufficient_role'])
    for (const [name, scope] of [
      ['owner', 'system'],
      ['platform', 'tenant'],
      ['platform', 'surface'],
    ] as const)
      expect(refused(await put(name, scope, {}, '0'))).toEqual([403, 'auth.insufficient_role'])
  })

  test.each<[string, string, unknown, string | undefined, string]>([
    ['no version', 'tenant', {}, undefined, 'context.missing'],
    ['any version', 'tenant', {}, '*', 'context.invalid'],
    ['a weak version', 'tenant', {}, 'W/"1"', 'context.invalid'],
    ['a version below nought', 'tenant', {}, '"-1"', 'context.invalid'],
    ['another scope', 'global', {}, '0', 'config.invalid_scope'],
    ['no values', 'tenant', undefined, '0', 'validation.error'],
    ['a list', 'tenant', [], '0', 'validation.error'],
    ['a name of no letters', 'tenant', { __proto: 1 }, '0', 'validation.error'],
    ['too much', 'tenant', { a: 'x'.repeat(65_536) }, '0', 'validation.error'],
    [
      'too many',
      'tenant',
      Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`a${n}`, n])),
      '0',
      'validation.error',
    ],
    ['too deep', 'tenant', { a: JSON.parse(`${'['.repeat(17)}${']'.repeat(17)}`) }, '0', 'validation.error'],
    ['a surface that is not there', 'surface?surface_id=s_absent', {}, '0', 'validation.error'],
  ])('with %s is refused', async (_what, scope, values, seen, code) => {
    expect(refused(await put('owner', scope, values, seen))).toEqual([400, code])
  })

  test('tells in the log what stood before and after', async () => {
    const told = await until('the change has its place', async () => {
      const { items } = (await tenant.as('auditor').get('/audit?kind=control.changed&limit=200')).body
      const leaves = items.map(({ leaf }: { leaf: LeafSeen & { action: string } }) => leaf)
      return leaves.find((leaf: { action: string }) => leaf.action === 'config.put')
    })
    expect(told).toMatchObject({
      actor: { principal_id: tenant.principal('admin'), kind: 'user' },
      before: { version: 0, values: {} },
      after: { scope: 'tenant', version: 1, values: { theme: 'dark', limits: { a: 1, b: 2 } } },
    })
  })
})

describe('the log', () => {
  const SECRETS = ['anna@example.com', '4111 1111 1111 1111', 'DE89370400440532013000', '+49 170 1234567']
  const secret = SECRETS.join(' or ')
  const MASKED = '[email] or [card] or [iban] or [phone]'
  const KINDS = 'card,email,iban,phone'
  const from = Date.now()

  test('holds no personal data at any depth, while what people voted on stays exact and verifies', async () => {
    const input = { ...note(`call ${secret}`), labels: { who: [{ mail: SECRETS[0] ?? '' }] } }
    const asked = await propose(tenant.as('member'), input, { reason: secret })
    const denied = await vote(tenant.as('operator'), asked.body, 'deny', { reason: `no: ${secret}` })
    expect(denied.body.operation.status).toBe('denied')
    const row = await tenant.operation(asked.body.id)
    expect([row.input, row.reason, row.approval.votes[0].reason]).toEqual([input, secret, `no: ${secret}`])
    const leaves = await tenant.leavesUpTo(row.id, 'operation.sealed')
    const told = leaves.filter((leaf) => leaf.reason !== null).map((leaf) => [leaf.kind, leaf.reason, leaf.pii])
    expect(told).toEqual([
      ['operation.requested', MASKED, KINDS],
      ['vote.accepted', `no: ${MASKED}`, KINDS],
      ['operation.denied', `no: ${MASKED}`, KINDS],
    ])
    expect(leaves.find((leaf) => leaf.kind === 'operation.sealed')?.pii).toBe('none')
    expect(await verifyBundles(tenant.as('auditor'), [row.id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
  })

  test('holds none of controls, records, stops and refused attempts either', async () => {
    await tenant.policy({
      license_types: [
        { id: 'lt_notes', name: 'Notes' },
        { id: 'lt_pii', name: `Licence of ${secret}` },
      ],
    })
    const stopping = { scope: 'tenant', state: 'stopped', actions: ['note.remove'], reason: secret }
    expect((await tenant.as('operator').put('/kill-switches', stopping)).status).toBe(200)
    expect((await tenant.as('owner').post('/apps', { id: 'a_pii', name: secret })).status).toBe(201)
    for (const each of ['anna@example.com', 'anna%40example.com', '%2B49%20170%201234567'])
      await tenant.as('viewer').post(`/operations/${each}/cancel`, { reason: secret })
    const waiting = await pending(tenant.as('member'), note('to be cancelled'))
    await tenant.as('member').post(`/operations/${waiting.id}/cancel`, { reason: secret })
    await tenant.leavesUpTo(waiting.id, 'operation.cancelled')
    const { body } = await tenant.as('auditor').get('/audit/export')
    const texts = body.entries.map(({ entry }: { entry: string }) => Buffer.from(entry, 'base64').toString())
    for (const each of [...SECRETS, 'anna%40', '1234567'])
      expect(texts.filter((text: string) => text.includes(each))).toEqual([])
    const kinds = texts
      .map((text: string) => JSON.parse(text) as LeafSeen)
      .filter((leaf: LeafSeen) => leaf.pii !== 'none')
      .map((leaf: LeafSeen) => leaf.kind)
    expect(new Set(kinds)).toEqual(
      new Set([
        'operation.requested',
        'vote.accepted',
        'operation.denied',
        'operation.cancelled',
        'control.changed',
        'record.written',
        'access.refused',
      ]),
    )
  })

  test('is not told by what PostgreSQL writes down of its own', async () => {
    const name = `row of ${SECRETS[0]} ${from}`
    await expect(owner.query('insert into tenants (id, name) values ($1, $2)', ['Bad id', name])).rejects.toThrow(
      /tenants_id_check/,
    )
    const written = await readFile(join(home, 'logs', 'postgres.log'), 'utf8')
    expect(written).toContain('violates check constraint "tenants_id_check"')
    expect(written).not.toContain(name)
  })

  test('takes ids and actors from the context, whatever the caller says of them elsewhere', async () => {
    const forged = { request_id: 'req-forged', trace_id: 'trace-forged', actor_type: 'human', actor: 'p_other' }
    const headers = { 'x-request-id': 'req-real', traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` }
    for (const [name, kind] of [
      ['agent', 'agent'],
      ['service', 'service'],
      ['member', 'user'],
    ] as const) {
      const body = { action: 'note.append', input: { ...note('forged'), labels: forged } }
      const { body: row } = await tenant.as(name).post('/operations', body, { headers })
      const leaves = await tenant.leavesUpTo(row.id, 'operation.requested')
      for (const leaf of leaves)
        expect([leaf.actor, leaf.request_id, leaf.trace_id]).toEqual([
          { principal_id: tenant.principal(name), kind },
          'req-real',
          'ab'.repeat(16),
        ])
    }
    for (const more of Object.keys(forged))
      expect(refused(await usage({ cost: '1', [more]: 'x' }))).toEqual([400, 'validation.error'])
  })

  test('is read by who may, once a listing and once an export, and reading is in it', async () => {
    const auditor = tenant.as('auditor')
    const read = async () =>
      (
        await owner.within<{ path: string }>(
          tenant.id,
          `select convert_from(entry, 'UTF8')::jsonb -> 'after' ->> 'path' as path from audit_leaves
           where kind = 'audit.read' order by id`,
        )
      ).map((row) => row.path)
    const before = await read()
    let cursor = ''
    let pages = 0
    for (; pages < 3; pages++) {
      const { body } = await auditor.get(`/audit?limit=2${cursor}`)
      cursor = `&cursor=${body.next_cursor}`
    }
    await auditor.get('/audit/export')
    expect((await read()).slice(before.length)).toEqual(['/audit', '/audit/export'])
    for (const name of ['member', 'viewer', 'agent', 'service'] as const)
      for (const path of ['/audit', '/audit/export', '/audit/checkpoint', '/audit/proof?leaf=0'])
        expect(refused(await tenant.as(name).get(path))).toEqual([403, 'auth.insufficient_role'])
    expect(refused(await propose(auditor, note('by the auditor')))).toEqual([403, 'auth.insufficient_role'])
    const told = await until('the last refusal has its place', async () => {
      const { body } = await auditor.get('/audit?kind=access.refused&limit=200')
      const leaves: LeafSeen[] = body.items.map((item: { leaf: LeafSeen }) => item.leaf)
      return leaves.at(-1)?.actor.principal_id === tenant.principal('auditor') ? leaves : null
    })
    expect(told.filter((leaf) => leaf.after?.path === '/audit/export')).toHaveLength(4)
  })

  test('that takes no leaf lets nothing happen', async () => {
    const full = async (kinds: string) =>
      await owner.query(`
        create function log_is_full() returns trigger language plpgsql as
          $$ begin raise exception 'no space left on device' using errcode = '53100'; end $$;
        create trigger log_is_full before insert on audit_leaves for each row
          when (new.tenant_id = '${tenant.id}' and new.kind in (${kinds})) execute function log_is_full()`)
    const healed = async () =>
      await owner.query('drop trigger log_is_full on audit_leaves; drop function log_is_full()')
    const done = () => notesIn(tenant.as('viewer'), 'usage')
    const before = await done()

    await full(`'operation.requested', 'record.written', 'control.changed'`)
    try {
      for (const answer of [
        await tenant
          .as('agent')
          .post('/operations', { action: 'note.append', input: note('never') }, { key: 'no-log' }),
        await usage({ cost: '1' }),
        await tenant.as('member').post('/privacy/train-prefs/user', { opt_out: true }),
      ])
        expect(refused(answer)).toEqual([503, 'backend.unavailable'])
      expect([await done(), (await summary()).settled]).toEqual([before, '100'])
    } finally {
      await healed()
    }

    await full(`'effect.intent'`)
    const key = { key: 'no-leaf', headers: { prefer: 'wait=1' } }
    const body = { action: 'note.append', input: note('once'), estimated_cost: '0' }
    try {
      const answer = await tenant.as('agent').post('/operations', body, key)
      expect([answer.status, answer.body.status, answer.body.effect]).toEqual([202, 'evaluating', null])
      expect(await done()).toEqual(before)
    } finally {
      await healed()
    }
    const { body: row } = await tenant.as('agent').post('/operations', body, key)
    expect((await tenant.ended(row.id)).status).toBe('executed')
    expect(await done()).toEqual(['once', ...before])
  })
})
