/**
 * The closed list of actions that change controls. For them every gate but audit is not applicable and no standing
 * grant stands in for their votes. An action may be `governs` only if it stands here, and a test holds both sides.
 */
export const GOVERNING_ACTIONS = Object.freeze([
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
] as const)
