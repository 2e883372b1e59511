/** What is asked in somebody's name: everybody who asks or is asked for is active and licensed, and no grant stands in for votes. */
import { describe, expect, test } from 'vitest'
import type { Json } from '../../domain/canonical.ts'
import { asks, askersOf } from '../../domain/delegation.ts'
import type { Facts, GrantFact, PrincipalFact } from '../../domain/facts.ts'
import { firstBlock, runChain } from '../../domain/gates/chain.ts'
import { isIssuer } from '../../domain/grant-issuers.ts'
import { standingGrant } from '../../domain/standing.ts'
import { anIntent, aPlan, goodFacts } from '../support/domain.ts'

const intent = anIntent({ on_behalf_of: ['p_bot', 'p_ada'] })
const person = (id: string, change: Partial<PrincipalFact> = {}): PrincipalFact => ({
  id,
  kind: 'user',
  person_id: `person_${id}`,
  status: 'active',
  membership: 'active',
  ...change,
})

/** Facts under which all three may, each by a grant of somebody else. */
function factsOfThree(change: (facts: Facts, grants: GrantFact[]) => void = () => undefined): Facts {
  const facts = goodFacts()
  const [grant] = facts.firearms.grants
  if (grant === undefined) throw new Error('the facts hold no grant')
  facts.on_behalf_of = [person('p_bot'), person('p_ada')]
  for (const principal_id of ['p_bot', 'p_ada'])
    facts.firearms.grants.push({
      ...grant,
      id: `gr_${principal_id}`,
      principal_id,
      granted_by_person: `issuer_${principal_id}`,
    })
  change(facts, facts.firearms.grants)
  return facts
}

const decide = (facts: unknown, given = intent) => firstBlock(runChain(aPlan(), given, facts))

test('active members, each licensed, are allowed it together', () => {
  expect(decide(factsOfThree())).toBeNull()
})

describe('the firearms gate blocks when', () => {
  test.each<[string, (facts: Facts, grants: GrantFact[]) => void, string]>([
    [
      'the subject was revoked',
      (f) => (f.on_behalf_of = [person('p_bot'), person('p_ada', { status: 'revoked' })]),
      'auth.principal_revoked',
    ],
    [
      'an earlier actor was revoked',
      (f) => (f.on_behalf_of = [person('p_bot', { status: 'revoked' }), person('p_ada')]),
      'auth.principal_revoked',
    ],
    [
      'the subject is no member any more',
      (f) => (f.on_behalf_of = [person('p_bot'), person('p_ada', { membership: 'revoked' })]),
      'auth.principal_revoked',
    ],
    [
      'the subject was never a member',
      (f) => (f.on_behalf_of = [person('p_bot'), person('p_ada', { membership: 'none' })]),
      'auth.principal_revoked',
    ],
    ['the subject has no licence', (_f, grants) => void grants.splice(2, 1), 'firearms.license_required'],
    ['an earlier actor has no licence', (_f, grants) => void grants.splice(1, 1), 'firearms.license_required'],
    ['the actor has no licence', (_f, grants) => void grants.splice(0, 1), 'firearms.license_required'],
    ['the facts tell of nobody behind', (f) => delete f.on_behalf_of, 'firearms.unavailable'],
    ['the facts tell of fewer', (f) => (f.on_behalf_of = [person('p_bot')]), 'firearms.unavailable'],
    ['the facts tell of more', (f) => f.on_behalf_of?.push(person('p_eve')), 'firearms.unavailable'],
    [
      'the facts tell of others',
      (f) => (f.on_behalf_of = [person('p_ada'), person('p_bot')]),
      'firearms.license_required',
    ],
    ['one of them is nobody', (f) => (f.on_behalf_of = [person('p_bot'), null]), 'firearms.license_required'],
  ])('%s', (_what, change, code) => {
    expect(decide(factsOfThree(change))?.code).toBe(code)
  })

  test.each<[Json]>([
    [[]],
    [['p_agent']],
    [['p_ada', 'p_ada']],
    [['']],
    [[7]],
    ['p_ada'],
    [{}],
    [['a', 'b', 'c', 'd', 'e']],
  ])('the intent names %j as those behind it', (on_behalf_of) => {
    const given = { ...intent, on_behalf_of: on_behalf_of as string[] }
    expect(decide(factsOfThree(), given)?.code).toBe('firearms.unavailable')
    expect(() => askersOf(given)).toThrow('on_behalf_of')
  })
})

test('no standing grant of any of them stands in for votes', () => {
  expect(standingGrant(aPlan(), anIntent(), factsOfThree())).toBe('gr_1')
  expect(standingGrant(aPlan(), intent, factsOfThree())).toBeNull()
})

test('whoever issued a grant to any of them has no vote', () => {
  for (const issuer of ['person_admin', 'issuer_p_bot', 'issuer_p_ada'])
    expect([issuer, isIssuer(aPlan(), intent, factsOfThree(), issuer)]).toEqual([issuer, true])
  expect(isIssuer(aPlan(), anIntent(), factsOfThree(), 'issuer_p_ada')).toBe(false)
  expect(isIssuer(aPlan(), intent, factsOfThree(), 'person_eve')).toBe(false)
})

test('each of them asks, and nobody else', () => {
  for (const id of ['p_agent', 'p_bot', 'p_ada']) expect(asks(intent, id)).toBe(true)
  expect(asks(intent, 'p_eve')).toBe(false)
  expect(asks(anIntent(), 'p_ada')).toBe(false)
})
