import { describe, expect, test } from 'vitest'
import type { Facts, GrantFact } from '../../domain/facts.ts'
import { approvalOver, isIssuer } from '../../domain/grant-issuers.ts'
import type { Intent, Plan } from '../../domain/plan.ts'
import { anIntent, aPlan, aVote, fromNow, goodFacts } from '../support/domain.ts'

/** The good facts, whose one grant is of a required type, standing and issued by `person_admin`, changed. */
function armed(change: Partial<GrantFact> = {}, license_types = ['lt_a']): Facts {
  const facts = goodFacts()
  facts.firearms = {
    ...facts.firearms,
    license_types,
    grants: facts.firearms.grants.map((grant) => ({ ...grant, ...change })),
  }
  return facts
}

describe('whoever issued a grant is shut out of what it arms', () => {
  test.each<[string, Facts, Partial<Intent>, Partial<Plan>, boolean]>([
    ['by a standing grant of a required type', armed(), {}, {}, true],
    ['by a plain licence of a required type', armed({ standing: null }), {}, {}, true],
    ['by a standing grant of a type that nothing requires', armed({}, []), {}, {}, true],
    ['not by a plain licence that nothing requires', armed({ standing: null }, []), {}, {}, false],
    ['also once it is used up', armed({ used: { count: 10, amount: '50' } }), {}, {}, true],
    ['not after it ended', armed({ expires_at: fromNow(-1) }), {}, {}, false],
    ['not once revoked', armed({ revoked: true }), {}, {}, false],
    ['not for another principal', armed({ principal_id: 'p_other' }), {}, {}, false],
    ['not for another action', armed({ actions: ['note.remove'] }), {}, {}, false],
    ['not in another project', armed(), { project_id: 'p_other' }, {}, false],
    ['not on another surface', armed(), { surface_id: 's_other' }, {}, false],
    ['not of an action that governs', armed(), {}, { governs: true }, false],
  ])('%s', (_what, facts, intent, plan, shut) => {
    expect(isIssuer(aPlan(plan), anIntent(intent), facts, 'person_admin')).toBe(shut)
    expect(isIssuer(aPlan(plan), anIntent(intent), facts, 'person_ann')).toBe(false)
  })

  test.each<[string, unknown]>([
    ['no facts', null],
    ['no time', { ...goodFacts(), now: null }],
    ['no list of required types', { ...goodFacts(), firearms: { grants: [] } }],
    ['a grant of nobody', armed({ granted_by_person: null as never })],
  ])('as is everybody while there is %s', (_what, facts) => {
    expect(isIssuer(aPlan(), anIntent(), facts, 'person_ann')).toBe(true)
  })
})

describe('where votes stand', () => {
  const over = (...votes: Parameters<typeof approvalOver>[3]) => approvalOver(aPlan(), anIntent(), armed(), votes)

  test("an issuer's yes does not count, another's does", () => {
    expect(over(aVote('admin'))).toBe('waiting')
    expect(over(aVote('admin'), aVote('ann'))).toBe('satisfied')
  })

  test("an issuer's no is kept", () => {
    expect(over(aVote('admin', { decision: 'deny' }))).toBe('denied')
    expect(over(aVote('ann'), aVote('admin', { decision: 'deny' }))).toBe('denied')
  })

  test('nobody approves over facts that cannot be read, and a no stays one', () => {
    expect(approvalOver(aPlan(), anIntent(), {}, [aVote('ann')])).toBe('waiting')
    expect(approvalOver(aPlan(), anIntent(), {}, [aVote('ann', { decision: 'deny' })])).toBe('denied')
  })
})
