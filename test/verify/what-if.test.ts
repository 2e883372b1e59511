/** The golden histories under other facts and other policies. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unpackBundle } from '../../verify/read-bundle.ts'
import { type Change, readChange, whatIf } from '../../verify/what-if.ts'
import { DECIDERS } from './support/options.ts'

const HISTORIES = join(import.meta.dirname, '..', 'replay', 'histories')
const golden = (name: string) => unpackBundle(readFileSync(join(HISTORIES, `note-append.${name}.zip`)))
const ask = (name: string, change: Change) => whatIf(golden(name), change, DECIDERS)
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

  test('a fact at a place that was not recorded is named as missing', () => {
    expect(ask('executed-by-votes', change({ facts: { 'switches[99].state': 'stopped' } })).missing).toEqual([
      'switches[99].state',
    ])
    expect(ask('executed-by-votes', change({ facts: { 'moon.phase': 'full' } })).missing).toEqual(['moon.phase'])
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

  test('a place named like a member of every object is set as a fact, not followed', () => {
    expect(ask('executed-by-votes', change({ facts: { '__proto__.polluted': true } })).missing).toEqual([
      '__proto__.polluted',
    ])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
