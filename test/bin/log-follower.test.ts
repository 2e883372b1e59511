import { expect, test } from 'vitest'
import { LogFollower } from '../../bin/log-follower.ts'

const listening = new AbortController().signal

test('one look serves everybody who waits, and wakes those whose log has grown', async () => {
  const looks: string[][] = []
  const follower = new LogFollower(async (tenantIds) => {
    looks.push(tenantIds.toSorted())
    return { t_a: 5, t_b: looks.length < 3 ? 2 : 4 }
  })
  const woken = await Promise.all([
    follower.grown('t_a', 4, 10_000, listening),
    follower.grown('t_a', 0, 10_000, listening),
    follower.grown('t_b', 2, 10_000, listening),
    follower.grown('t_b', 3, 10_000, listening),
  ])
  expect(woken).toEqual([5, 5, 4, 4])
  expect(looks).toEqual([['t_a', 't_b'], ['t_b'], ['t_b']])
})

test('whoever waits in vain, or hangs up, is told nothing, and then nothing is looked at', async () => {
  let looks = 0
  const follower = new LogFollower(async () => {
    looks++
    return { t_a: 1 }
  })
  expect(await follower.grown('t_a', 1, 500, listening)).toBeNull()
  expect(looks).toBe(1)
  const hangUp = new AbortController()
  const waiting = follower.grown('t_a', 1, 10_000, hangUp.signal)
  hangUp.abort()
  expect(await waiting).toBeNull()
  expect(await follower.grown('t_a', 1, 10_000, AbortSignal.abort())).toBeNull()
  const before = looks
  expect(await follower.grown('t_a', 0, 10_000, listening)).toBe(1)
  expect(looks - before).toBeLessThanOrEqual(1)
})

test('a database that does not answer is no news, and the next look is taken all the same', async () => {
  let looks = 0
  const follower = new LogFollower(async () => {
    if (++looks === 1) throw new Error('connection refused')
    return { t_a: 9 }
  })
  expect(await follower.grown('t_a', 8, 10_000, listening)).toBe(9)
  expect(looks).toBe(2)
})
