/**
 * How each governing action is asked for: it is never proposed by its name. A command where there is one, else the route; a
 * row of the control document can also be put with the document.
 */
import type { GOVERNING_ACTIONS } from '../domain/governs.ts'

interface Way {
  /** One command or one route. */
  way: string
  /** What the command takes. */
  words?: string
  /** Whether the control document holds what it changes. */
  inPolicy?: true
}

const row = (way: string): Way => ({ way, inPolicy: true })

const WAYS: Readonly<Record<(typeof GOVERNING_ACTIONS)[number], Way>> = Object.freeze({
  'policy.put': { way: 'exo policy apply', words: 'FILE --reason WHY' },
  'kill_switch.resume': { way: 'exo resume', words: '--reason WHY' },
  'license_type.create': row('POST /registry/firearms/license-types'),
  'license_policy.put': row('PUT /firearms/policy'),
  'grant.put': row('PUT /firearms/grants'),
  'strategy_lock.approve': { way: 'exo lock approve', words: 'ID --reason WHY' },
  'strategy_lock_policy.put': row('PUT /strategy-lock/policy'),
  'budget_policy.put': row('PUT /budget/policy'),
  'kpi_definition.create': row('POST /kpi/definitions'),
  'kpi_corridor.put': row('PUT /kpi/corridors'),
  'temperature.put': row('PUT /temperature/floors|ceilings|weights'),
  'rate_limit.put': row('PUT /rate-limits'),
  'feature_flags.put': row('PUT /feature-flags'),
  'feature_flags.put_global': { way: 'PUT /feature-flags/global' },
  'train_prefs.put': { way: 'POST /privacy/train-prefs/tenant' },
  'egress_target.put': row('PUT /egress/targets'),
  'tenant.create': { way: 'POST /tenants' },
  'principal.create': { way: 'POST /principals' },
  'membership.put': { way: 'PUT /memberships' },
  'api_key.create': { way: 'POST /api-keys' },
  'operator_key.create': { way: 'exo key enrol' },
  'operation.resolve': {
    way: 'exo resolve',
    words: 'ID --outcome committed|not_committed --evidence JSON --reason WHY',
  },
})

/** An action that is newer than this table has its route in the document of the API. */
const ELSEWHERE: Way = { way: 'its route, see GET /openapi.json' }

const wayTo = (action: string): Way => (Object.hasOwn(WAYS, action) ? WAYS[action as keyof typeof WAYS] : ELSEWHERE)

/** In a list of actions. */
export const shortWay = (action: string): string => wayTo(action).way

/** What to type or to call. */
export function wholeWay(action: string): string {
  const { way, words, inPolicy } = wayTo(action)
  const whole = words === undefined ? way : `${way} ${words}`
  return inPolicy === true ? `${whole}; or in the control document: exo policy apply FILE --reason WHY` : whole
}
