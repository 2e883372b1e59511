/** Whether what was committed is what this code decides over the recorded facts. */
import { isSameJson } from '../domain/canonical.ts'
import { firstBlock, runChain } from '../domain/gates/chain.ts'
import { decisionHash } from '../domain/receipt.ts'
import type { EndedOutput, OperationInput } from '../domain/steps.ts'

/** The first difference in words, or null. An end that somebody forged need not have the shape of one. */
export function decisionDifference(input: OperationInput, ended: EndedOutput): string | null {
  try {
    return firstDifference(input, ended)
  } catch (error) {
    if (error instanceof Error) return 'what is told of the end cannot be read'
    throw error
  }
}

function firstDifference(input: OperationInput, ended: EndedOutput): string | null {
  for (const pass of ended.passes) {
    const verdicts = runChain(input.plan, input.intent, pass.facts)
    if (!isSameJson(verdicts, pass.verdicts)) return `pass ${pass.pass} was decided differently`
    if (ended.status === 'executed' && firstBlock(verdicts) !== null)
      return `executed although pass ${pass.pass} blocks`
  }
  const again = decisionHash({
    intent_hash: input.intent_hash,
    plan_hash: input.plan_hash,
    passes: ended.passes,
    votes: ended.votes.map((vote) => vote.jws),
    status: ended.status,
    error_code: ended.error_code,
  })
  return again === ended.decision_hash ? null : 'the decision hash differs'
}
