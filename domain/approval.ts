/**
 * Approval trees: who must say yes. A leaf is one seat for one distinct person; `all`, `any`, `of` (n of the list) and
 * `ordered` combine seats. One person fills at most one seat, whatever principals they own; one deny ends everything.
 *
 * Pure: entitlement was recorded when the vote was admitted; this only counts.
 */
import type { ActionClass, Assurance } from './plan.ts'

export interface Seat {
  /** The permission the voter's membership must carry. */
  permission: 'decide'
  /** A role the voter must hold besides: demanded by a switch's `hold`, and by global scope. */
  role?: 'owner' | 'platform'
}
export type ApprovalTree =
  | Seat
  | { all: ApprovalTree[] }
  | { any: ApprovalTree[] }
  | { of: ApprovalTree[]; n: number }
  | { ordered: ApprovalTree[] }

/** An admitted vote: signature, entitlement and freshness were checked when its row was written. */
export interface Vote {
  jws: string
  by: string
  person_id: string
  permissions: string[]
  role: string | null
  platform_role: string | null
  assurance: Assurance
  decision: 'approve' | 'deny'
  reason: string | null
  nonce: string
  shown_hash: string
  at: string
}

export interface ApprovalRule {
  tree: ApprovalTree
  assurance: Assurance
  excluded_persons: readonly string[]
}

/** How many distinct people the tree needs at least. */
export function seatsNeeded(tree: ApprovalTree): number {
  if ('permission' in tree) return 1
  if ('all' in tree) return tree.all.reduce((sum, child) => sum + seatsNeeded(child), 0)
  if ('ordered' in tree) return tree.ordered.reduce((sum, child) => sum + seatsNeeded(child), 0)
  const [children, n] = 'any' in tree ? [tree.any, 1] : [tree.of, tree.n]
  return children
    .map(seatsNeeded)
    .sort((a, b) => a - b)
    .slice(0, n)
    .reduce((sum, each) => sum + each, 0)
}

/** How many people an action of this class asks for by itself. */
export function usualQuorum(of: ActionClass): number {
  return of === 'irreversible' ? 2 : 1
}

/** The plain quorum: n distinct people with `decide`, each perhaps of a role. */
export function quorumTree(n: number, role?: Seat['role']): ApprovalTree {
  const seat: Seat = role === undefined ? { permission: 'decide' } : { permission: 'decide', role }
  return n === 1 ? seat : { of: Array.from({ length: n }, () => seat), n }
}

/** Why a vote does not count for this rule, or null when it does. */
export function voteExclusion(rule: ApprovalRule, vote: Vote): 'approval.self' | 'approval.signature_required' | null {
  if (rule.excluded_persons.includes(vote.person_id)) return 'approval.self'
  if (rule.assurance === 'self_signed' && vote.assurance !== 'self_signed') return 'approval.signature_required'
  return null
}

export type ApprovalState = 'waiting' | 'satisfied' | 'denied'

/** Folds admitted votes, in the order they were admitted. */
export function approvalState(rule: ApprovalRule, votes: readonly Vote[]): ApprovalState {
  const counting = firstVotePerPerson(votes.filter((vote) => voteExclusion(rule, vote) === null))
  if (counting.some((vote) => vote.decision === 'deny')) return 'denied'
  const asked = isOrdered(rule.tree) ? counting : enoughOfEachKind(counting, seatCount(rule.tree))
  // A tree without seats asks nobody, so nobody has approved it.
  for (const filled of fillings(rule.tree, asked, [], -1)) if (filled.length > 0) return 'satisfied'
  return 'waiting'
}

function firstVotePerPerson(votes: readonly Vote[]): Vote[] {
  const seen = new Set<string>()
  return votes.filter((vote) => !seen.has(vote.person_id) && seen.add(vote.person_id))
}

/**
 * Where order does not matter, votes of one kind are interchangeable, and more of a kind than there are seats change
 * nothing: leaving them out keeps the search small however many people vote.
 */
function enoughOfEachKind(votes: readonly Vote[], seats: number): Vote[] {
  const seen = new Map<string, number>()
  return votes.filter((vote) => {
    const kind = JSON.stringify([vote.decision, vote.role, vote.platform_role, vote.permissions.includes('decide')])
    const before = seen.get(kind) ?? 0
    seen.set(kind, before + 1)
    return before < seats
  })
}

function childrenOf(tree: ApprovalTree): ApprovalTree[] {
  if ('permission' in tree) return []
  if ('all' in tree) return tree.all
  if ('any' in tree) return tree.any
  return 'of' in tree ? tree.of : tree.ordered
}

function isOrdered(tree: ApprovalTree): boolean {
  return 'ordered' in tree || childrenOf(tree).some(isOrdered)
}

function seatCount(tree: ApprovalTree): number {
  return 'permission' in tree ? 1 : childrenOf(tree).reduce((sum, child) => sum + seatCount(child), 0)
}

/** The places, in the list of votes, of those that fill seats. */
type Filled = readonly number[]

/**
 * Every way to fill a tree, as the votes used, given those already used; `after` bars votes at or before a place, for
 * `ordered`. Trees have at most five seats, so plain search is enough.
 */
function* fillings(tree: ApprovalTree, votes: readonly Vote[], used: Filled, after: number): Generator<Filled> {
  if ('permission' in tree) {
    for (const [place, vote] of votes.entries())
      if (place > after && !used.includes(place) && fits(tree, vote)) yield [...used, place]
    return
  }
  if ('all' in tree) yield* fillAll(tree.all, votes, used, after)
  else if ('any' in tree) yield* fillSome(tree.any, 1, votes, used, after)
  else if ('of' in tree) yield* fillSome(tree.of, tree.n, votes, used, after)
  else yield* fillOrdered(tree.ordered, votes, used, after)
}

function* fillAll(trees: ApprovalTree[], votes: readonly Vote[], used: Filled, after: number): Generator<Filled> {
  const [first, ...rest] = trees
  if (first === undefined) yield used
  else for (const filled of fillings(first, votes, used, after)) yield* fillAll(rest, votes, filled, after)
}

function* fillSome(
  trees: ApprovalTree[],
  n: number,
  votes: readonly Vote[],
  used: Filled,
  after: number,
): Generator<Filled> {
  const [first, ...rest] = trees
  if (n <= 0) yield used
  else if (first !== undefined && trees.length >= n) {
    for (const filled of fillings(first, votes, used, after)) yield* fillSome(rest, n - 1, votes, filled, after)
    yield* fillSome(rest, n, votes, used, after)
  }
}

function* fillOrdered(trees: ApprovalTree[], votes: readonly Vote[], used: Filled, after: number): Generator<Filled> {
  const [first, ...rest] = trees
  if (first === undefined) yield used
  else
    for (const filled of fillings(first, votes, used, after))
      yield* fillOrdered(rest, votes, filled, Math.max(after, ...filled.slice(used.length)))
}

function fits(seat: Seat, vote: Vote): boolean {
  if (vote.decision !== 'approve' || !vote.permissions.includes(seat.permission)) return false
  if (seat.role === 'platform') return vote.platform_role === 'platform_operator'
  return seat.role === undefined || vote.role === seat.role
}
