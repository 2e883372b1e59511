/** Controls as people change them: the policy document, grants that shrink, switches that somebody holds. */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { RUNNING, UNTIL } from '../support/opening.ts'
import {
  makeTenant,
  type MemberName,
  propose,
  refused,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const note = (text: string) => ({ notebook: 'controls', text })
const REMOVAL = { kind: 'action', value: 'note.remove' }
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'controls')
  await tenant.open(UNLIMITED)
})
afterAll(() => owner.end())

const ask = async (by: MemberName, policy: JsonObject, base_version?: number) => {
  const { version } = (await tenant.as(by).get('/policy')).body
  return await tenant.as(by).put('/policy', { base_version: base_version ?? version, reason: 'a change', policy })
}
const stopHeld = async () => {
  const stop = { scope: 'tenant', state: 'stopped', actions: ['note.remove'], hold: 'owner', reason: 'held' }
  expect((await tenant.as('owner').put('/kill-switches', stop)).status).toBe(200)
}
const removalRow = async () => {
  const { switches } = (await tenant.as('viewer').get('/kill-switches')).body
  return switches.find((row: { selector: JsonObject }) => row.selector.value === 'note.remove')
}
/** The answer of a vote that cannot be enough comes only after a while; the row tells sooner that it was counted. */
const countedButNotEnough = async (voter: MemberName, operation: Parameters<typeof vote>[1]) => {
  const voting = vote(tenant.as(voter), operation)
  await until('the vote is counted', async () => (await tenant.operation(operation.id)).approval.votes.length > 0)
  expect((await tenant.operation(operation.id)).status).toBe('pending_approval')
  return { voting }
}

describe('the control document', () => {
  test('changed while people decided, fails the change that came second', async () => {
    const first = await ask('owner', { license_types: [{ id: 'lt_a', name: 'A' }] })
    const second = await ask('admin', { license_types: [{ id: 'lt_b', name: 'B' }] })
    expect([first.status, second.status]).toEqual([202, 202])
    expect((await vote(tenant.as('operator'), first.body)).body.operation.status).toBe('executed')
    expect((await vote(tenant.as('operator'), second.body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed', http_status: 502 },
    })
    expect((await tenant.as('viewer').get('/policy')).body.policy.license_types).toEqual([{ id: 'lt_a', name: 'A' }])
  })

  test('answers under its own key for ever, whatever the version is by then', async () => {
    const { version } = (await tenant.as('owner').get('/policy')).body
    const body = { base_version: version, reason: 'keyed', policy: { license_types: [{ id: 'lt_c', name: 'C' }] } }
    const asked = await tenant.as('owner').put('/policy', body, { key: 'policy-key' })
    await vote(tenant.as('operator'), asked.body)
    const again = await tenant.as('owner').put('/policy', body, { key: 'policy-key' })
    expect([again.status, again.body.version]).toEqual([200, version + 1])
    expect(refused(await tenant.as('owner').put('/policy', body))).toEqual([409, 'policy.version_conflict'])
  })

  test('replaces what it names and leaves what it does not', async () => {
    await tenant.policy({ budget: [{ scope: {}, threshold: '100' }] })
    const { policy } = (await tenant.as('viewer').get('/policy')).body
    await tenant.policy({ feature_flags: { sse_enabled: true } })
    expect((await tenant.as('viewer').get('/policy')).body.policy).toEqual({
      ...policy,
      feature_flags: { sse_enabled: true },
    })
    await tenant.policy({ budget: [] })
  })

  test('waives a metric for a year at most, and for an irreversible action by two people', async () => {
    const owner = tenant.as('owner')
    const { version, policy } = (await owner.get('/policy')).body
    const put = async (days: number, action: string) =>
      await owner.put('/policy', {
        base_version: version,
        reason: 'for a while',
        policy: {
          not_required: [
            ...policy.not_required,
            { gate: 'kpi', action, until: new Date(Date.now() + days * 86_400_000).toISOString(), reason: 'x' },
          ],
        },
      })
    const long = await put(367, 'note.append')
    expect([...refused(long), long.body.error.details.errors]).toEqual([
      400,
      'validation.error',
      [{ path: `/policy/not_required/${policy.not_required.length}/until`, message: 'is more than 366 days from now' }],
    ])
    expect((await put(300, 'note.append')).body.approval.quorum).toBe(1)
    const { body: asked } = await put(300, 'http.post')
    expect((await vote(tenant.as('operator'), asked)).body.operation.status).toBe('pending_approval')
    expect((await owner.get('/policy')).body.version).toBe(version)
    expect((await vote(tenant.as('operator2'), asked)).body.operation.status).toBe('executed')
    await tenant.policy({ not_required: policy.not_required })
  })

  test('says of a waiver that is kept who made it, and not who kept it', async () => {
    const waivedBy = async () => {
      const { body } = await propose(tenant.as('owner'), { notebook: 'waived', text: 'x' })
      const verdict = body.passes[0]?.verdicts.find(({ gate }: { gate: string }) => gate === 'kpi')
      return verdict?.evidence['waived_by']
    }
    const before = await waivedBy()
    expect(before).toMatch(/^op_/)
    const { policy } = (await tenant.as('owner').get('/policy')).body
    await tenant.policy({ not_required: policy.not_required })
    expect(await waivedBy()).toBe(before)
  })
})

describe('a standing grant', () => {
  test('may be cut below what was used, keeps its use, and is then exhausted', async () => {
    await tenant.policy(standingFor(tenant, 10, '100'))
    for (let i = 0; i < 3; i++)
      expect((await propose(tenant.as('agent'), note(`used ${i}`), { estimated_cost: '1' })).body.status).toBe(
        'executed',
      )
    const [grant] = (await tenant.as('viewer').get('/policy')).body.policy.grants
    const cut = await ask('owner', { grants: [{ ...grant, standing: { max_count: 2, max_amount: '1' } }] })
    const voted = await vote(tenant.as('operator'), cut.body)
    expect(voted.body.operation.status).toBe('executed')
    expect((await propose(tenant.as('agent'), note('over'))).body.status).toBe('pending_approval')
    const [row] = await owner.within<{ used_count: string }>(
      tenant.id,
      'select used_count from license_grants where revoked_at is null',
    )
    expect(row?.used_count).toBe('3')
    await tenant.policy({ grants: [{ ...grant, standing: { max_count: 4, max_amount: '100' } }] })
    const got = []
    for (let i = 0; i < 2; i++) got.push((await propose(tenant.as('agent'), note(`again ${i}`))).body.status)
    expect(got).toEqual(['executed', 'pending_approval'])
  })

  test('ends with its time and does not reach another project', async () => {
    const grant = {
      principal_id: tenant.principal('agent'),
      license_type: 'lt_c',
      actions: ['note.append'],
      standing: { max_count: 5, max_amount: '5' },
    }
    await tenant.policy({ grants: [{ ...grant, expires_at: '2020-01-01T00:00:00Z' }] })
    expect((await propose(tenant.as('agent'), note('expired'))).body.status).toBe('pending_approval')
    const elsewhere = { id: 'p_elsewhere', name: 'elsewhere' }
    expect((await tenant.as('owner').post('/projects', elsewhere)).status).toBe(201)
    await tenant.policy({ grants: [{ ...grant, expires_at: UNTIL, project_id: 'p_elsewhere' }] })
    expect((await propose(tenant.as('agent'), note('elsewhere'))).body.status).toBe('pending_approval')
    await tenant.policy({ grants: [{ ...grant, expires_at: UNTIL, project_id: 'p_main' }] })
    expect((await propose(tenant.as('agent'), note('here'))).body.status).toBe('executed')
    await tenant.policy({ grants: [] })
  })
})

test('a resume that names a switch twice names it once', async () => {
  const twice = { scope: 'tenant', actions: ['note.remove', 'note.remove'], reason: 'twice' }
  expect((await tenant.as('operator').put('/kill-switches', { ...twice, state: 'stopped' })).status).toBe(200)
  const resume = await tenant.as('owner').put('/kill-switches', { ...twice, state: 'running' })
  expect((await vote(tenant.as('operator'), resume.body)).body.operation.status).toBe('executed')
  expect((await removalRow()).state).toBe('running')
})

describe('a document that was read before a stop', () => {
  const read = async () => (await tenant.as('owner').get('/policy')).body
  const put = async ({ version, epoch }: JsonObject, policy: JsonObject) =>
    await tenant
      .as('owner')
      .put('/policy', { base_version: version, base_epoch: epoch, reason: 'a budget', policy } as JsonObject)

  test('does not set running what was stopped since, and may still change what it says of other controls', async () => {
    const before = await read()
    const cap = [{ scope: { action: 'note.append' }, daily_cap: '100', window_days: 1 }]
    const stop = { scope: 'tenant', state: 'stopped', actions: ['note.remove'], reason: 'incident' }
    expect((await tenant.as('operator').put('/kill-switches', stop)).status).toBe(200)
    const whole = { ...before.policy, budget: cap }
    expect(refused(await put(before, whole))).toEqual([409, 'policy.version_conflict'])
    expect((await put(before, { budget: cap })).status).toBe(202)
    const now = await read()
    expect(now.epoch).toBeGreaterThan(before.epoch)
    expect((await put(now, { ...now.policy, budget: cap })).status).toBe(202)
    expect((await removalRow()).state).toBe('stopped')
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  })

  test('is titled by what it changes', async () => {
    const { version, epoch, policy } = await read()
    const { body } = await put(
      { version, epoch },
      { ...policy, budget: [], license_types: [{ id: 'lt_t', name: 'T' }] },
    )
    expect(body.preview.title).toMatch(/^Change license_types of the control document/)
  })
})

describe('a stop made while a policy that would resume waits for its vote', () => {
  const stop = { scope: 'tenant', state: 'stopped', reason: 'smoke' }
  const cases: [string, JsonObject][] = [
    ['the switch was stopped already', {}],
    ['the switch was running', {}],
    ['the row would be left out', { actions: ['note.remove'] }],
  ]
  test.each(cases)('holds, and the policy fails: %s', async (what, more) => {
    const kill_switches = [RUNNING('tenant')]
    if (what !== 'the switch was running') await tenant.as('operator').put('/kill-switches', { ...stop, ...more })
    const asked = await ask('owner', { kill_switches })
    expect(asked.status).toBe(202)
    expect((await tenant.as('operator2').put('/kill-switches', { ...stop, ...more })).status).toBe(200)
    expect((await vote(tenant.as('operator'), asked.body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed' },
    })
    const { switches } = (await tenant.as('viewer').get('/kill-switches')).body
    const row = switches.find(
      ({ scope, selector }: { scope: string; selector: JsonObject }) =>
        scope === 'tenant' && (more.actions === undefined ? selector.kind === 'all' : selector.value === 'note.remove'),
    )
    expect(row).toMatchObject({ state: 'stopped', changed_by: tenant.principal('operator2') })
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  })
})

test('changes of switches have epochs in the order in which they commit', async () => {
  const stop = async (client: pg.PoolClient, value: string) => {
    const selectors = [{ kind: 'action', value }]
    const d = { tenant_id: tenant.id, selectors, reason: 'order', changed_by: tenant.principal('operator'), leaves: [] }
    const { rows } = await client.query<{ epoch: string }>(`select stop_switch($1) ->> 'epoch' as epoch`, [d])
    return Number(rows[0]?.epoch)
  }
  const second = await owner.transaction(async (client) => {
    const first = await stop(client, 'note.remove')
    let answered = false
    const later = owner
      .transaction(async (another) => await stop(another, 'note.append'))
      .finally(() => {
        answered = true
      })
    await until('the second stop waits for the first, or does not', async () => {
      const { rows } = await client.query(
        `select from pg_locks where locktype = 'advisory' and not granted and mode = 'ExclusiveLock'`,
      )
      return answered || rows.length > 0
    })
    expect(answered).toBe(false)
    return { first, later }
  })
  expect(await second.later).toBeGreaterThan(second.first)
  await tenant.policy({ kill_switches: [RUNNING('tenant')] })
})

describe('a switch that the owner holds', () => {
  test.each([
    ['set running', [RUNNING('tenant'), { scope: 'tenant', selector: REMOVAL, state: 'running' }]],
    ['left out', [RUNNING('tenant')]],
    ['let go of', [RUNNING('tenant'), { scope: 'tenant', selector: REMOVAL, state: 'stopped', hold: null }]],
  ])('is not %s by a policy without the owner’s vote', async (_how, kill_switches) => {
    await stopHeld()
    const asked = await ask('admin', { kill_switches })
    expect(asked.status).toBe(202)
    const { voting } = await countedButNotEnough('operator', asked.body)
    expect(await removalRow()).toMatchObject({ state: 'stopped', hold: 'owner' })
    expect((await vote(tenant.as('owner'), asked.body)).body.operation.status).toBe('executed')
    expect((await voting).status).toBe(200)
    expect((await removalRow())?.hold ?? null).toBeNull()
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  })

  test('stays as it is under a policy that repeats it, on an ordinary vote', async () => {
    await stopHeld()
    const kill_switches = [RUNNING('tenant'), { scope: 'tenant', selector: REMOVAL, state: 'stopped', hold: 'owner' }]
    const asked = await ask('admin', { kill_switches })
    expect((await vote(tenant.as('operator'), asked.body)).body.operation.status).toBe('executed')
    expect(await removalRow()).toMatchObject({ state: 'stopped', hold: 'owner' })
    const clear = await ask('admin', { kill_switches: [RUNNING('tenant')] })
    expect((await vote(tenant.as('owner'), clear.body)).body.operation.status).toBe('executed')
  })

  test.each(['owner', 'platform'])(
    'is made by its holder only: a policy of somebody else sets no hold %s',
    async (hold) => {
      const kill_switches = [RUNNING('tenant'), { scope: 'tenant', selector: REMOVAL, state: 'stopped', hold }]
      const asked = await ask('admin', { kill_switches })
      expect(refused(asked)).toEqual([403, 'auth.insufficient_role'])
      expect(asked.body.error.details).toMatchObject({ required: [hold] })
    },
  )
})
