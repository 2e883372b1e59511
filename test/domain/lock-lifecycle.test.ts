/** The life of a strategy lock, and the hash that an approval binds to. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LOCK_STATUSES,
  LOCK_TRANSITIONS,
  type LockChange,
  type LockContent,
  type LockStatus,
  lockAfter,
  lockBefore,
  lockContentHash,
} from '../../domain/lock-lifecycle.ts'

const CHANGES: readonly LockChange[] = ['approve', 'reject', 'revise', 'revoke', 'expire']
const FINAL: readonly LockStatus[] = ['rejected', 'expired', 'revoked']
const changes = fc.array(fc.constantFrom(...CHANGES), { maxLength: 30 })

/** Every status a lock passes through; a change that it does not take leaves it. */
const walk = (steps: readonly LockChange[]): { status: LockStatus; by: LockChange | null }[] => {
  let status: LockStatus = 'draft'
  const seen: { status: LockStatus; by: LockChange | null }[] = [{ status, by: null }]
  for (const change of steps) {
    const next = lockAfter(status, change)
    if (next !== null) seen.push({ status: (status = next), by: change })
  }
  return seen
}

describe('a lock', () => {
  test('has exactly these ways', () => {
    const ways = LOCK_STATUSES.flatMap((from) => CHANGES.map((change) => [from, change, lockAfter(from, change)]))
    expect(ways.filter(([, , to]) => to !== null)).toEqual([
      ['draft', 'approve', 'approved'],
      ['draft', 'reject', 'rejected'],
      ['draft', 'revise', 'draft'],
      ['draft', 'revoke', 'revoked'],
      ['draft', 'expire', 'expired'],
      ['approved', 'revise', 'draft'],
      ['approved', 'revoke', 'revoked'],
      ['approved', 'expire', 'expired'],
    ])
    for (const change of CHANGES)
      expect(lockBefore(change)).toEqual(LOCK_STATUSES.filter((from) => lockAfter(from, change) !== null))
  })

  test('whose state is final takes no change for ever', () => {
    for (const status of FINAL) expect(LOCK_TRANSITIONS[status]).toEqual({})
    fc.assert(
      fc.property(changes, (steps) => {
        const seen = walk(steps)
        const end = seen.findIndex(({ status }) => FINAL.includes(status))
        expect(end === -1 || end === seen.length - 1).toBe(true)
      }),
    )
  })

  test('is approved by an approval alone, straight from a draft', () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const seen = walk(steps)
        for (const [at, { status, by }] of seen.entries())
          if (status === 'approved') expect([by, seen[at - 1]?.status]).toEqual(['approve', 'draft'])
      }),
    )
  })
})

describe('the content hash', () => {
  const content: LockContent = {
    title: 'Campaign',
    allowed_actions: ['note.append'],
    surface_id: 's_main',
    project_id: null,
    valid_from: '2030-01-01T00:00:00.000000Z',
    valid_until: '2030-02-01T00:00:00.000000Z',
    constraints: null,
    three_wise_id: null,
  }
  const other: { [K in keyof LockContent]: LockContent[K] } = {
    title: 'Campaign ',
    allowed_actions: ['note.append', 'note.remove'],
    surface_id: '*',
    project_id: 'p_main',
    valid_from: '2030-01-01T00:00:00.001000Z',
    valid_until: '2030-02-01T00:00:00.001000Z',
    constraints: 'true',
    three_wise_id: 'tw_1',
  }
  const hash = lockContentHash('sl_1', 1, content)

  test.each(Object.keys(other) as (keyof LockContent)[])('is another when %s is', (member) => {
    expect(lockContentHash('sl_1', 1, { ...content, [member]: other[member] })).not.toBe(hash)
  })

  test('is another for another version or lock, and the same for the same', () => {
    expect(lockContentHash('sl_1', 2, content)).not.toBe(hash)
    expect(lockContentHash('sl_2', 1, content)).not.toBe(hash)
    expect(lockContentHash('sl_1', 1, { ...content })).toBe(hash)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('knows every member of the content', () => {
    expect(Object.keys(other).sort()).toEqual(Object.keys(content).sort())
  })
})
