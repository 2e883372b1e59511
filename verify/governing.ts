/**
 * A change of controls passes no gate that asks who is still there, so the guard asks for itself: whoever asked is active
 * and a member, and where they asked was not ended. Facts of version 1 say nothing of places.
 */
import { ensure } from './report.ts'
import { count, oneOf, withMembers } from './shape.ts'
import type { Receipt } from '../domain/receipt.ts'

const asker = withMembers({ status: oneOf('active', 'revoked'), membership: oneOf('active', 'revoked', 'none') })
const anybody = withMembers({ principal: asker })
const version = withMembers({ v: count })

/** What may change controls, and so passes gates that are not applicable to it. A test holds it against the registry's list. */
export const GOVERNING: ReadonlySet<string> = new Set([
  'policy.put',
  'kill_switch.resume',
  'license_type.create',
  'license_policy.put',
  'grant.put',
  'strategy_lock.approve',
  'strategy_lock_policy.put',
  'budget_policy.put',
  'kpi_definition.create',
  'kpi_corridor.put',
  'temperature.put',
  'rate_limit.put',
  'feature_flags.put',
  'feature_flags.put_global',
  'train_prefs.put',
  'egress_target.put',
  'tenant.create',
  'principal.create',
  'membership.put',
  'api_key.create',
  'operator_key.create',
  'operation.resolve',
])

export function ensureGoverning({ plan, intent, passes, effect }: Receipt): void {
  ensure(!plan.governs || GOVERNING.has(intent.action), `${intent.action} governs, and is none that may`)
  if (!plan.governs || effect?.state !== 'committed') return
  const facts = passes.at(-1)?.facts
  const { status, membership } = anybody(facts, 'guard facts').principal
  ensure(status === 'active' && membership === 'active', 'controls were changed for somebody who was revoked')
  if (version(facts, 'guard facts').v < 2) return
  const isActive = oneOf('active', 'inactive')
  for (const kind of ['project', 'surface', 'app'] as const) {
    if (intent[`${kind}_id`] === null) continue
    const { places } = withMembers({ places: withMembers({ [kind]: isActive }) })(facts, 'guard facts')
    ensure(places[kind] === 'active', `controls were changed from a ${kind} that was ended`)
  }
}
