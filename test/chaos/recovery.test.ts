/** How long a recovery took is told by the operations themselves, and after which fault. */
import { expect, test } from 'vitest'
import { aDone } from './a-done.ts'
import { againSince, endedSince, meanwhile, notYetAgain, worstAfter } from './recovery.ts'
import type { Done } from './load.ts'

const op = (askedAt: number, endedAt: number, status = 'executed', sort: Done['sort'] = 'raw'): Done =>
  aDone({ sort, status, askedAt, endedAt })

test('work succeeds again with the first that was asked for afterwards and executed', () => {
  const done = [op(0, 150), op(110, 300, 'blocked'), op(120, 500), op(200, 400)]
  expect(againSince(100, done)).toBe(300)
  expect(againSince(201, done)).toBe(Infinity)
})

test('what was open has ended when the last of it has', () => {
  const done = [op(0, 90), op(50, 150), op(60, 400, 'unknown'), op(101, 900)]
  expect(endedSince(100, done)).toBe(300)
  expect(endedSince(1_000, done)).toBe(0)
})

test('what a target takes by itself is no recovery', () => {
  const hangs = { ...op(50, 60_100, 'unknown', 'keyed'), path: '/hang' }
  expect(endedSince(100, [hangs])).toBe(25_000)
  expect(endedSince(100, [{ ...hangs, path: '/ok' }])).toBe(60_000)
  expect(endedSince(100, [{ ...hangs, sort: 'blind' }])).toBe(60_000)
})

test('the worst is told with its fault', () => {
  const faults = [
    { fault: { kind: 'kill', part: 'app' }, over: 100 },
    { fault: { kind: 'stop', ms: 5 }, over: 200 },
  ] as const
  expect(worstAfter(faults, [op(0, 180), op(150, 700), op(210, 350)], againSince)).toEqual({
    after: 'kill app',
    ms: 250,
    over: 100,
  })
  expect(worstAfter(faults, [op(0, 180), op(150, 700)], endedSince)).toEqual({ after: 'stop', ms: 500, over: 200 })
})

test('what came meanwhile of what was asked for is told with it', () => {
  const blocked = { ...op(1_000, 2_000, 'blocked', 'blind'), code: 'kill_switch.active' as const }
  const said = meanwhile({ after: 'stop', ms: 3_000, over: 500 }, [
    op(0, 400),
    blocked,
    op(2_500, 3_500),
    op(4_000, 5_000),
  ])
  expect(said).toContain('from 1970-01-01T00:00:00.500Z')
  expect(said).toContain('blind blocked kill_switch.active 1 to 2; raw executed 2 to 3)')
})

test('a sort that has not succeeded since then is named', () => {
  const since = ['note by grant', 'note by vote', 'batch', 'object', 'raw', 'keyed'] as const
  const done = [...since.map((sort) => op(10, 20, 'executed', sort)), op(10, 20, 'unknown', 'blind')]
  expect(notYetAgain(5, done)).toEqual(['blind'])
})
