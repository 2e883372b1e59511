/** The schedule of chaos: what a seed says, it says everywhere and again. */
import { expect, test } from 'vitest'
import { digestOf, LINKS, makeSchedule, PARTS, POINTS, skipping, wordsOf } from './schedule.ts'

const MINUTES = 60_000
const SEEDS = [1, 2, 3, 4, 5, 2_147_483_646]

test.each(SEEDS)('seed %i is the same schedule again', (seed) => {
  const [one, other] = [makeSchedule(seed, 10 * MINUTES), makeSchedule(seed, 10 * MINUTES)]
  expect(one).toEqual(other)
  expect(digestOf(one)).toBe(digestOf(other))
})

test('different seeds are different schedules', () => {
  expect(new Set(SEEDS.map((seed) => digestOf(makeSchedule(seed, MINUTES)))).size).toBe(SEEDS.length)
})

test.each(SEEDS)('a longer run of seed %i begins as a shorter one does', (seed) => {
  const shorter = makeSchedule(seed, 2 * MINUTES)
  expect(makeSchedule(seed, 10 * MINUTES).slice(0, shorter.length)).toEqual(shorter)
})

test.each(SEEDS)('what a machine lacks is skipped, and the rest of seed %i comes when it came', (seed) => {
  const schedule = makeSchedule(seed, 10 * MINUTES)
  for (const missing of [[], ['clock'], ['disk full'], ['clock', 'disk full']] as const) {
    const lacks = new Set<string>(missing)
    const { todo, skipped } = skipping(schedule, lacks)
    expect(todo).toEqual(schedule.filter(({ fault }) => !lacks.has(fault.kind)))
    expect(new Set(skipped.map(({ fault }) => fault.kind))).toEqual(lacks)
    expect([...todo, ...skipped].sort((a, b) => a.atMs - b.atMs)).toEqual(schedule)
  }
})

test.each(SEEDS)(
  'a minute of seed %i has met every kind, ten have met each part, trouble of a link and place to die at',
  (seed) => {
    const kinds = (minutes: number) =>
      new Set(makeSchedule(seed, minutes * MINUTES).map(({ fault }) => fault.kind)).size
    expect(kinds(1)).toBe(kinds(10))
    const words = new Set(makeSchedule(seed, 10 * MINUTES).map(({ fault }) => wordsOf(fault)))
    for (const point of POINTS) expect(words).toContain(`crash at ${point}`)
    for (const link of LINKS)
      for (const trouble of ['latency', 'reset', 'lost replies', 'half bodies', 'silence'])
        expect(words).toContain(`link to ${link}: ${trouble}`)
    for (const link of ['s3', 'keyed', 'blind']) expect(words).toContain(`link to ${link}: answers`)
    expect(words).toContain('link to keyed: duplicates')
    for (const part of PARTS) for (const what of ['kill', 'pause']) expect(words).toContain(`${what} ${part}`)
  },
)
