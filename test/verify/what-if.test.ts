/** The golden histories under other facts and other policies. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unpackBundle } from '../../verify/read-bundle.ts'
import { type Change, readChange } from '../../verify/change.ts'
import { whatIf } from '../../verify/what-if.ts'
import { DECIDERS } from './support/options.ts'

const HISTORIES = join(import.meta.dirname, '..', 'replay', 'histories')
const golden = (name: string) => unpackBundle(readFileSync(join(HISTORIES, `note-append.${name}.zip`)))
const ask = (name: string, change: Change) => whatIf(golden(name), change, DECIDERS)
const UNTIL = '2090-01-01T00:00:00Z'
const BUDGET = {
  policy: { threshold: '1000', window_days: 7, surface_id: null, app_id: null },
  settled: '0',
  reserved: '0',
  cap: null,
}
const change = (value: unknown) => readChange(new TextEncoder().encode(JSON.stringify(value)))

describe('what if', () => {
  test('nothing is changed: nothing changes, for every golden history', () => {
    for (const name of readdirSync(HISTORIES)) {
      const files = unpackBundle(readFileSync(join(HISTORIES, name)))
      const { gate, pass, outcome, missing } = whatIf(files, { facts: {} }, DECIDERS)
      expect([name, gate, pass, missing]).toEqual([name, null, null, []])
      expect(outcome.becomes).toBe(outcome.was)
    }
  })

  test('a switch had been stopped: the kill switch would have blocked in the first pass', () => {
    expect(ask('executed-by-votes', change({ facts: { 'switches[1].state': 'stopped' } }))).toMatchObject({
      pass: 'propose',
      gate: { name: 'kill_switch', was: 'allow', becomes: 'block kill_switch.blocked' },
      outcome: { was: 'executed', becomes: 'blocked kill_switch.blocked' },
      missing: [],
    })
  })

  test('the switch had been running: it would not have been blocked there', () => {
    const running = { scope: 'tenant', selector: { kind: 'all', value: null }, state: 'running', hold: null }
    const answer = ask('blocked-by-kill-switch', { policy: { kill_switches: [running] } } as Change)
    expect(answer).toMatchObject({ pass: 'propose', gate: { name: 'kill_switch', becomes: 'allow' } })
  })

  test('a budget of another window: what was spent in it was not recorded, and that is said', () => {
    const budget = [{ scope: {}, threshold: '1000', window_days: 30 }]
    expect(ask('blocked-by-budget', { policy: { budget } })).toMatchObject({
      missing: ['budget.reserved', 'budget.settled'],
      outcome: { becomes: expect.stringMatching(/^blocked budget\./) },
    })
  })

  test('no budget at all: the missing threshold blocks', () => {
    const answer = ask('executed-by-votes', { policy: { budget: [], not_required: [] } })
    expect(answer.outcome.becomes).toMatch(/^blocked /)
  })

  test('the standing grant had been taken away: votes would have been needed', () => {
    expect(ask('executed-by-standing-grant', { policy: { grants: [] } })).toMatchObject({
      pass: 'guard',
      outcome: { was: 'executed', becomes: 'votes are needed' },
    })
  })

  test('a corridor of a measurement nobody took: it is named and blocks', () => {
    const corridors = [{ surface_id: 's_main', kpi: 'moon_phase', ceiling: '1', max_age_seconds: 60 }]
    expect(
      ask('executed-by-votes', { policy: { not_required: [], kpi: { definitions: [], corridors } } }),
    ).toMatchObject({
      missing: ['kpi.corridors[0].measurement'],
      pass: 'propose',
    })
  })

  test('a fact at a place that was not recorded is named, left out, and changes no end', () => {
    for (const place of ['switches[99].state', 'switches.length', 'firearms.licence_types', 'now.year'])
      expect(ask('executed-by-votes', change({ facts: { [place]: 'stopped' } }))).toEqual({
        operation_id: expect.any(String),
        pass: null,
        gate: null,
        outcome: { was: 'executed', becomes: 'executed' },
        missing: [place],
        needed: [],
      })
  })

  test('a verdict that changes without an end that does is told, and the later passes are asked too', () => {
    const budget = [{ scope: {}, threshold: '1000', window_days: 7 }]
    const waivers = ['kpi', 'temperature'].map((gate) => ({ gate, class: 'reversible', until: UNTIL, reason: 'x' }))
    const asked = ask('executed-by-votes', change({ policy: { budget, not_required: waivers } }))
    expect(asked).toMatchObject({ missing: ['budget.reserved', 'budget.settled'], needed: ['budget.settled'] })
    const facts = { waivers: waivers.map((row) => ({ ...row, waived_by: 'x' })), budget: BUDGET }
    expect(ask('executed-by-votes', change({ facts }))).toMatchObject({
      pass: 'propose',
      gate: { name: 'budget', was: 'not_applicable', becomes: 'allow' },
      outcome: { was: 'executed', becomes: 'executed' },
    })
  })

  test('a fact taken to null is unreadable, and its gate blocks', () => {
    expect(ask('executed-by-votes', change({ facts: { audit: null } }))).toMatchObject({
      gate: { name: 'audit', becomes: 'block audit.unavailable' },
    })
  })

  test.each([[{}], [[]], [{ facts: {}, policy: {} }], [{ facts: 3 }], [{ policy: null }]])(
    '%j is no change',
    (value) => {
      expect(() => change(value)).toThrow(/^(the change|facts|policy) /)
    },
  )

  test.each([
    [{ facts: { swiches: [] } }, 'no fact swiches; the facts are v, now, principal,'],
    [{ facts: { not_required: [] } }, 'no fact not_required'],
    [{ facts: { '__proto__.polluted': true } }, 'no fact __proto__'],
    [{ facts: { 'switches[x].state': 'stopped' } }, 'no place such as switches[0].state'],
    [{ facts: { '': 1 } }, 'no place such as'],
    [{ facts: {}, policies: {} }, 'the change holds policies, which is unknown'],
    [{ policy: { foo: [] } }, 'policy has no section foo; its sections are kill_switches, license_types,'],
    [{ policy: { budget: 'x' } }, 'policy.budget is not a list'],
    [{ policy: { budget: [{ scope: {}, treshold: '1', window_days: 7 }] } }, 'policy.budget[0].treshold is unknown'],
    [{ policy: { budget: [{ scope: {}, threshold: 1, window_days: 7 }] } }, 'policy.budget[0].threshold is not'],
    [{ policy: { kill_switches: [{ scope: 'tenant' }] } }, 'policy.kill_switches[0].selector is missing'],
    [{ policy: { kpi: [] } }, 'policy.kpi is not an object'],
  ])('%j asks for what there is not, and is told what there is', (value, why) => {
    expect(() => change(value)).toThrow(why)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('a control document is taken as it is printed, with its version', () => {
    const policy = {
      kill_switches: [],
      license_types: [],
      firearms: [],
      grants: [],
      strategy_locks: [],
      budget: [],
      kpi: { definitions: [], corridors: [] },
      temperature: [],
      rate_limits: [],
      not_required: [],
      feature_flags: { sse_enabled: true },
      egress: [{ origin: 'https://example.com', methods: ['POST'], idempotency_header: null }],
    }
    expect(change({ version: 3, epoch: 9, changed_by: null, changed_at: null, policy })).toEqual({ policy })
  })
})
