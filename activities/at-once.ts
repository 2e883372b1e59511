/**
 * Pass `propose` and the guard in one step, over one reading of the row and its facts under the fence: for an action that
 * a standing grant covers. It decides nothing the workflow does not decide again over the same recorded facts.
 */
import { guardOnce, type GuardTools } from './guard.ts'
import { hasRow } from './pass-tools.ts'
import { passOf } from './passes.ts'
import { firstBlock, makePass } from '../domain/gates/chain.ts'
import type { PassRow } from '../domain/operation-rows.ts'
import { standingGrant } from '../domain/standing.ts'
import type { AtOnceInput, AtOnceOutput, PassOutput } from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'

export function proposeAndGuard(tools: GuardTools): (input: AtOnceInput) => Promise<AtOnceOutput> {
  return async ({ governs, ...ref }) => {
    let read: PassOutput | null = null
    const propose = async (row: PassRow): Promise<Pass[] | { instead: PassOutput }> => {
      read = await passOf(tools, { ...ref, pass: 'propose' }, row)
      if (!read.proposal_valid || read.ended !== null || read.cancelled || !hasRow(row)) return { instead: read }
      const { plan, intent } = row.operation
      const pass = makePass('propose', plan, intent, read.facts)
      const covered = firstBlock(pass.verdicts) === null && standingGrant(plan, intent, read.facts) !== null
      return covered ? [pass] : { instead: read }
    }
    const answer = await guardOnce(tools, { ...ref, governs }, propose)
    if ('instead' in answer) {
      const { instead } = answer
      return instead.ended === null ? { ended: null, read: instead, guard: null } : { ended: instead.ended }
    }
    if (answer.outcome === 'ended') return { ended: answer }
    if (read === null) throw new Error('the guard answered before it read')
    return { ended: null, read, guard: answer }
  }
}
