import { describe, expect, test } from 'vitest'
import {
  CLAIM_STATES,
  CLAIM_TRANSITIONS,
  END_LEAF,
  isFinal,
  type Status,
  STATUSES,
  TRANSITIONS,
} from '../../domain/lifecycle.ts'
import { LEAF_KINDS } from '../../domain/leaf.ts'

const FINAL = ['executed', 'proposed', 'blocked', 'denied', 'expired', 'cancelled', 'failed', 'unknown'] as const

function reachable(from: string, table: Readonly<Record<string, readonly string[]>>): Set<string> {
  const seen = new Set<string>()
  const next = [from]
  for (let state = next.pop(); state !== undefined; state = next.pop())
    for (const to of table[state] ?? [])
      if (!seen.has(to)) {
        seen.add(to)
        next.push(to)
      }
  return seen
}

describe.each([
  ['operations', STATUSES, TRANSITIONS, FINAL, 'evaluating'],
  ['claims', CLAIM_STATES, CLAIM_TRANSITIONS, ['committed', 'failed', 'unknown'], 'claimed'],
] as const)('the life of %s', (_what, states, table, finals, first) => {
  test('the table knows exactly the listed states', () => {
    expect(Object.keys(table).toSorted()).toEqual([...states].toSorted())
    for (const targets of Object.values(table)) for (const to of targets) expect(states).toContain(to)
  })

  test('final states lead nowhere, and the others do', () => {
    const dead = Object.entries<readonly string[]>(table).filter(([, targets]) => targets.length === 0)
    expect(dead.map(([state]) => state).toSorted()).toEqual([...finals].toSorted())
  })

  test('every state is reached from the first, and no state leads to itself or back', () => {
    expect([first, ...reachable(first, table)].toSorted()).toEqual([...states].toSorted())
    for (const state of states) expect(reachable(state, table).has(state)).toBe(false)
  })

  test('every state that is not final reaches a final one', () => {
    for (const state of states)
      if (!finals.includes(state as never))
        expect([...reachable(state, table)].some((to) => finals.includes(to as never))).toBe(true)
  })

  test('the table is frozen', () => {
    expect(Object.isFrozen(table)).toBe(true)
  })
})

test('isFinal says what the table says', () => {
  for (const status of STATUSES) expect(isFinal(status)).toBe(FINAL.includes(status as never))
})

test('every end has its one leaf, and it is a kind of leaf', () => {
  expect(Object.keys(END_LEAF).toSorted()).toEqual([...FINAL].toSorted())
  for (const kind of Object.values(END_LEAF)) expect(LEAF_KINDS).toContain(kind)
})

test('nothing is executed after people denied, or blocked once the effect is claimed', () => {
  const after = (status: Status) => reachable(status, TRANSITIONS)
  expect(after('denied').size + after('expired').size + after('cancelled').size + after('blocked').size).toBe(0)
  for (const end of ['blocked', 'denied', 'expired', 'cancelled', 'proposed'])
    expect(after('executing').has(end)).toBe(false)
})
