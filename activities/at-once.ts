/**
 * A pass and the guard in one step, over one reading of the row and its facts under the fence: pass `propose` for an action
 * that a standing grant covers, pass `resume` once people have said yes, as the run has counted or the rows tell. It decides
 * nothing the workflow does not decide again over the same recorded facts.
 */
import { batchOnce } from './batch.ts'
import { type Before, guardOnce, type GuardTools } from './guard.ts'
import type { Guarded } from './judge.ts'
import { outsideOnce, type OutsideTools } from './outside.ts'
import { hasRow, type PassTools, type WithRow } from './pass-tools.ts'
import { passOf } from './passes.ts'
import { signedVotes } from './vote-rows.ts'
import { approvalState } from '../domain/approval.ts'
import { firstBlock, makePass } from '../domain/gates/chain.ts'
import { approvalOver } from '../domain/grant-issuers.ts'
import type { PassRow } from '../domain/operation-rows.ts'
import { standingGrant } from '../domain/standing.ts'
import type {
  AtOnceInput,
  AtOnceOutput,
  GuardOutput,
  OperationRef,
  PassOutput,
  ResumeInput,
  ResumeOutput,
} from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'

export function proposeAndGuard(tools: GuardTools): (input: AtOnceInput) => Promise<AtOnceOutput> {
  return async (input) =>
    await together(tools, input, 'propose', [], isCovered, async (before) => await guardOnce(tools, input, before))
}

export function resumeAndGuard(tools: GuardTools & OutsideTools): (input: ResumeInput) => Promise<ResumeOutput> {
  return async ({ passes, votes: _votes, outside, unsure, ...input }) => {
    const once = async (pass: Before<PassOutput>) => {
      const before: Before<PassOutput | null> = async (row) =>
        unsure === true && (await isUndecided(tools, input, row)) ? { instead: null } : await pass(row)
      return await (input.batch === true
        ? batchOnce(tools, input, before)
        : outside
          ? outsideOnce(tools, input, before)
          : guardOnce(tools, input, before))
    }
    return await together(tools, input, 'resume', passes, isApproved, once)
  }
}

/** Whether people are still waited for, by the votes that have their rows. */
async function isUndecided({ keys }: PassTools, ref: OperationRef, row: PassRow): Promise<boolean> {
  if (!hasRow(row) || row.receipt !== null) return false
  return approvalState(row.operation.plan.approval, await signedVotes(keys, ref, row)) !== 'satisfied'
}

/** Whether the guard may follow on this pass at once, as the workflow will decide it too. */
type MayFollow = (row: WithRow, read: PassOutput) => boolean

const isCovered: MayFollow = ({ operation: { plan, intent } }, { facts, asked }) =>
  asked !== true && standingGrant(plan, intent, facts) !== null

const isApproved: MayFollow = ({ operation: { plan, intent, shown_hash } }, { facts, votes, shown_hash: shown }) =>
  shown === shown_hash && approvalOver(plan, intent, facts, votes) === 'satisfied'

async function together(
  tools: PassTools,
  { governs: _governs, batch: _batch, ...ref }: Guarded,
  name: 'propose' | 'resume',
  earlier: readonly Pass[],
  mayFollow: MayFollow,
  once: (before: Before<PassOutput>) => Promise<GuardOutput | { instead: PassOutput | null }>,
): Promise<AtOnceOutput> {
  let read: PassOutput | null = null
  const answer = await once(async (row) => {
    read = await passOf(tools, { ...ref, pass: name }, row)
    if (!read.proposal_valid || read.ended !== null || read.cancelled || !hasRow(row)) return { instead: read }
    const pass = makePass(name, row.operation.plan, row.operation.intent, read.facts)
    return firstBlock(pass.verdicts) === null && mayFollow(row, read) ? [...earlier, pass] : { instead: read }
  })
  if ('instead' in answer) {
    const { instead } = answer
    return instead?.ended == null ? { ended: null, read: instead, guard: null } : { ended: instead.ended }
  }
  if (answer.outcome === 'ended') return { ended: answer }
  if (read === null) throw new Error('the guard answered before it read')
  return { ended: null, read, guard: answer }
}
