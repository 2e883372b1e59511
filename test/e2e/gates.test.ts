/** Each of the eight gates, met from outside: the code, the gate and the details a caller is told, and no effect. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { notRequired, RUNNING } from '../support/opening.ts'
import { makeTenant, pending, propose, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const note = (text: string) => ({ notebook: 'gates', text })
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'gates')
  await tenant.open(UNLIMITED)
})
afterAll(() => owner.end())
describe('each gate blocks with its own code and tells why', () => {
  const waived = notRequired('reversible')
  const without = (gate: string) => waived.filter((row) => row.gate !== gate)
  const surface_id = 's_main'
  const kpi = (limits: JsonObject) => ({
    definitions: [{ surface_id, kpi: 'error_rate', unit: 'percent', window_seconds: 3600 }],
    corridors: [{ surface_id, kpi: 'error_rate', ...limits }],
  })
  const measure = async (value: string) => {
    const answer = await tenant.as('service').post('/kpi/raw', { kpi: 'error_rate', value })
    expect(answer.status).toBe(201)
  }
  const cases: {
    code: string
    gate: string
    policy: JsonObject
    before?: () => Promise<void>
    more?: JsonObject
    details: JsonObject
    after?: () => Promise<unknown>
  }[] = [
    {
      gate: 'kill_switch',
      code: 'kill_switch.blocked',
      policy: {
        kill_switches: [
          RUNNING('tenant'),
          { scope: 'tenant', selector: { kind: 'action', value: 'note.append' }, state: 'stopped' },
        ],
      },
      details: {
        scope: 'tenant',
        selector: { kind: 'action', value: 'note.append' },
        unset: false,
        reason: 'for a test',
      },
      after: () => tenant.policy({ kill_switches: [RUNNING('tenant')] }),
    },
    {
      gate: 'firearms',
      code: 'firearms.license_required',
      policy: {
        license_types: [{ id: 'lt_gun', name: 'Gun' }],
        firearms: [{ action: 'note.append', license_types: ['lt_gun'] }],
      },
      details: { required_license_types: ['lt_gun'] },
      after: () => tenant.policy({ license_types: [], firearms: [] }),
    },
    {
      gate: 'strategy_lock',
      code: 'strategy_lock.approval_required',
      policy: { strategy_locks: [{ action: 'note.append', surface_id, required: true }] },
      details: { action: 'note.append' },
    },
    {
      gate: 'three_wise',
      code: 'three_wise.verdict_required',
      policy: { strategy_locks: [{ action: 'note.append', surface_id, required: true }] },
      before: async () => {
        await owner.within(
          tenant.id,
          `with q as (insert into three_wise_questions (tenant_id, id, question, binding_hash, asked_by, expires_at)
             values ($1, 'tw_one', 'Is it wise?', repeat('0', 64), 'p_nobody', '2090-01-01'))
           insert into strategy_locks (tenant_id, id, status, title, allowed_actions, surface_id, valid_from, valid_until,
             three_wise_id, content_hash, created_by)
           values ($1, 'sl_one', 'approved', 'One', '{note.append}', 's_main', '2020-01-01', '2090-01-01', 'tw_one', '', '')`,
          [tenant.id],
        )
      },
      details: { questions: ['tw_one'] },
      after: () => tenant.policy({ strategy_locks: [] }),
    },
    {
      gate: 'budget',
      code: 'budget.threshold_missing',
      policy: { not_required: without('budget') },
      details: { surface_id },
    },
    {
      gate: 'budget',
      code: 'budget.threshold_exceeded',
      policy: { budget: [{ scope: {}, threshold: '10' }] },
      more: { estimated_cost: '10.000001' },
      details: { threshold: '10', settled: '0', reserved: '0', estimate: '10.000001', window_days: 7 },
    },
    {
      gate: 'budget',
      code: 'budget.daily_cap_exceeded',
      policy: {
        budget: [
          { scope: {}, threshold: '10' },
          { scope: { action: 'note.append' }, daily_cap: '3' },
        ],
      },
      more: { estimated_cost: '3.1' },
      details: { daily_cap: '3', spent: '0', estimate: '3.1' },
      after: () => tenant.policy({ budget: [], not_required: waived }),
    },
    {
      gate: 'kpi',
      code: 'kpi.threshold_missing',
      policy: { not_required: without('kpi') },
      details: { surface_id },
    },
    {
      gate: 'kpi',
      code: 'kpi.measurement_missing',
      policy: { kpi: kpi({ floor: '1', ceiling: '5' }) },
      details: { kpi: 'error_rate' },
    },
    {
      gate: 'kpi',
      code: 'kpi.floor_breached',
      policy: {},
      before: () => measure('0.999999'),
      details: { kpi: 'error_rate', value: '0.999999', floor: '1', ceiling: '5' },
    },
    {
      gate: 'kpi',
      code: 'kpi.ceiling_breached',
      policy: {},
      before: () => measure('5.000001'),
      details: { kpi: 'error_rate', value: '5.000001', floor: '1', ceiling: '5' },
      after: () => tenant.policy({ kpi: { definitions: [], corridors: [] }, not_required: waived }),
    },
    {
      gate: 'temperature',
      code: 'temperature.threshold_missing',
      policy: { not_required: without('temperature') },
      details: { surface_id },
    },
    {
      gate: 'temperature',
      code: 'temperature.breach',
      policy: { temperature: [{ surface_id, ceilings: { error_rate: '5' } }] },
      details: { metric: 'error_rate', value: '5.000001', ceiling: '5' },
      after: () => tenant.policy({ temperature: [], not_required: waived }),
    },
    {
      gate: 'audit',
      code: 'audit.unavailable',
      policy: {},
      before: async () => {
        await owner.query('update audit_sequencer set self_check_ok = false')
      },
      details: { self_check: false },
      after: () => owner.query('update audit_sequencer set self_check_ok = true'),
    },
  ]

  test('with every gate satisfied, people are asked', async () => {
    await tenant.policy({ ...UNLIMITED, not_required: waived })
    const row = await pending(tenant.as('member'), note('all gates pass'))
    expect(row.passes[0].verdicts.map((each: JsonObject) => each.decision)).not.toContain('block')
  })

  test.each(cases)('$code', async ({ code, gate, policy, before, more, details, after }) => {
    if (Object.keys(policy).length > 0) await tenant.policy(policy)
    await before?.()
    try {
      const { status, body } = await propose(tenant.as('member'), note('must not be written'), more)
      expect([status, body.error?.code, body.error?.gate]).toEqual([gate === 'audit' ? 503 : 403, code, gate])
      expect(body.error.details).toMatchObject(details)
      const row = await tenant.operation(body.error.details.operation_id)
      expect([row.status, row.effect, row.error.code]).toEqual(['blocked', null, code])
      const first = row.passes[0].verdicts.find((verdict: JsonObject) => verdict.decision === 'block')
      expect([first.gate, first.code]).toEqual([gate, code])
    } finally {
      await after?.()
    }
  })

  test('and a value exactly at its limit passes', async () => {
    await tenant.policy({
      budget: [{ scope: {}, threshold: '10' }],
      kpi: kpi({ floor: '1', ceiling: '5' }),
      not_required: without('budget').filter((row) => row.gate !== 'kpi'),
    })
    await measure('5')
    const at = await pending(tenant.as('member'), note('at the limit'), { estimated_cost: '10' })
    expect((await vote(tenant.as('operator'), at)).body.operation.status).toBe('executed')
    const over = await propose(tenant.as('member'), note('one millionth over'), { estimated_cost: '0.000001' })
    expect(over.body.error.details).toMatchObject({ settled: '10', estimate: '0.000001' })
    await tenant.policy({ budget: [], kpi: { definitions: [], corridors: [] }, not_required: waived })
  })
})
