/**
 * The fast path: pass `propose` and the guard in one step, for an action a standing grant covers. It decides nothing the
 * workflow does not decide again over the same recorded facts; it only saves a round trip through the workflow.
 */
import { guardEffect, type GuardTools } from './guard.ts'
import { readPassWithRow } from './passes.ts'
import { firstBlock, makePass } from '../domain/gates/chain.ts'
import { standingGrant } from '../domain/standing.ts'
import type { AtOnceInput, AtOnceOutput } from '../domain/steps.ts'

export function proposeAndGuard(tools: GuardTools): (input: AtOnceInput) => Promise<AtOnceOutput> {
  const guard = guardEffect(tools)
  return async ({ governs, ...ref }) => {
    const { read, row } = await readPassWithRow(tools, { ...ref, pass: 'propose' })
    if (read.ended !== null) return { ended: read.ended }
    if (row === null || read.cancelled) return { ended: null, read, guard: null }
    const { plan, intent } = row.operation
    const pass = makePass('propose', plan, intent, read.facts)
    if (firstBlock(pass.verdicts) !== null || standingGrant(plan, intent, read.facts) === null)
      return { ended: null, read, guard: null }
    const answer = await guard({ ...ref, governs, passes: [pass], votes: [] })
    return answer.outcome === 'ended' ? { ended: answer } : { ended: null, read, guard: answer }
  }
}
