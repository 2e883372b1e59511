/** Rows that say no metric is required: how far they reach in time, and how many people they ask for. */
import { describe, expect, test } from 'vitest'
import { waiverFaults, waiverQuorum } from '../../actions/policy-waivers.ts'
import type { WaiverRow } from '../../domain/policy.ts'

const NOW = '2026-01-01T00:00:00.000000Z'
const row = (change: Partial<WaiverRow>): WaiverRow => ({
  gate: 'kpi',
  until: '2026-06-01T00:00:00Z',
  reason: 'nothing to measure',
  ...change,
})
const describeAction = (name: string) => (name === 'no.thing' ? null : { quorum: name === 'http.post' ? 2 : 1 })
const asks = (rows: WaiverRow[], held: WaiverRow[] = []) => waiverQuorum(rows, held, describeAction)

describe('a row may run', () => {
  test.each([
    ['until it is over already', '2025-06-01T00:00:00Z', []],
    ['for 366 days to the millisecond', '2027-01-02T00:00:00.000Z', []],
    ['not a millisecond longer', '2027-01-02T00:00:00.001Z', ['/until']],
    ['not for decades', '2090-01-01T00:00:00Z', ['/until']],
  ])('%s', (_what, until, paths) => {
    expect(waiverFaults(row({ until }), { now: NOW }).map(({ path }) => path)).toEqual(paths)
  })
})

describe('a row asks for as many people as the strongest action it covers', () => {
  const post = row({ action: 'http.post' })
  test.each<[string, WaiverRow[], WaiverRow[], number]>([
    ['nobody more for no row', [], [], 1],
    ['one for a reversible action', [row({ action: 'note.append' })], [], 1],
    ['two for an irreversible action', [post], [], 2],
    ['two for the class of these', [row({ class: 'irreversible' })], [], 2],
    ['one for another class', [row({ class: 'contained' })], [], 1],
    ['two where one row of several is strong', [row({ class: 'reversible' }), post], [], 2],
    ['nobody more for a row that stays', [post], [{ ...post, until: '2026-06-01T00:00:00.000000Z' }], 1],
    ['nobody more for a row that ends sooner', [{ ...post, until: '2026-02-01T00:00:00Z' }], [post], 1],
    ['nobody more for a row that goes', [], [post], 1],
    ['two for a row that ends later', [{ ...post, until: '2026-07-01T00:00:00Z' }], [post], 2],
    ['two for a row that says another reason', [{ ...post, reason: 'another' }], [post], 2],
    ['two where only another gate was waived', [{ ...post, gate: 'budget' }], [post], 2],
    ['two where only the class of the same name was waived', [post], [row({ class: 'irreversible' })], 2],
  ])('%s', (_what, rows, held, people) => {
    expect(asks(rows, held)).toBe(people)
  })
})
