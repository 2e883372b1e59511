import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ApprovalRule,
  type ApprovalState,
  approvalState,
  type ApprovalTree,
  quorumTree,
  type Seat,
  seatsNeeded,
  type Vote,
  voteExclusion,
} from '../../domain/approval.ts'
import { aVote } from '../support/domain.ts'

const citizen: Seat = { permission: 'decide' }
const crown: Seat = { permission: 'decide', role: 'owner' }
const federation: Seat = { permission: 'decide', role: 'platform' }

const rule = (tree: ApprovalTree, change: Partial<ApprovalRule> = {}): ApprovalRule => ({
  tree,
  assurance: 'attested',
  excluded_persons: [],
  ...change,
})
const operator = (name: string) => aVote(name)
const monarch = (name: string) => aVote(name, { role: 'owner' })
const delegate = (name: string) => aVote(name, { role: null, platform_role: 'platform_operator' })
const no = (vote: Vote): Vote => ({ ...vote, decision: 'deny', reason: 'no' })

/** Each step adds one vote and names the state it leads to. */
type Story = [Vote, ApprovalState][]
const tell = (r: ApprovalRule, story: Story) => {
  const cast: Vote[] = []
  for (const [vote, state] of story) {
    cast.push(vote)
    expect([cast.map((each) => `${each.decision} ${each.by}`), approvalState(r, cast)]).toEqual([
      cast.map((each) => `${each.decision} ${each.by}`),
      state,
    ])
  }
}

describe('stories, vote by vote', () => {
  test.each<[string, ApprovalRule, Story]>([
    ['a village of one decides alone', rule(quorumTree(1)), [[operator('ada'), 'satisfied']]],
    [
      'a town council needs two of its people, and two hats are one head',
      rule(quorumTree(2)),
      [
        [operator('ada'), 'waiting'],
        [{ ...operator('ada'), by: 'p_ada_at_night', nonce: 'another-nonce-000' }, 'waiting'],
        [operator('bo'), 'satisfied'],
      ],
    ],
    [
      'one veto ends it, however many said yes before',
      rule(quorumTree(3)),
      [
        [operator('ada'), 'waiting'],
        [operator('bo'), 'waiting'],
        [no(operator('cy')), 'denied'],
        [operator('di'), 'denied'],
      ],
    ],
    [
      'people cannot make a king: the crown’s seat waits for the crown',
      rule(quorumTree(1, 'owner')),
      [
        [operator('ada'), 'waiting'],
        [delegate('eve'), 'waiting'],
        [monarch('leo'), 'satisfied'],
      ],
    ],
    [
      'a constitution takes the crown and two citizens; a monarch counts as either, never as both',
      rule({ all: [crown, citizen, citizen] }),
      [
        [monarch('leo'), 'waiting'],
        [operator('ada'), 'waiting'],
        [monarch('mia'), 'satisfied'],
      ],
    ],
    [
      'either the crown or three citizens: the third citizen is enough',
      rule({ any: [crown, quorumTree(3)] }),
      [
        [operator('ada'), 'waiting'],
        [operator('bo'), 'waiting'],
        [operator('cy'), 'satisfied'],
      ],
    ],
    [
      'either the crown or three citizens: the crown is enough',
      rule({ any: [quorumTree(3), crown] }),
      [
        [operator('ada'), 'waiting'],
        [monarch('leo'), 'satisfied'],
      ],
    ],
    [
      'two of three estates',
      rule({ of: [crown, federation, quorumTree(2)], n: 2 }),
      [
        [operator('ada'), 'waiting'],
        [delegate('eve'), 'waiting'],
        [operator('bo'), 'satisfied'],
      ],
    ],
    [
      'two of three estates, where the delegate fills the citizens’ last seat only if nobody else does',
      rule({ of: [crown, federation, quorumTree(2)], n: 2 }),
      [
        [delegate('eve'), 'waiting'],
        [delegate('fay'), 'waiting'],
        [operator('ada'), 'satisfied'],
      ],
    ],
    [
      'first the house, then the crown: an early crown does not count for the second seat',
      rule({ ordered: [citizen, crown] }),
      [
        [monarch('leo'), 'waiting'],
        [operator('ada'), 'waiting'],
        [monarch('mia'), 'satisfied'],
      ],
    ],
    [
      'first the house, then the crown, in that order',
      rule({ ordered: [quorumTree(2), crown] }),
      [
        [operator('ada'), 'waiting'],
        [monarch('leo'), 'waiting'],
        [operator('bo'), 'waiting'],
        [monarch('mia'), 'satisfied'],
      ],
    ],
    [
      'whoever proposed it does not decide it, under any name',
      rule(quorumTree(1), { excluded_persons: ['person_ada'] }),
      [
        [operator('ada'), 'waiting'],
        [{ ...operator('ada'), by: 'p_other', role: 'owner' }, 'waiting'],
        [operator('bo'), 'satisfied'],
      ],
    ],
    [
      'whoever proposed it cannot veto it either: that is what cancel is for',
      rule(quorumTree(1), { excluded_persons: ['person_ada'] }),
      [
        [no(operator('ada')), 'waiting'],
        [operator('bo'), 'satisfied'],
      ],
    ],
    [
      'where own signatures are demanded, a clerk’s word counts for nothing',
      rule(quorumTree(1), { assurance: 'self_signed' }),
      [
        [aVote('ada', { assurance: 'attested' }), 'waiting'],
        [no(aVote('cy', { assurance: 'attested' })), 'waiting'],
        [aVote('bo', { assurance: 'self_signed' }), 'satisfied'],
      ],
    ],
    [
      'a vote without the permission fills no seat',
      rule(quorumTree(1)),
      [
        [aVote('ada', { permissions: ['read'] }), 'waiting'],
        [aVote('bo', { permissions: ['read', 'decide'] }), 'satisfied'],
      ],
    ],
    [
      'the federation’s seat looks at the platform role only',
      rule(quorumTree(1, 'platform')),
      [
        [aVote('ada', { role: 'platform' }), 'waiting'],
        [aVote('bo', { role: 'owner', platform_role: 'platform' }), 'waiting'],
        [delegate('eve'), 'satisfied'],
      ],
    ],
  ])('%s', (_title, r, story) => {
    tell(r, story)
  })

  test('nobody has approved before anybody voted, not even a tree that asks nobody', () => {
    const trees: ApprovalTree[] = [citizen, quorumTree(2), quorumTree(0), { all: [] }, { any: [] }, { ordered: [] }]
    for (const tree of [...trees, { of: [citizen], n: 0 }, { any: [{ all: [] }] }])
      expect(approvalState(rule(tree), [])).toBe('waiting')
    expect(approvalState(rule({ all: [] }), [operator('ada')])).toBe('waiting')
  })

  test('more seats than the list holds are never filled', () => {
    const votes = ['ada', 'bo', 'cy'].map(operator)
    expect(approvalState(rule({ of: [citizen, citizen], n: 3 }), votes)).toBe('waiting')
    expect(approvalState(rule({ any: [] }), votes)).toBe('waiting')
  })

  test('order is kept past thirty-two voters', () => {
    const crowd = Array.from({ length: 40 }, (_, i) => operator(`n${i}`))
    const tree: ApprovalTree = { ordered: [federation, crown] }
    expect(approvalState(rule(tree), [...crowd, delegate('eve')])).toBe('waiting')
    expect(approvalState(rule(tree), [...crowd.slice(0, 20), monarch('leo'), ...crowd, delegate('eve')])).toBe(
      'waiting',
    )
    expect(approvalState(rule(tree), [...crowd, delegate('eve'), monarch('leo')])).toBe('satisfied')
  })
})

describe('why a vote does not count', () => {
  test.each([
    ['it counts', {}, {}, null],
    ['the requester’s own', { excluded_persons: ['person_ada'] }, {}, 'approval.self'],
    [
      'attested where own signatures are demanded',
      { assurance: 'self_signed' },
      { assurance: 'attested' },
      'approval.signature_required',
    ],
    ['self-signed where attested is enough', { assurance: 'attested' }, { assurance: 'self_signed' }, null],
  ] as const)('%s', (_what, change, vote, code) => {
    expect(voteExclusion(rule(citizen, change), aVote('ada', vote))).toBe(code)
  })
})

describe('seats', () => {
  test.each<[ApprovalTree, number]>([
    [citizen, 1],
    [quorumTree(1), 1],
    [quorumTree(4), 4],
    [{ all: [citizen, quorumTree(2)] }, 3],
    [{ any: [quorumTree(3), quorumTree(2)] }, 2],
    [{ of: [quorumTree(3), citizen, quorumTree(2)], n: 2 }, 3],
    [{ ordered: [citizen, crown, federation] }, 3],
  ])('%j needs %i', (tree, seats) => {
    expect(seatsNeeded(tree)).toBe(seats)
  })

  test('a quorum is a tree of like seats', () => {
    expect(quorumTree(1, 'owner')).toEqual(crown)
    expect(quorumTree(2, 'owner')).toEqual({ of: [crown, crown], n: 2 })
  })
})

describe('properties', () => {
  const PEOPLE = ['ada', 'bo', 'cy', 'di', 'eve', 'fay']
  const seats = fc.constantFrom(citizen, crown, federation)
  const trees = (ordered: boolean) =>
    fc.letrec<{ tree: ApprovalTree }>((tie) => {
      const some = fc.array(tie('tree'), { minLength: 1, maxLength: 3 })
      const inner = [
        some.map((all) => ({ all })),
        some.map((any) => ({ any })),
        some.chain((of) => fc.integer({ min: 1, max: of.length }).map((n) => ({ of, n }))),
      ]
      return {
        tree: fc.oneof(
          { maxDepth: 2, depthIdentifier: 'tree' },
          seats,
          ...inner,
          ...(ordered ? [some.map((list) => ({ ordered: list }))] : []),
        ),
      }
    }).tree
  const ballot = fc
    .record({
      person: fc.constantFrom(...PEOPLE),
      role: fc.constantFrom('operator', 'owner', null),
      platform_role: fc.constantFrom('platform_operator', null),
      decision: fc.oneof({ weight: 9, arbitrary: fc.constant('approve' as const) }, fc.constant('deny' as const)),
      may: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
    })
    .map(({ person, may, ...vote }) => aVote(person, { ...vote, permissions: may ? ['decide'] : ['read'] }))
  const ballots = fc.array(ballot, { maxLength: 6 })
  /** One ballot a person, as the database admits them. */
  const onePerPerson = fc.uniqueArray(ballot, { maxLength: 6, selector: (vote) => vote.person_id })

  test('fewer distinct people than seats never satisfy a tree', () => {
    fc.assert(
      fc.property(trees(true), ballots, (tree, votes) => {
        const yes = new Set(votes.filter((vote) => vote.decision === 'approve').map((vote) => vote.person_id))
        return yes.size >= seatsNeeded(tree) || approvalState(rule(tree), votes) !== 'satisfied'
      }),
      { numRuns: 1000 },
    )
  })

  test('the order of votes does not matter to a tree without order', () => {
    const shuffled = onePerPerson.chain((votes) =>
      fc.tuple(fc.constant(votes), fc.shuffledSubarray(votes, { minLength: votes.length, maxLength: votes.length })),
    )
    fc.assert(
      fc.property(trees(false), shuffled, (tree, [votes, other]) => {
        expect(approvalState(rule(tree), other)).toBe(approvalState(rule(tree), votes))
      }),
      { numRuns: 500 },
    )
  })

  test('excluded people change nothing, whatever they say and however often', () => {
    fc.assert(
      fc.property(trees(true), ballots, fc.subarray(PEOPLE), (tree, votes, out) => {
        const excluded_persons = out.map((name) => `person_${name}`)
        const without = votes.filter((vote) => !excluded_persons.includes(vote.person_id))
        expect(approvalState(rule(tree, { excluded_persons }), votes)).toBe(approvalState(rule(tree), without))
      }),
      { numRuns: 500 },
    )
  })

  test('one deny by somebody whose vote counts ends it', () => {
    fc.assert(
      fc.property(trees(true), onePerPerson, (tree, votes) => {
        const denied = votes.some((vote) => vote.decision === 'deny')
        return (approvalState(rule(tree), votes) === 'denied') === denied
      }),
      { numRuns: 500 },
    )
  })

  test('one more approval never undoes a satisfied tree', () => {
    fc.assert(
      fc.property(trees(true), onePerPerson, fc.nat(6), (tree, votes, at) => {
        fc.pre(approvalState(rule(tree), votes) === 'satisfied')
        const more = [...votes.slice(0, at), aVote('newcomer'), ...votes.slice(at)]
        return approvalState(rule(tree), more) === 'satisfied'
      }),
      { numRuns: 300 },
    )
  })
})
