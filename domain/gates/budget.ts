/**
 * Budget: what was settled and reserved plus this estimate fits under the daily cap of the action and under the most
 * specific threshold. Equality fits. No threshold is a block unless an approved entry says that none is required.
 */
import { allow, block, type Gate, notApplicable, waiver } from './gate.ts'
import { toMicros } from '../money.ts'

export const budget: Gate = {
  name: 'budget',
  version: 1,
  evaluate(_plan, intent, facts) {
    const waived = waiver('budget', facts)
    if (waived !== null) return notApplicable('budget', waived)
    const estimate = toMicros(intent.estimated_cost)
    if (estimate === null) return block('budget', 'budget.unavailable', { field: 'estimated_cost' })
    const usage = facts.get('budget')
    const cap = usage.get('cap')
    if (!cap.isNull && cap.get('spent').micros() + estimate > cap.get('daily_cap').micros())
      return block('budget', 'budget.daily_cap_exceeded', {
        daily_cap: cap.get('daily_cap').string(),
        spent: cap.get('spent').string(),
        estimate: intent.estimated_cost,
      })
    const policy = usage.get('policy')
    if (policy.isNull) return block('budget', 'budget.threshold_missing', { surface_id: intent.surface_id })
    const evidence = {
      threshold: policy.get('threshold').string(),
      settled: usage.get('settled').string(),
      reserved: usage.get('reserved').string(),
      estimate: intent.estimated_cost,
      window_days: policy.get('window_days').count(),
    }
    const total = usage.get('settled').micros() + usage.get('reserved').micros() + estimate
    return total > policy.get('threshold').micros()
      ? block('budget', 'budget.threshold_exceeded', evidence)
      : allow('budget', evidence)
  },
}
