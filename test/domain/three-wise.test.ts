/** What three opinions come to, and who may give one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bindingHash,
  type Opinion,
  OPINIONS,
  opinionRefusal,
  type OpinionWord,
  type Question,
  questionStatus,
  reviewerOf,
  verdictOf,
} from '../../domain/three-wise.ts'
import { fromNow, NOW } from '../support/domain.ts'

const words = fc.array(fc.constantFrom(...OPINIONS), { maxLength: 4 })
const opinion = (reviewer: string, verdict: OpinionWord = 'APPROVE'): Opinion => ({
  by: `p_${reviewer}`,
  kind: 'user',
  reviewer,
  verdict,
  reason: 'looked',
  at: NOW,
})
const question = (change: Partial<Question> = {}): Question => ({
  asked_by_reviewer: 'u_asker',
  expires_at: fromNow(60),
  opinions: [],
  ...change,
})

describe('the verdict', () => {
  test('is APPROVE for three opinions with two of them for it and none against, and for nothing else', () => {
    fc.assert(
      fc.property(words, (said) => {
        const count = (word: OpinionWord) => said.filter((each) => each === word).length
        const approves = said.length === 3 && count('APPROVE') >= 2 && count('REJECT') === 0
        expect(verdictOf(said) === 'APPROVE').toBe(approves)
      }),
    )
  })

  test.each([
    [[], 'UNSURE'],
    [['APPROVE', 'APPROVE'], 'UNSURE'],
    [['APPROVE', 'APPROVE', 'APPROVE'], 'APPROVE'],
    [['UNSURE', 'APPROVE', 'APPROVE'], 'APPROVE'],
    [['APPROVE', 'UNSURE', 'UNSURE'], 'UNSURE'],
    [['APPROVE', 'APPROVE', 'REJECT'], 'UNSURE'],
    [['REJECT', 'APPROVE', 'REJECT'], 'REJECT'],
    [['APPROVE', 'APPROVE', 'APPROVE', 'APPROVE'], 'UNSURE'],
  ] as [OpinionWord[], string][])('of %j is %s', (said, verdict) => {
    expect(verdictOf(said)).toBe(verdict)
  })

  test('does not depend on the order', () => {
    fc.assert(fc.property(words, (said) => verdictOf(said) === verdictOf(said.toReversed())))
  })
})

describe('an opinion', () => {
  test('is taken of three reviewers, one each, and never of the asker', () => {
    const two = [opinion('u_a'), opinion('u_b')]
    expect(opinionRefusal(question(), 'u_a', NOW)).toBe(null)
    expect(opinionRefusal(question(), 'u_asker', NOW)).toBe('asker')
    expect(opinionRefusal(question({ opinions: two }), 'u_b', NOW)).toBe('again')
    expect(opinionRefusal(question({ opinions: two }), 'u_c', NOW)).toBe(null)
    expect(opinionRefusal(question({ opinions: [...two, opinion('u_c')] }), 'u_d', NOW)).toBe('answered')
  })

  test('comes too late at the very end of the time', () => {
    expect(opinionRefusal(question({ expires_at: fromNow(0.001) }), 'u_a', NOW)).toBe(null)
    expect(opinionRefusal(question({ expires_at: NOW }), 'u_a', NOW)).toBe('expired')
    expect(questionStatus(question({ expires_at: NOW, opinions: [opinion('u_a')] }), NOW)).toBe('expired')
  })

  test('of a person counts once whatever principals they own', () => {
    expect(reviewerOf({ id: 'p_one', person_id: 'u_ada' })).toBe(reviewerOf({ id: 'p_two', person_id: 'u_ada' }))
    expect(reviewerOf({ id: 'p_model', person_id: null })).toBe('p_model')
  })
})

test('a question binds to action, target and input, whatever the order of members', () => {
  const binds = { action: 'http.post', target: 'https://example.com/', input: { a: 1, b: 2 } }
  const hash = bindingHash(binds)
  expect(bindingHash({ ...binds, input: { b: 2, a: 1 } })).toBe(hash)
  for (const change of [{ action: 'object.put' }, { target: null }, { input: { a: 1, b: 3 } }])
    expect(bindingHash({ ...binds, ...change })).not.toBe(hash)
})
