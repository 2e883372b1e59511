/** The verifier reads approval trees by a method of its own; the two methods must agree on every tree and every set of votes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ApprovalTree, approvalState, seatsNeeded, type Vote } from '../../domain/approval.ts'
import { fewestSeats, treeSatisfied } from '../../verify/seats.ts'
import { aVote } from '../support/domain.ts'

const seat = fc.constantFrom<ApprovalTree>(
  { permission: 'decide' },
  { permission: 'decide', role: 'owner' },
  { permission: 'decide', role: 'platform' },
)
const { tree } = fc.letrec<{ tree: ApprovalTree }>((tie) => {
  const children = fc.array(tie('tree'), { minLength: 1, maxLength: 3 })
  return {
    tree: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      seat,
      fc.record({ all: children }),
      fc.record({ any: children }),
      fc.record({ ordered: children }),
      children.chain((of) => fc.record({ of: fc.constant(of), n: fc.integer({ min: 1, max: of.length }) })),
    ) as fc.Arbitrary<ApprovalTree>,
  }
})
const votes = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 5 }).chain((people) =>
  fc.tuple(
    ...people.map((person) =>
      fc
        .record({
          role: fc.constantFrom('operator', 'owner'),
          platform_role: fc.constantFrom(null, 'platform_operator'),
          permissions: fc.constantFrom<string[]>(['decide'], ['read']),
        })
        .map((change): Vote => aVote(person, change)),
    ),
  ),
)

/** Trees of more seats than people are asked for nothing by either. */
const small = tree.filter((each) => seatsNeeded(each) <= 5)

describe('approval trees', () => {
  test('are satisfied for the verifier exactly when they are for the workflow', () => {
    fc.assert(
      fc.property(small, votes, (given, cast) => {
        const rule = { tree: given, assurance: 'attested', excluded_persons: [] } as const
        expect(treeSatisfied(given, cast)).toBe(approvalState(rule, cast) === 'satisfied')
      }),
      { numRuns: 2_000 },
    )
  })

  test('ask the same number of people', () => {
    fc.assert(fc.property(small, (given) => void expect(fewestSeats(given)).toBe(seatsNeeded(given))))
  })

  const seats = (many: number): ApprovalTree[] => Array.from({ length: many }, () => ({ permission: 'decide' }))
  const people = (many: number) => Array.from({ length: many }, (_, i) => aVote(`p${i}`))

  test.each<[string, ApprovalTree, number]>([
    ['half of many seats', { of: seats(40), n: 20 }, 3],
    ['of more seats than anybody has', { of: seats(100_000), n: 100_000 }, 3],
    ['one of more seats than anybody has', { any: seats(100_000) }, 3],
    ['with every way to sit', { all: [...seats(13), { permission: 'decide', role: 'owner' }] }, 14],
  ])('made to be slow to follow, %s, are refused at once', (_what, tree, many) => {
    expect(() => treeSatisfied(tree, people(many))).toThrow('too large to follow')
  })

  test('of more seats than there are votes are not looked at further', () => {
    expect(treeSatisfied({ of: seats(60), n: 60 }, people(59))).toBe(false)
  })

  test('without seats ask nobody, so nobody has approved them', () => {
    expect(treeSatisfied({ all: [] }, [aVote('a')])).toBe(false)
    expect(fewestSeats({ all: [] })).toBe(0)
  })
})
