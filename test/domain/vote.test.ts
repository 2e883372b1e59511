import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkVoteClaims,
  looksLikeYes,
  readVoteClaims,
  VOTE_CHECKS,
  type VoteClaims,
  type VoteSubject,
} from '../../domain/vote.ts'

const IAT = 1_780_000_000
const subject: VoteSubject = {
  tenant_id: 't_a',
  operation_id: 'op_1',
  intent_hash: '1a'.repeat(32),
  plan_hash: '2b'.repeat(32),
  shown_hash: '3c'.repeat(32),
}
const claims = (change: Partial<VoteClaims> = {}): VoteClaims => ({
  operation_id: 'op_1',
  tenant: 't_a',
  intent_hash: subject.intent_hash,
  plan_hash: subject.plan_hash,
  shown_hash: subject.shown_hash,
  decision: 'approve',
  reason: null,
  nonce: 'sixteen-letters!',
  iat: IAT,
  exp: IAT + 3600,
  ...change,
})

describe('reading claims', () => {
  test('a vote’s claims are read as they are', () => {
    expect(readVoteClaims(claims())).toEqual(claims())
    expect(readVoteClaims(claims({ by: 'p_ada', decision: 'deny', reason: 'no' }))).not.toBeNull()
  })

  test('a reason of 500 letters and a nonce of 128 are not too long', () => {
    expect(readVoteClaims(claims({ reason: 'r'.repeat(500), nonce: 'n'.repeat(128) }))).not.toBeNull()
  })

  test.each(Object.keys(claims()))('without %s they are no vote', (key) => {
    expect(readVoteClaims({ ...claims(), [key]: undefined })).toBeNull()
    const { [key as 'nonce']: _gone, ...rest } = claims()
    expect(readVoteClaims(rest)).toBeNull()
  })

  test.each<[string, object]>([
    ['a claim nobody knows', { approved_by: 'p_root' }],
    ['another decision', { decision: 'approved' }],
    ['a decision in capitals', { decision: 'APPROVE' }],
    ['a hash in capitals', { intent_hash: '1A'.repeat(32) }],
    ['a short hash', { plan_hash: '2b'.repeat(31) }],
    ['a long hash', { shown_hash: `${subject.shown_hash}\n` }],
    ['a short nonce', { nonce: 'fifteen-letters' }],
    ['a long nonce', { nonce: 'n'.repeat(129) }],
    ['a time as text', { iat: '1780000000' }],
    ['half a second', { exp: IAT + 0.5 }],
    ['an empty reason', { reason: '' }],
    ['a long reason', { reason: 'r'.repeat(501) }],
    ['a voter who is no text', { by: null }],
  ])('%s is refused', (_what, change) => {
    expect(readVoteClaims({ ...claims(), ...change })).toBeNull()
  })

  test('anything else is refused without an error', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => readVoteClaims(value) === null))
    for (const value of [undefined, null, [], [claims()], 'e30', 7]) expect(readVoteClaims(value)).toBeNull()
  })
})

describe('checking claims', () => {
  const at = (seconds: number) => (IAT + seconds) * 1000
  test.each<[string, Partial<VoteClaims>, string]>([
    ['another tenant', { tenant: 't_b' }, 'tenant'],
    ['another operation', { operation_id: 'op_2' }, 'operation'],
    ['another intent', { intent_hash: 'ff'.repeat(32) }, 'intent'],
    ['another plan', { plan_hash: 'ff'.repeat(32) }, 'plan'],
    ['another preview', { shown_hash: 'ff'.repeat(32) }, 'shown'],
    ['everything else as well: the tenant is named', { tenant: 't_b', operation_id: 'op_2', exp: 0 }, 'tenant'],
  ])('%s', (_what, change, check) => {
    expect(checkVoteClaims(claims(change), subject, at(1))).toBe(check)
    expect(VOTE_CHECKS).toContain(check)
  })

  test.each<[string, Partial<VoteClaims>, number, boolean]>([
    ['now', {}, 0, true],
    ['five seconds before it was signed', {}, -5, true],
    ['earlier than that', {}, -5.001, false],
    ['up to five seconds after its end', {}, 3604.999, true],
    ['five seconds after its end', {}, 3605, false],
    ['for an hour at most', { exp: IAT + 3601 }, 1, false],
    ['never when it ends as it begins', { exp: IAT }, 0, false],
    ['never when it ends before it begins', { exp: IAT - 1 }, -3, false],
  ])('counts %s', (_what, change, seconds, fresh) => {
    expect(checkVoteClaims(claims(change), subject, at(seconds))).toBe(fresh ? null : 'time')
  })
})

describe('the hint of a yes', () => {
  const jws = (value: unknown) => `e30.${Buffer.from(JSON.stringify(value)).toString('base64url')}.c2ln`

  test('is seen in a yes and not in a no, whatever its reason says', () => {
    expect(looksLikeYes(jws(claims()))).toBe(true)
    expect(looksLikeYes(jws(claims({ decision: 'deny', reason: '"decision":"approve" Grüße' })))).toBe(false)
  })

  test('is not seen in what is no vote, and no text makes it throw', () => {
    for (const text of ['', 'not a vote', '..', 'a.b', 'a.%%%.c', 'a.e30.c']) expect(looksLikeYes(text)).toBe(false)
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string().map(jws), fc.base64String()), (text) => !looksLikeYes(text)),
    )
  })
})
