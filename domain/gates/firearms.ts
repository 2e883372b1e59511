/**
 * Firearms: the principal is known and active, and holds a running grant of every licence type the action is bound to.
 * An unbound action needs no licence; it still needs votes or a standing grant, which is not this gate's matter.
 */
import { allow, block, type Gate } from './gate.ts'
import { grantApplies } from '../standing.ts'

export const firearms: Gate = {
  name: 'firearms',
  version: 1,
  evaluate(_plan, intent, facts) {
    const principal = facts.get('principal')
    if (principal.isNull || principal.get('id').string() !== intent.principal_id)
      return block('firearms', 'firearms.license_required', { principal: 'unknown', required_license_types: [] })
    if (
      principal.get('status').oneOf('active', 'revoked') !== 'active' ||
      principal.get('membership').oneOf('active', 'revoked', 'none') !== 'active'
    )
      return block('firearms', 'auth.principal_revoked', { principal_id: intent.principal_id })
    const nowMs = facts.get('now').instantMs()
    const required = facts.get('firearms').get('license_types').strings()
    const held = facts
      .get('firearms')
      .get('grants')
      .list()
      .filter((grant) => grantApplies(grant, intent, nowMs))
      .map((grant) => ({ id: grant.get('id').string(), type: grant.get('license_type').string() }))
    const missing = required.filter((type) => !held.some((grant) => grant.type === type))
    if (missing.length > 0)
      return block('firearms', 'firearms.license_required', { required_license_types: missing.sort() })
    const grants = held.filter((grant) => required.includes(grant.type)).map((grant) => grant.id)
    return allow('firearms', { bound: required.length > 0, grants: grants.sort() })
  },
}
