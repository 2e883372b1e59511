/** What a target's answer comes to: `failed` only where no try can have been applied. */
import { describe, expect, test } from 'vitest'
import { type HttpAnswer, outcomeOfAnswer } from '../../domain/outside.ts'

const answer = (status: number): HttpAnswer => ({ status, body_sha256: 'aa', silence: null })
const silence = (word: string): HttpAnswer => ({ status: null, body_sha256: null, silence: word })

describe('the first try', () => {
  test.each([200, 201, 204, 299])('%i is applied', (status) => {
    expect(outcomeOfAnswer(answer(status), 1)).toEqual({
      state: 'committed',
      result: { status, body_sha256: 'aa' },
    })
  })

  test.each([400, 401, 403, 404, 422, 499])('%i is not applied', (status) => {
    expect(outcomeOfAnswer(answer(status), 1)).toMatchObject({ state: 'failed', code: 'effect.failed' })
  })

  test.each([100, 199, 300, 302, 408, 409, 425, 429, 500, 503, 599])('%i says nothing', (status) => {
    expect(outcomeOfAnswer(answer(status), 1).state).toBe('unknown')
  })

  test('an address that is refused is not reached, any other silence says nothing', () => {
    expect(outcomeOfAnswer(silence('address_forbidden'), 1)).toMatchObject({
      state: 'failed',
      code: 'egress.target_forbidden',
    })
    expect(outcomeOfAnswer(silence('timeout'), 1).state).toBe('unknown')
  })
})

describe('a later try', () => {
  test.each([answer(401), answer(404), answer(422), silence('address_forbidden')])(
    'that is refused with %j is no proof that the first was not applied',
    (refusal) => {
      expect(outcomeOfAnswer(refusal, 2).state).toBe('unknown')
    },
  )

  test('that is applied is', () => {
    expect(outcomeOfAnswer(answer(200), 5).state).toBe('committed')
  })
})
