/** The verifier's own reading of grants: whether the one a receipt names stood in for votes, and whose votes they void. */
import { ensure } from './report.ts'
import { count, decimal, flag, instant, instantNs, listOf, micros, nullable, text, withMembers } from './shape.ts'
import type { GrantFact } from '../domain/facts.ts'
import type { Intent, Plan } from '../domain/plan.ts'

const factsShape = withMembers<{ now: string; firearms: { license_types: string[]; grants: GrantFact[] } }>({
  now: instant,
  firearms: withMembers({
    license_types: listOf(text),
    grants: listOf(
      withMembers<GrantFact>({
        id: text,
        principal_id: text,
        license_type: text,
        actions: listOf(text),
        project_id: nullable(text),
        surface_id: nullable(text),
        expires_at: instant,
        revoked: flag,
        granted_by_person: text,
        standing: nullable(withMembers({ max_count: count, max_amount: decimal, targets: nullable(listOf(text)) })),
        used: withMembers({ count, amount: decimal }),
      }),
    ),
  }),
})

/**
 * The persons who may not approve this because they issued what arms it, as the guard found it: a licence that policy
 * asks for, or a standing grant. A change of controls is armed by no grant.
 */
export function issuersOf(plan: Plan, intent: Intent, facts: unknown): ReadonlySet<string> {
  if (plan.governs) return new Set()
  const { now, firearms } = factsShape(facts, 'guard facts')
  const arming = firearms.grants.filter(
    (grant) =>
      [intent.principal_id, ...(intent.on_behalf_of ?? [])].includes(grant.principal_id) &&
      grant.actions.includes(intent.action) &&
      [null, intent.project_id].includes(grant.project_id) &&
      [null, intent.surface_id].includes(grant.surface_id) &&
      !grant.revoked &&
      instantNs(grant.expires_at) > instantNs(now) &&
      (grant.standing !== null || firearms.license_types.includes(grant.license_type)),
  )
  return new Set(arming.map((grant) => grant.granted_by_person))
}

/** Throws `Divergence` with the first limit that does not hold. */
export function ensureStandingGrant(plan: Plan, intent: Intent, facts: unknown, grantId: string | null): void {
  ensure(!plan.governs, 'a standing grant stood in for the votes on a change of controls')
  ensure(plan.standing, 'a standing grant stood in for votes where the action allows none')
  ensure(intent.on_behalf_of === null, 'a standing grant stood in for votes on what was asked in somebody’s name')
  const { now, firearms } = factsShape(facts, 'guard facts')
  const named = firearms.grants.filter(({ id }) => id === grantId)
  const [grant] = named
  ensure(grant !== undefined && named.length === 1, `the facts hold no grant ${grantId}`)
  const { standing, used } = grant
  ensure(grant.principal_id === intent.principal_id, `grant ${grantId} is another principal's`)
  ensure(grant.actions.includes(intent.action), `grant ${grantId} is for other actions`)
  ensure(grant.project_id === null || grant.project_id === intent.project_id, `grant ${grantId} is for another project`)
  ensure(grant.surface_id === null || grant.surface_id === intent.surface_id, `grant ${grantId} is for another surface`)
  ensure(!grant.revoked && instantNs(grant.expires_at) > instantNs(now), `grant ${grantId} was revoked or had run out`)
  ensure(standing !== null, `grant ${grantId} does not stand in for votes`)
  ensure(used.count < standing.max_count, `grant ${grantId} was used up by count`)
  const amount = micros(used.amount) + micros(intent.estimated_cost)
  ensure(amount <= micros(standing.max_amount), `grant ${grantId} was used up by amount`)
  const { targets } = standing
  ensure(
    targets === null || (intent.target !== null && targets.includes(intent.target)),
    `grant ${grantId} is for other targets`,
  )
}
