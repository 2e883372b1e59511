/**
 * Who had to say yes, and whether they did: the verifier's own reading of an approval tree, by its own method. It lists every
 * set of seats that satisfies the tree and asks of each whether distinct votes can take all of them.
 */
import { ensure } from './report.ts'
import type { ApprovalTree, Seat } from '../domain/approval.ts'
import type { Receipt } from '../domain/receipt.ts'

type Voter = Receipt['voters'][number]

/** Seats to be taken together. In `ordered` trees a seat's ranks say which must have been taken before it. */
interface NeededSeat {
  seat: Seat
  /** For every `ordered` node above the seat, by its path in the tree: under which child the seat is. */
  ranks: ReadonlyMap<string, number>
}
type SeatSet = readonly NeededSeat[]

const MOST_SETS = 2_000

/** Whether votes, one a person and in the order they were admitted, satisfy the tree. */
export function treeSatisfied(tree: ApprovalTree, voters: readonly Voter[]): boolean {
  return seatSets(tree, '', new Map()).some((seats) => seats.length > 0 && canTake(seats, voters, new Map()))
}

/** The fewest people that satisfy the tree. */
export function fewestSeats(tree: ApprovalTree): number {
  return Math.min(...seatSets(tree, '', new Map()).map((seats) => seats.length))
}

function seatSets(tree: ApprovalTree, path: string, ranks: ReadonlyMap<string, number>): SeatSet[] {
  if ('permission' in tree) return [[{ seat: tree, ranks }]]
  const below = (child: ApprovalTree, place: number) => seatSets(child, `${path}/${place}`, ranks)
  if ('any' in tree) return tree.any.flatMap(below)
  if ('all' in tree) return product(tree.all.map(below))
  if ('ordered' in tree)
    return product(
      tree.ordered.map((child, place) => seatSets(child, `${path}/${place}`, new Map([...ranks, [path, place]]))),
    )
  return choices(tree.of.map(below), tree.n).flatMap(product)
}

function product(lists: SeatSet[][]): SeatSet[] {
  return lists.reduce<SeatSet[]>(
    (sets, list) => {
      const joined = sets.flatMap((set) => list.map((more) => [...set, ...more]))
      ensure(joined.length <= MOST_SETS, 'the approval tree is too large to follow')
      return joined
    },
    [[]],
  )
}

function choices<T>(items: readonly T[], n: number): T[][] {
  if (n <= 0) return [[]]
  const [first, ...rest] = items
  if (first === undefined || items.length < n) return []
  return [...choices(rest, n - 1).map((more) => [first, ...more]), ...choices(rest, n)]
}

function canTake(seats: SeatSet, voters: readonly Voter[], taken: ReadonlyMap<number, NeededSeat>): boolean {
  const [next, ...rest] = seats
  if (next === undefined) return inOrder(taken)
  return voters.some(
    (voter, place) =>
      !taken.has(place) && sits(voter, next.seat) && canTake(rest, voters, new Map([...taken, [place, next]])),
  )
}

function sits(voter: Voter, seat: Seat): boolean {
  if (voter.decision !== 'approve' || !voter.permissions.includes(seat.permission)) return false
  if (seat.role === undefined) return true
  return seat.role === 'platform' ? voter.platform_role === 'platform_operator' : voter.role === seat.role
}

/** Under one `ordered` node, seats of an earlier child were taken by earlier votes. */
function inOrder(taken: ReadonlyMap<number, NeededSeat>): boolean {
  const places = [...taken]
  return places.every(([place, { ranks }]) =>
    places.every(([other, { ranks: others }]) =>
      [...ranks].every(([node, rank]) => rank >= (others.get(node) ?? rank) || place < other),
    ),
  )
}
