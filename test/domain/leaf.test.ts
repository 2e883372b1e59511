import { describe, expect, test } from 'vitest'
import { makeLeaf } from '../../domain/leaf.ts'

const given = {
  kind: 'record.written',
  tenant_id: 't_a',
  at: '2026-01-01T00:00:00.000000Z',
  actor: { principal_id: 'p_a', kind: 'user' },
} as const

describe('a leaf', () => {
  test('may be learned from only where somebody said so in so many words', () => {
    expect(makeLeaf(given).train_ok).toBe(false)
    expect(makeLeaf({ ...given, train_ok: true }).train_ok).toBe(true)
    for (const unreadable of [undefined, null, 'true', 1, {}, [true]])
      expect(makeLeaf({ ...given, train_ok: unreadable as never }).train_ok).toBe(false)
  })
})
