/**
 * Waiting for people: votes by signal, a deadline by database time, a cancellation that is only a reason to look. Nothing
 * that arrives decides; rows do, read by steps.
 */
import {
  CancellationScope,
  condition,
  defineSignal,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  sleep,
} from '@temporalio/workflow'
import { pendingDetails } from './details.ts'
import { localSteps } from './step-proxies.ts'
import { approvalState, seatsNeeded, type Vote } from '../domain/approval.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { OperationInput, OperationRef, PassOutput, ResumeOutput } from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'
import { looksLikeYes, VOTE_MAX_BYTES } from '../domain/vote.ts'

/** What the run has gathered so far. */
export interface Gathered {
  passes: Pass[]
  votes: Vote[]
}

/** What may wake a waiting run. None of it decides: each only makes the run look at the rows again. */
export interface Wake {
  inbox: string[]
  cancelRequested: boolean
  due: boolean
}

/** One argument: the compact JWS of a vote. */
const decideSignal = defineSignal<[unknown]>('decide')

/** No argument: the rows may say more than the run has heard. */
const lookSignal = defineSignal('look')

/** Hears signals and cancellation from the first task on; unknown signals are dropped. */
export function listen(): Wake {
  const wake: Wake = { inbox: [], cancelRequested: false, due: false }
  setHandler(decideSignal, (jws) => {
    if (wake.inbox.length < 1_000) wake.inbox.push(asVote(jws))
  })
  setDefaultSignalHandler(() => undefined)
  const look = () => {
    wake.cancelRequested = true
  }
  // Temporal tells a run of a cancellation once, whoever asked for it; a signal as often as there is a reason to look.
  CancellationScope.current().cancelRequested.catch(look)
  setHandler(lookSignal, look)
  return wake
}

type Answer =
  | { no: { status: 'denied' | 'expired' | 'cancelled'; code: ErrorCode }; resumed: null }
  | { no: null; resumed: ResumeOutput }

/**
 * Waits for votes until the deadline by database time, and goes on once enough have said yes. Votes decide when admitted to
 * their row, not on arrival. Whoever votes by the API has a row before the run hears of it: where that may be the last vote,
 * the step that goes on is tried before this run counts.
 */
export async function waitForPeople(
  input: OperationInput,
  ref: OperationRef,
  first: PassOutput,
  wake: Wake,
  gathered: Gathered,
  goOn: (how: { unsure?: true }) => Promise<ResumeOutput>,
): Promise<Answer> {
  const [pass] = gathered.passes
  if (pass === undefined || first.shown_hash === null) throw new Error('nothing was shown')
  const pending = await localSteps.markPending({ ...ref, pass, preview: first.preview, shown_hash: first.shown_hash })
  setCurrentDetails(pendingDetails(input, first, pending.expires_at))
  const watch = async (remainingMs: number) => {
    await sleep(Math.max(remainingMs, 1), { summary: 'approval deadline' })
    wake.due = true
  }
  void watch(pending.remaining_ms)
  wake.due = pending.votes.length > 0
  const seen = new Set<string>()
  let refused = 0
  for (;;) {
    await condition(() => wake.inbox.length > 0 || wake.due || wake.cancelRequested)
    wake.cancelRequested = false
    if (refused === 0 && mayBeEnough(input, gathered, wake, seen)) {
      const resumed = await tried(ref, gathered, goOn)
      if (resumed.ended !== null || resumed.read !== null) return { no: null, resumed }
    }
    for (let jws = wake.inbox.shift(); jws !== undefined; jws = wake.inbox.shift()) {
      if (seen.has(jws) || refused >= LIMITS.refusedVotesKept) continue
      seen.add(jws)
      const admitted = await localSteps.admitVote({ ...ref, jws })
      if ('refused' in admitted) refused++
      // Its row may have been read before its signal came.
      else if (!gathered.votes.some(({ jws: told }) => told === jws)) gathered.votes.push(admitted.vote)
    }
    // Signals overtake one another; votes are told in the order they were admitted, which is that of their times.
    gathered.votes.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    let state = approvalState(input.plan.approval, gathered.votes)
    const deadline = state === 'waiting' ? await localSteps.readDeadline(ref) : null
    if (deadline !== null) {
      // A vote that has its row counts, whether or not its signal could be read here.
      gathered.votes = deadline.votes
      state = approvalState(input.plan.approval, gathered.votes)
    }
    if (state === 'satisfied') return { no: null, resumed: await goOn({}) }
    if (state === 'denied') return ended('denied', 'approval.denied')
    if (deadline === null) continue
    if (deadline.cancelled) return ended('cancelled', 'operation.cancelled')
    if (deadline.remaining_ms <= 0) return ended('expired', 'approval.expired')
    if (wake.due) {
      wake.due = false
      void watch(deadline.remaining_ms)
    }
  }
}

function ended(status: 'denied' | 'expired' | 'cancelled', code: ErrorCode): Answer {
  return { no: { status, code }, resumed: null }
}

/** Whether what was signalled looks like the last yes. */
function mayBeEnough(
  { plan }: OperationInput,
  { votes }: Gathered,
  { inbox }: Wake,
  seen: ReadonlySet<string>,
): boolean {
  const isNew = (jws: string) => !seen.has(jws) && !votes.some((vote) => vote.jws === jws)
  const news = new Set(inbox.filter((jws) => isNew(jws) && looksLikeYes(jws))).size
  return news > 0 && votes.length + news >= seatsNeeded(plan.approval.tree)
}

/** Goes on if the rows say so. A step that fails for good leaves the votes that it would have told of. */
async function tried(
  ref: OperationRef,
  gathered: Gathered,
  goOn: (how: { unsure?: true }) => Promise<ResumeOutput>,
): Promise<ResumeOutput> {
  try {
    return await goOn({ unsure: true })
  } catch (error) {
    gathered.votes = (await localSteps.readDeadline(ref)).votes
    throw error
  }
}

/** What no vote can be is kept as a word, so that the attempt has its leaf and history holds no second copy of it. */
function asVote(payload: unknown): string {
  if (typeof payload !== 'string') return 'not a text'
  return payload.length > VOTE_MAX_BYTES || !payload.isWellFormed() ? 'not a vote' : payload
}
