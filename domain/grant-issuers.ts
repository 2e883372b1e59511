/**
 * Whoever issued a grant has no vote on what it arms: else one person would set the licence and wave through its use.
 * Read from the facts of a pass, not fixed in the plan, so that a grant issued while people decide counts as well.
 */
import { approvalState, type ApprovalState, type Vote } from './approval.ts'
import { Fact, FactUnreadable } from './facts.ts'
import type { Intent, Plan } from './plan.ts'
import { grantApplies } from './standing.ts'

/**
 * Whether this person issued a grant that arms the operation now: of a licence type that policy binds to the action, or
 * a standing one, used up or not. A governing action is armed by nobody. True of everybody while a fact cannot be read.
 */
export function isIssuer(plan: Plan, intent: Intent, facts: unknown, personId: string): boolean {
  if (plan.governs) return false
  try {
    const root = new Fact(facts, '')
    const nowMs = root.get('now').instantMs()
    const firearms = root.get('firearms')
    const required = firearms.get('license_types').strings()
    return firearms
      .get('grants')
      .list()
      .filter((grant) => grantApplies(grant, intent, nowMs))
      .filter((grant) => !grant.get('standing').isNull || required.includes(grant.get('license_type').string()))
      .map((grant) => grant.get('granted_by_person').string())
      .includes(personId)
  } catch (error) {
    if (error instanceof FactUnreadable) return true
    throw error
  }
}

/** Where votes stand over what a pass read. An issuer's yes does not count; a no that was admitted before does. */
export function approvalOver(plan: Plan, intent: Intent, facts: unknown, votes: readonly Vote[]): ApprovalState {
  const counting = votes.filter((vote) => vote.decision === 'deny' || !isIssuer(plan, intent, facts, vote.person_id))
  return approvalState(plan.approval, counting)
}
