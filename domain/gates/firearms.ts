/**
 * Firearms: the principal is known and active, and holds a running grant of every licence type the action is bound to.
 * So is and does everybody in whose name it asks. Project, surface and app are active as well. An unbound action needs no
 * licence; it still needs votes or a standing grant, which is not this gate's matter.
 */
import { allow, block, type Gate } from './gate.ts'
import { askersOf } from '../delegation.ts'
import { type Fact, FactUnreadable } from '../facts.ts'
import { endedPlace, PLACES } from '../places.ts'
import type { Intent } from '../plan.ts'
import { grantApplies } from '../standing.ts'
import type { Verdict } from '../verdict.ts'

export const firearms: Gate = {
  name: 'firearms',
  version: 1,
  evaluate(_plan, intent, facts) {
    const askers = askersOf(intent)
    for (const [place, id] of askers.entries()) {
      const stopped = stoppedBy(principalAt(intent, facts, place), id)
      if (stopped !== null) return stopped
    }
    const ended = endedPlace(intent, facts)
    if (ended !== null) return block('firearms', 'context.not_found', { field: PLACES[ended].header })
    const nowMs = facts.get('now').instantMs()
    const required = facts.get('firearms').get('license_types').strings()
    const held = facts
      .get('firearms')
      .get('grants')
      .list()
      .filter((grant) => grantApplies(grant, intent, nowMs))
      .map((grant) => ({
        id: grant.get('id').string(),
        type: grant.get('license_type').string(),
        holder: grant.get('principal_id').string(),
      }))
    for (const id of askers) {
      const missing = required.filter((type) => !held.some((grant) => grant.type === type && grant.holder === id))
      if (missing.length > 0)
        return block('firearms', 'firearms.license_required', {
          required_license_types: missing.sort(),
          ...(intent.on_behalf_of === null ? {} : { principal_id: id }),
        })
    }
    const grants = held.filter((grant) => required.includes(grant.type)).map((grant) => grant.id)
    return allow('firearms', { bound: required.length > 0, grants: grants.sort() })
  },
}

/** The requester stands first, and then those in whose name it asks, as the intent lists them. */
function principalAt(intent: Intent, facts: Fact, place: number): Fact {
  if (place === 0) return facts.get('principal')
  const behind = facts.get('on_behalf_of').list()
  const found = behind[place - 1]
  if (found === undefined || behind.length !== intent.on_behalf_of?.length) throw new FactUnreadable('on_behalf_of')
  return found
}

/** Why nothing may be done for this principal, or null. */
function stoppedBy(principal: Fact, id: string): Verdict | null {
  if (principal.isNull || principal.get('id').string() !== id)
    return block('firearms', 'firearms.license_required', { principal: 'unknown', required_license_types: [] })
  const isActive =
    principal.get('status').oneOf('active', 'revoked') === 'active' &&
    principal.get('membership').oneOf('active', 'revoked', 'none') === 'active'
  return isActive ? null : block('firearms', 'auth.principal_revoked', { principal_id: id })
}
