import { describe, expect, test } from 'vitest'
import { Fact, type Facts, type GrantFact } from '../../domain/facts.ts'
import type { Intent } from '../../domain/plan.ts'
import { grantApplies, standingGrant, withinLimits } from '../../domain/standing.ts'
import { anIntent, aPlan, fromNow, goodFacts, NOW } from '../support/domain.ts'

/** The good facts with their one grant changed. */
function granted(change: Partial<GrantFact>, more: Partial<GrantFact>[] = []): Facts {
  const facts = goodFacts()
  facts.firearms.grants = [change, ...more].flatMap((each) =>
    goodFacts().firearms.grants.map((grant) => ({ ...grant, ...each })),
  )
  return facts
}
const limits = { max_count: 10, max_amount: '50', targets: null }

describe('a standing grant stands in for votes', () => {
  test.each<[string, Partial<GrantFact>, Partial<Intent>, boolean]>([
    ['within its limits', {}, {}, true],
    ['at its last use', { used: { count: 9, amount: '0' } }, {}, true],
    ['not one use further', { used: { count: 10, amount: '0' } }, {}, false],
    ['up to exactly its amount', { used: { count: 0, amount: '47.5' } }, {}, true],
    ['not a millionth beyond', { used: { count: 0, amount: '47.500001' } }, {}, false],
    ['at no cost when its amount is used up', { used: { count: 0, amount: '50' } }, { estimated_cost: '0' }, true],
    ['never for a cost that cannot be read', {}, { estimated_cost: '1e3' }, false],
    ['until just before it ends', { expires_at: fromNow(0.001) }, {}, true],
    ['not at the instant it ends', { expires_at: NOW }, {}, false],
    ['not after it ended', { expires_at: fromNow(-1) }, {}, false],
    ['not once revoked', { revoked: true }, {}, false],
    ['for a listed target', { standing: { ...limits, targets: ['https://example.com/hook'] } }, {}, true],
    ['not for another target', { standing: { ...limits, targets: ['https://example.com/'] } }, {}, false],
    ['not for no target where targets are listed', {}, { target: null }, false],
    ['for no target where none is listed', { standing: limits }, { target: null }, true],
    ['not where the list of targets is empty', { standing: { ...limits, targets: [] } }, {}, false],
    ['not as a plain licence', { standing: null }, {}, false],
    ['not for another action', { actions: ['note.remove'] }, {}, false],
    ['not for an action of another case', { actions: ['Note.append'] }, {}, false],
    ['not for another principal', { principal_id: 'p_other' }, {}, false],
    ['not in another project', { project_id: 'p_other' }, {}, false],
    ['in every project where none is named', { project_id: null }, { project_id: 'p_other' }, true],
    ['not on another surface', { surface_id: 's_other' }, {}, false],
    ['on every surface where none is named', { surface_id: null }, { surface_id: null }, true],
  ])('%s', (_what, change, intent, stands) => {
    expect(standingGrant(aPlan(), anIntent(intent), granted(change))).toBe(stands ? 'gr_1' : null)
  })

  test('never for an action that governs, or one that forbids it', () => {
    expect(standingGrant(aPlan({ governs: true }), anIntent(), goodFacts())).toBeNull()
    expect(standingGrant(aPlan({ standing: false }), anIntent(), goodFacts())).toBeNull()
  })

  test('the lowest id wins among those that apply', () => {
    const facts = granted({ id: 'gr_3' }, [{ id: 'gr_2' }, { id: 'gr_1', revoked: true }])
    expect(standingGrant(aPlan(), anIntent(), facts)).toBe('gr_2')
    facts.firearms.grants.reverse()
    expect(standingGrant(aPlan(), anIntent(), facts)).toBe('gr_2')
  })

  test.each<[string, unknown]>([
    ['no facts', null],
    ['an empty document', {}],
    ['no time', { ...goodFacts(), now: null }],
    ['no list of grants', { ...goodFacts(), firearms: {} }],
    ['a grant without a count of uses', granted({ used: { amount: '1' } as never })],
    ['a limit that is no number', granted({ standing: { ...limits, max_count: null as never } })],
    ['an amount as a number', granted({ used: { count: 0, amount: 1 as never } })],
  ])('with %s people are asked instead', (_what, facts) => {
    expect(standingGrant(aPlan(), anIntent(), facts)).toBeNull()
  })
})

test('the parts say the same as the whole', () => {
  const [grant] = granted({}).firearms.grants.map((each) => new Fact(each, 'grant'))
  if (grant === undefined) throw new Error('no grant')
  const nowMs = Date.parse(NOW)
  expect(grantApplies(grant, anIntent(), nowMs)).toBe(true)
  expect(grantApplies(grant, anIntent(), nowMs + 3_600_000)).toBe(false)
  expect(withinLimits(grant, anIntent({ estimated_cost: '40' }))).toBe(true)
  expect(withinLimits(grant, anIntent({ estimated_cost: '40.000001' }))).toBe(false)
})
