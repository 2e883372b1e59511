/**
 * The guard of effects that leave the database. Under the fence, held by the session that claims: claim and commit, then one
 * try inside the lease, then the outcome. A claim that was dispatched and has no outcome is looked at, never taken for
 * undone: what the target can tell is asked, and only a kind that is the same when it comes twice is tried again.
 */
import { batchOnce } from './batch.ts'
import { claimedRow, claimOf, leaseOf } from './claiming.ts'
import { announceEnd, commitEnd, concludeClaim } from './conclude.ts'
import { endDocument } from './endings.ts'
import { type Before, codeOfRefusal } from './guard.ts'
import { type Guarded, judge } from './judge.ts'
import { bug, hasRow, type PassTools, type WithRow } from './pass-tools.ts'
import { notApproved, proposalFault } from './proposals.ts'
import { contextOf, lookFor, outsideOf, type TargetTools, wordOf } from './targets.ts'
import type { OutsideEffect } from '../actions/define.ts'
import { findEffectful } from '../actions/registry.ts'
import { makePass } from '../domain/gates/chain.ts'
import type { Fence, GuardTransaction, PassRow } from '../domain/operation-rows.ts'
import { KEY_WINDOW_MS, MOST_TRIES, type Outcome, type OutsideKind } from '../domain/outside.ts'
import type { EndedOutput, GuardInput, GuardOutput } from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'

export interface OutsideTools extends PassTools, TargetTools {
  isUnavailable(error: unknown): boolean
  pause(ms: number): Promise<void>
  /** Tells Temporal that this step is alive, until the answer is called. */
  keepAlive(): () => void
}

const FIRST_PAUSE_MS = 1_000
const CONCLUDE_WITHIN_MS = 20_000
/** A row that was read longer before an answer is read anew, so that its end says what stands then. */
const FRESH_MS = 500

export function effectOutside(tools: OutsideTools): (input: GuardInput) => Promise<GuardOutput> {
  return async ({ passes, votes: _votes, ...input }) => {
    const once = input.batch === true ? batchOnce<never> : outsideOnce<never>
    const answer = await once(tools, input, async () => passes)
    if ('instead' in answer) throw bug('the guard was told to do nothing')
    return answer
  }
}

/** The guard with `before` over the row that it reads, and the effect: try after try, until there is an outcome. */
export async function outsideOnce<Other>(
  tools: OutsideTools,
  input: Guarded,
  before: Before<Other>,
): Promise<GuardOutput | { instead: Other }> {
  const done = tools.keepAlive()
  try {
    for (let pauseMs = FIRST_PAUSE_MS, over = 0; ; pauseMs *= 2) {
      const tried = await oneTry(tools, input, before, over)
      if (!('again' in tried)) return tried
      over = tried.again
      await tools.pause(Math.max(pauseMs, tried.leaseMs ?? 0))
    }
  } finally {
    done()
  }
}

/** It is not over, and goes on after a pause, by when the try of that number is over. */
interface Again {
  again: number
  /** What is left of the lease of a try that another made. */
  leaseMs?: number
}

async function oneTry<Other>(
  tools: OutsideTools,
  input: Guarded,
  before: Before<Other>,
  /** The number of the last try that is known to be over, or 0. */
  over: number,
): Promise<GuardOutput | Again | { instead: Other }> {
  return await tools.operations.fenced(input.tenant_id, input.operation_id, async (fence) => {
    tools.crashPoint('E1')
    const begun = await within(fence, async (transaction) => {
      const { row } = transaction
      const asOfNow = readNow(tools.stopwatch)
      if (hasRow(row) && row.receipt === null && row.claim !== null) return { found: 'dispatched', row } as const
      const passes = await before(row)
      if ('instead' in passes) return { found: 'answer', answer: passes } as const
      const judged = await judge(tools, input, row, false)
      if ('outcome' in judged) return { found: 'answer', answer: judged } as const
      const { action, pass } = judged
      const effect = outsideOf(action)
      const { preconditions } = judged.row.operation.intent
      const all = [...passes, pass]
      if (effect.holds?.(preconditions, judged.row.view) === false)
        return { found: 'changed', row: judged.row, passes: all } as const
      const elapsed = tools.stopwatch()
      tools.crashPoint('E2')
      const claim = claimOf(input, all, judged)
      await transaction.claim(claim)
      const claimed = claimedRow(judged.row, claim)
      return { found: 'claimed', row: judged.row, effect, elapsed, claimed: () => asOfNow(claimed) } as const
    })
    switch (begun.found) {
      case 'answer':
        return begun.answer
      case 'changed':
        return await endChanged(tools, input, begun.row, begun.passes)
      case 'dispatched':
        return await goOn(tools, input, begun.row, fence, over)
      case 'claimed':
        return await dispatch(tools, input, begun.row, begun.effect, fence, 1, begun.elapsed, begun.claimed)
    }
  })
}

/** What the database refuses once it refuses always: it is not tried for ever. */
async function within<T>(fence: Fence, work: (transaction: GuardTransaction) => Promise<T>): Promise<T> {
  try {
    return await fence.guarded(work)
  } catch (error) {
    throw codeOfRefusal(error) === null ? error : bug('the guard was refused', error)
  }
}

/**
 * A claim without an outcome. The try of another may be under way until its lease ends, and no longer than a lease takes,
 * whatever its row says: then the clock was moved. After that, what the target can tell, and another try if that can do no
 * harm.
 */
async function goOn(
  tools: OutsideTools,
  input: Guarded,
  row: WithRow,
  fence: Fence,
  over: number,
): Promise<EndedOutput | Again> {
  const { intent, plan } = row.operation
  const { attempts: tried = 0, lease_ms } = row.claim ?? {}
  const leaseMs = Math.min(lease_ms ?? 0, leaseOf(plan))
  if (tried !== over && leaseMs > 0) return { again: tried, leaseMs }
  // What looking does not find may still be on its way: it is not failed.
  const unknown = async (reason: string) =>
    await conclude(tools, input, fence, { state: 'unknown', details: { reason } })
  // The row was read anew: what is sent, and what is looked for, is what was approved or nothing.
  const fault = await proposalFault(tools.keys, input, row.operation)
  if (fault !== null) return await unknown(notApproved(fault))
  const action = findEffectful(intent.action, intent.action_version)
  if (action === null) return await unknown('action version')
  const effect = outsideOf(action)
  const looked = await lookFor(tools, effect, row)
  tools.crashPoint('Q1')
  if (looked !== null && looked.state !== 'unknown') return await conclude(tools, input, fence, looked)
  const reason = whyNoMore(effect, row, tried)
  if (reason !== null) return await unknown(reason)
  const elapsed = tools.stopwatch()
  const isOurs = await fence.dispatchAgain(leaseOf(plan), tried)
  return isOurs ? await dispatch(tools, input, row, effect, fence, tried + 1, elapsed) : { again: tried }
}

/** Why there is no other try; null where one can do no harm. */
function whyNoMore(effect: OutsideEffect<unknown>, row: WithRow, tried: number): string | null {
  const { intent, plan } = row.operation
  const [kill] = makePass('guard', plan, intent, row.facts).verdicts
  if (kill?.decision === 'block') return 'stopped meanwhile'
  if (effect.holds?.(intent.preconditions, row.view) === false) return 'the target was changed meanwhile'
  if (plan.effect_kind === 'keyed' && (row.claim?.age_ms ?? 0) > KEY_WINDOW_MS) return 'the key may be forgotten'
  return tried < MOST_TRIES[plan.effect_kind as OutsideKind] ? null : 'no answer to the last try'
}

async function dispatch(
  tools: OutsideTools,
  input: Guarded,
  row: WithRow,
  effect: OutsideEffect<unknown>,
  fence: Fence,
  attempts: number,
  elapsed: () => number,
  claimed: () => PassRow | null = () => null,
): Promise<EndedOutput | Again> {
  tools.crashPoint('E3')
  const { intent, plan } = row.operation
  const context = contextOf(row, attempts, elapsed, fence)
  let outcome: Outcome
  if (context.timeLeftMs() <= 0) outcome = { state: 'unknown', details: { reason: 'the fence was lost' } }
  else
    try {
      outcome = await effect.dispatch(tools.ports, context, intent.input)
    } catch (error) {
      outcome = { state: 'unknown', details: { reason: wordOf(error) } }
    }
  tools.crashPoint('E5')
  if (outcome.state === 'unknown' && attempts < MOST_TRIES[plan.effect_kind as OutsideKind]) return { again: attempts }
  return await conclude(tools, input, fence, outcome, claimed())
}

/** A row that is read now, as of when it is asked for; null where that is long after: then it is read once more. */
function readNow(stopwatch: () => () => number): (row: PassRow) => PassRow | null {
  // Moved on by the finer clock: the stopwatch, which decides what is fresh, may be ahead of it by a tick.
  const [at, elapsed] = [performance.now(), stopwatch()]
  return (row) => {
    const now = new Date(Date.parse(row.now) + Math.ceil(performance.now() - at)).toISOString()
    return elapsed() > FRESH_MS ? null : { ...row, now }
  }
}

/** An answer that is known must not be lost to a database that is away for a moment. */
async function conclude(
  tools: OutsideTools,
  input: Guarded,
  fence: Fence,
  outcome: Outcome,
  claimed: PassRow | null = null,
): Promise<EndedOutput> {
  for (let waitedMs = 0; ; waitedMs += FIRST_PAUSE_MS)
    try {
      const operations = fence.holds() ? fence : tools.operations
      const told = await concludeClaim({ ...tools, operations }, input, outcome, waitedMs === 0 ? claimed : null)
      tools.crashPoint('E7')
      announceEnd(tools, input, told)
      tools.crashPoint('E8')
      return told.ended
    } catch (error) {
      if (!tools.isUnavailable(error) || waitedMs >= CONCLUDE_WITHIN_MS) throw error
      await tools.pause(FIRST_PAUSE_MS)
    }
}

/** What was planned no longer holds: nothing was claimed, and the operation ends failed. */
async function endChanged(tools: OutsideTools, input: Guarded, row: WithRow, passes: Pass[]): Promise<EndedOutput> {
  const document = await endDocument(tools.receipts, input, row, {
    status: 'failed',
    error_code: 'effect.precondition_failed',
    error_details: { changed: 'target' },
    passes,
    votes: row.votes,
    satisfied_by: null,
    license_id: null,
    effect: null,
    earlier_leaves: [],
    preview: null,
    shown_hash: null,
  })
  const told = await commitEnd(tools.operations, document)
  announceEnd(tools, input, told)
  return told.ended
}
