/** Standing grants: a licence that also stands in for votes, within limits that the guard consumes. */
import { asks } from './delegation.ts'
import { Fact, FactUnreadable } from './facts.ts'
import type { Intent, Plan } from './plan.ts'
import { toMicros } from './money.ts'

/** Whether a grant row arms this operation now: somebody who asks, action, place and time all match. */
export function grantApplies(grant: Fact, intent: Intent, nowMs: number): boolean {
  const project = grant.get('project_id').stringOrNull()
  const surface = grant.get('surface_id').stringOrNull()
  return (
    asks(intent, grant.get('principal_id').string()) &&
    grant.get('actions').strings().includes(intent.action) &&
    (project === null || project === intent.project_id) &&
    (surface === null || surface === intent.surface_id) &&
    !grant.get('revoked').boolean() &&
    grant.get('expires_at').instantMs() > nowMs
  )
}

/** Whether one more use of this cost stays within the grant's limits; equality does. */
export function withinLimits(grant: Fact, intent: Intent): boolean {
  const standing = grant.get('standing')
  const used = grant.get('used')
  const cost = toMicros(intent.estimated_cost)
  if (standing.isNull || cost === null) return false
  const targets = standing.get('targets')
  return (
    used.get('count').count() + 1 <= standing.get('max_count').count() &&
    used.get('amount').micros() + cost <= standing.get('max_amount').micros() &&
    (targets.isNull || (intent.target !== null && targets.strings().includes(intent.target)))
  )
}

/**
 * The id of the standing grant that stands in for votes, or null. Governing actions and actions whose registry entry
 * forbids it have none, and neither has anybody while a fact cannot be read, nor whoever asks in somebody's name: then
 * people are asked. The lowest id wins, so that every reader picks the same one.
 */
export function standingGrant(plan: Plan, intent: Intent, facts: unknown): string | null {
  if (plan.governs || !plan.standing || intent.on_behalf_of !== null) return null
  try {
    const root = new Fact(facts, '')
    const nowMs = root.get('now').instantMs()
    const grants = root.get('firearms').get('grants').list()
    const standing = grants.filter(
      (grant) => !grant.get('standing').isNull && grantApplies(grant, intent, nowMs) && withinLimits(grant, intent),
    )
    return standing.map((grant) => grant.get('id').string()).sort()[0] ?? null
  } catch (error) {
    if (error instanceof FactUnreadable) return null
    throw error
  }
}
