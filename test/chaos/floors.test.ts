/** A run of chaos in which something did not work, or was never broken, is no clean run. */
import { expect, test } from 'vitest'
import { aDone } from './a-done.ts'
import { findShortfalls, type Happened } from './floors.ts'
import { type Done, type Sort, SORTS } from './load.ts'
import { makeSchedule, POINTS } from './schedule.ts'

const of = (sort: Sort, status: string, count: number): Done[] =>
  Array.from({ length: count }, () => aDone({ sort, status }))
const WORKED = SORTS.flatMap((sort) => [
  ...of(sort, sort === 'refused' ? 'expired' : 'executed', 40),
  ...of(sort, 'blocked', 60),
])
const planned = makeSchedule(1, 600_000).map(({ fault }) => fault)
const GOOD: Happened = {
  minutes: 10,
  done: WORKED,
  effects: { transactional: 100, conditional: 100, keyed: 100, blind: 100 },
  planned,
  faults: planned,
  met: new Set(POINTS),
}
const short = (more: Partial<Happened>) => findShortfalls({ ...GOOD, ...more })

test('a run in which everything worked and everything was broken is enough', () => {
  expect(short({})).toEqual([])
})

test.each(SORTS)('it is not where nothing of %s worked', (sort) => {
  const done = WORKED.map((each) => (each.sort === sort ? { ...each, status: 'unknown' } : each))
  expect(short({ done })).toEqual([expect.stringContaining(`of ${sort} ended`)])
  expect(short({ done: WORKED.filter((each) => each.sort !== sort) })).toHaveLength(1)
})

test('nor where only notes worked', () => {
  const done = WORKED.map((each) => (each.sort.startsWith('note') ? each : { ...each, status: 'blocked' }))
  expect(short({ done })).toHaveLength(6)
})

test.each(Object.keys(GOOD.effects))('nor where nobody saw an effect that is %s', (kind) => {
  expect(short({ effects: { ...GOOD.effects, [kind]: 3 } })).toEqual([expect.stringContaining(`3 ${kind} effects`)])
})

test.each([
  'kill worker',
  'pause postgres',
  'trouble on the link to blind',
  'a link with duplicates',
  'stop',
  'upgrade',
  'reset run',
])('nor without %s', (group) => {
  const faults = planned.filter((fault) => {
    const words = { ...fault } as { kind: string; part?: string; link?: string; trouble?: { kind: string } }
    const { kind, part, link, trouble } = words
    return ![kind, `${kind} ${part}`, `trouble on the link to ${link}`, `a link with ${trouble?.kind}`].includes(group)
  })
  expect(short({ faults })).toEqual([`never done, though planned: ${group}`])
})

test.each(POINTS)('nor, in ten minutes, where nobody died at %s', (point) => {
  const met = new Set<string>(POINTS.filter((each) => each !== point))
  expect(short({ met })).toEqual([expect.stringContaining(`nobody died at ${point}: `)])
})

test('a shorter run comes to half of the places that its schedule has', () => {
  const shorter = makeSchedule(1, 240_000).map(({ fault }) => fault)
  const ordered = [...new Set(shorter.flatMap((fault) => (fault.kind === 'crash point' ? [fault.point] : [])))]
  const half = Math.ceil(ordered.length / 2)
  const run = { minutes: 4, planned: shorter, faults: shorter }
  expect(short({ ...run, met: new Set(ordered.slice(0, half)) })).toEqual([])
  expect(short({ ...run, met: new Set(ordered.slice(0, half - 1)) })).toHaveLength(1)
})
