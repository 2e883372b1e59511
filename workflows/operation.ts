/**
 * The life of one operation. Knows no action by name: everything about it stands in the plan.
 *
 * Decides only by pure functions over recorded facts; reads no clock, no randomness, no network. No answer is a denial,
 * and any surprise ends as a recorded failure without an effect, never as a parked task.
 */
import { ApplicationFailure, CancellationScope, setWorkflowOptions, workflowInfo } from '@temporalio/workflow'
import { decisionDifference } from './decision-difference.ts'
import { localSteps, outsideSteps, steps } from './step-proxies.ts'
import { type Gathered, listen, type Wake, waitForPeople } from './waiting.ts'
import { approvalState } from '../domain/approval.ts'
import type { JsonObject } from '../domain/canonical.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { firstBlock, makePass } from '../domain/gates/chain.ts'
import { approvalOver } from '../domain/grant-issuers.ts'
import { intentHash, type Plan, planHash } from '../domain/plan.ts'
import { standingGrant } from '../domain/standing.ts'
import type {
  EndedOutput,
  EndInput,
  GuardInput,
  GuardOutput,
  OperationInput,
  OperationRef,
  OperationResult,
  PassOutput,
} from '../domain/steps.ts'
import { beginning } from '../domain/text.ts'

setWorkflowOptions({ versioningBehavior: 'PINNED' }, governedOperation)
export async function governedOperation(input: OperationInput): Promise<OperationResult> {
  const wake = listen()
  return await CancellationScope.nonCancellable(() => live(input, wake))
}

async function live(input: OperationInput, wake: Wake): Promise<OperationResult> {
  const ref = readRef(input)
  if (ref === null) return await refuseStart(input)
  const gathered: Gathered = { passes: [], votes: [] }
  let ended: EndedOutput
  try {
    ended = await decide(input, ref, wake, gathered)
  } catch (error) {
    ended = await end(ref, gathered, 'failed', 'internal.error', { step: stepOf(error) })
  }
  await refuseOtherDecision(input, ref, ended)
  return {
    operation_id: ref.operation_id,
    status: ended.status,
    error_code: ended.error_code,
    decision_hash: ended.decision_hash,
  }
}

async function decide(input: OperationInput, ref: OperationRef, wake: Wake, gathered: Gathered): Promise<EndedOutput> {
  const { plan, intent } = input
  // One step where the effect is a row of the same database and a standing grant may cover it.
  const atOnce = intent.run === 'execute' && plan.standing && plan.effect_kind === 'transactional'
  const { proposeAndGuard } = plan.fast_path ? localSteps : steps
  const begun = atOnce ? await proposeAndGuard({ ...ref, governs: plan.governs }) : null
  if (begun?.ended != null) return begun.ended
  const first = begun?.read ?? (await localSteps.readPass({ ...ref, pass: 'propose' }))
  const stopped = await stopEarly(input, ref, 'propose', first, gathered)
  if (stopped !== null) return stopped
  if (intent.run === 'propose') return await end(ref, gathered, 'proposed')

  const guarded = begun?.guard ?? null
  const covered = first.asked !== true && standingGrant(plan, intent, first.facts) !== null
  if (guarded !== null || !plan.approval.required || covered) {
    const done = await settle(input, ref, gathered, guarded ?? (await guard(input, ref, gathered)))
    if (done !== 'unapproved') return done
  }
  const outside = plan.effect_kind !== 'transactional'
  const { resumeAndGuard } = outside || plan.batch !== undefined ? outsideSteps : steps
  const goOn = async (how: { unsure?: true }) =>
    await resumeAndGuard({ ...ref, ...guardedBy(plan), outside, ...gathered, ...how })
  const { no, resumed } = await waitForPeople(input, ref, first, wake, gathered, goOn)
  if (no !== null) return await end(ref, gathered, no.status, no.code)
  if (resumed.ended !== null) return resumed.ended
  const again = resumed.read
  if (again === null) throw new Error('enough have said yes, and nothing was read')
  gathered.votes = again.votes
  const blocked = await stopEarly(input, ref, 'resume', again, gathered)
  if (blocked !== null) return blocked
  if (again.shown_hash !== first.shown_hash)
    return await end(ref, gathered, 'failed', 'effect.precondition_failed', { changed: 'preview' })
  if (approvalOver(plan, intent, again.facts, again.votes) !== 'satisfied')
    return await endUnapproved(input, ref, gathered)
  const done = await settle(input, ref, gathered, resumed.guard ?? (await guard(input, ref, gathered)))
  return done === 'unapproved' ? await endUnapproved(input, ref, gathered) : done
}

/** Between the last yes and the effect somebody said no, which ends it, or lost the right to have said yes. */
async function endUnapproved(input: OperationInput, ref: OperationRef, gathered: Gathered): Promise<EndedOutput> {
  gathered.votes = (await localSteps.readDeadline(ref)).votes
  return approvalState(input.plan.approval, gathered.votes) === 'denied'
    ? await end(ref, gathered, 'denied', 'approval.denied')
    : await end(ref, gathered, 'failed', 'effect.precondition_failed', { changed: 'votes' })
}

/** Records a pass and ends the run when its facts, or what they speak of, leave nothing to do. */
async function stopEarly(
  input: OperationInput,
  ref: OperationRef,
  name: 'propose' | 'resume',
  read: PassOutput,
  gathered: Gathered,
): Promise<EndedOutput | null> {
  if (read.ended !== null) return read.ended
  if (!read.proposal_valid) {
    const { tenant_id, operation_id } = ref
    await localSteps.raiseAlarm({
      tenant_id,
      operation_id,
      detail: `run ${ref.run_id} of ${operation_id} has no valid proposal`,
    })
    return await end(ref, gathered, 'failed', 'proposal.invalid')
  }
  const pass = makePass(name, input.plan, input.intent, read.facts)
  gathered.passes.push(pass)
  if (read.cancelled) return await end(ref, gathered, 'cancelled', 'operation.cancelled')
  const block = firstBlock(pass.verdicts)
  if (block !== null) return await end(ref, gathered, 'blocked', block.code, block.evidence)
  // Only an action that the registry no longer has in this version has nothing to show.
  return read.preview === null ? await end(ref, gathered, 'blocked', 'action.version_unavailable') : null
}

/** The effect as a regular activity: scheduled durably before it starts. */
async function guard(input: OperationInput, ref: OperationRef, { passes, votes }: Gathered): Promise<GuardOutput> {
  const { effect_kind, batch } = input.plan
  const step = effect_kind === 'transactional' && batch === undefined ? steps.guardEffect : outsideSteps.effectOutside
  return await step({ ...ref, ...guardedBy(input.plan), passes, votes })
}

function guardedBy({ governs, batch }: Plan): Pick<GuardInput, 'governs' | 'batch'> {
  return batch === undefined ? { governs } : { governs, batch: true }
}

/** The guard decided again at the point of effect; the workflow decides the same over the guard's facts, or fails. */
async function settle(
  input: OperationInput,
  ref: OperationRef,
  gathered: Gathered,
  answer: GuardOutput,
): Promise<EndedOutput | 'unapproved'> {
  switch (answer.outcome) {
    case 'ended':
      return answer
    case 'unapproved':
      return 'unapproved'
    case 'cancelled':
      return await end(ref, gathered, 'cancelled', 'operation.cancelled')
    case 'expired':
      return await end(ref, gathered, 'expired', 'approval.expired')
    case 'invalid':
      if (answer.code !== undefined) return await end(ref, gathered, 'blocked', answer.code)
      return await end(ref, gathered, 'failed', 'proposal.invalid', { detail: answer.detail })
    case 'blocked': {
      const pass = makePass('guard', input.plan, input.intent, answer.pass.facts)
      gathered.passes.push(pass)
      const block = firstBlock(pass.verdicts) ?? firstBlock(answer.pass.verdicts)
      if (block === null) throw new Error('the guard blocked without a verdict')
      return await end(ref, gathered, 'blocked', block.code, block.evidence)
    }
  }
}

async function end(
  ref: OperationRef,
  gathered: Gathered,
  status: EndInput['status'],
  error_code: ErrorCode | null = null,
  error_details: JsonObject = {},
): Promise<EndedOutput> {
  const { passes, votes } = gathered
  return await localSteps.endOperation({ ...ref, status, error_code, error_details, passes, votes })
}

/** What was committed must be what this code decides over the recorded facts; otherwise an alarm, and the run fails. */
async function refuseOtherDecision(input: OperationInput, ref: OperationRef, ended: EndedOutput): Promise<void> {
  const difference = decisionDifference(input, ended)
  if (difference === null) return
  const { tenant_id, operation_id } = ref
  await localSteps.raiseAlarm({ tenant_id, operation_id, detail: difference })
  throw ApplicationFailure.nonRetryable(difference, 'DecisionMismatch')
}

/** The ids every step takes, or null when the input is not what the API signs. */
function readRef(input: OperationInput): OperationRef | null {
  try {
    const { workflowId, runId } = workflowInfo()
    const sound =
      workflowId === `${input.tenant_id}/${input.operation_id}` &&
      input.intent.tenant_id === input.tenant_id &&
      input.intent.operation_id === input.operation_id &&
      intentHash(input.intent) === input.intent_hash &&
      planHash(input.plan) === input.plan_hash
    const { tenant_id, operation_id, intent_hash, plan_hash } = input
    return sound ? { tenant_id, operation_id, intent_hash, plan_hash, run_id: runId } : null
  } catch (error) {
    if (error instanceof Error) return null
    throw error
  }
}

/** A run that was not started by the API: an alarm, no effect, and a failed run. */
async function refuseStart(input: OperationInput): Promise<never> {
  const id = (value: unknown) => (typeof value === 'string' && /^[a-z0-9_-]{1,128}$/.test(value) ? value : '')
  await localSteps.raiseAlarm({
    tenant_id: id(input?.tenant_id),
    operation_id: id(input?.operation_id),
    detail: `run ${workflowInfo().runId} of ${beginning(workflowInfo().workflowId, 200)} carries no proposal`,
  })
  throw ApplicationFailure.nonRetryable('no valid proposal', 'ProposalInvalid')
}

function stepOf(error: unknown): string {
  const type = error instanceof Error && 'activityType' in error ? error.activityType : null
  return typeof type === 'string' ? type : 'workflow'
}
