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

const TOO_LARGE = 'the approval tree is too large to follow'

/** What a stranger's tree may cost to follow; ours have a handful of seats. */
const MOST_SEATS = 64
const MOST_SETS = 2_000
const MOST_STEPS = 100_000

/** Whether votes, one a person and in the order they were admitted, satisfy the tree. */
export function treeSatisfied(tree: ApprovalTree, voters: readonly Voter[]): boolean {
  const steps = { left: MOST_STEPS }
  return setsOf(tree).some((seats) => seats.length > 0 && canTake(seats, voters, new Map(), steps))
}

/** The fewest people that satisfy the tree. */
export function fewestSeats(tree: ApprovalTree): number {
  return Math.min(...setsOf(tree).map((seats) => seats.length))
}

function setsOf(tree: ApprovalTree): SeatSet[] {
  ensure(countSeats(tree) <= MOST_SEATS, TOO_LARGE)
  return seatSets(tree, '', new Map())
}

function countSeats(tree: ApprovalTree): number {
  if ('permission' in tree) return 1
  const children = 'any' in tree ? tree.any : 'all' in tree ? tree.all : 'ordered' in tree ? tree.ordered : tree.of
  return children.reduce((sum, child) => sum + countSeats(child), 0)
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
  ensure(countChoices(tree.of.length, tree.n) <= MOST_SETS, TOO_LARGE)
  return choices(tree.of.map(below), tree.n).flatMap(product)
}

function product(lists: SeatSet[][]): SeatSet[] {
  return lists.reduce<SeatSet[]>(
    (sets, list) => {
      const joined = sets.flatMap((set) => list.map((more) => [...set, ...more]))
      ensure(joined.length <= MOST_SETS, TOO_LARGE)
      return joined
    },
    [[]],
  )
}

/** How many ways there are to choose n of so many. */
function countChoices(many: number, n: number): number {
  let ways = 1
  for (let i = 0; i < n; i++) ways = (ways * (many - i)) / (i + 1)
  return ways
}

function choices<T>(items: readonly T[], n: number): T[][] {
  if (n <= 0) return [[]]
  const [first, ...rest] = items
  if (first === undefined || items.length < n) return []
  return [...choices(rest, n - 1).map((more) => [first, ...more]), ...choices(rest, n)]
}

function canTake(
  seats: SeatSet,
  voters: readonly Voter[],
  taken: ReadonlyMap<number, NeededSeat>,
  steps: { left: number },
): boolean {
  if (taken.size + seats.length > voters.length) return false
  ensure(steps.left-- > 0, TOO_LARGE)
  const [next, ...rest] = seats
  if (next === undefined) return inOrder(taken)
  return voters.some(
    (voter, place) =>
      !taken.has(place) && sits(voter, next.seat) && canTake(rest, voters, new Map([...taken, [place, next]]), steps),
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
