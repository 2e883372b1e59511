/**
 * Temperature: every metric the surface's floors, ceilings or weights name has a fresh value inside its limits.
 * Equality passes. Neither floor nor ceiling is a block unless an approved entry says that none is required.
 */
import { allow, block, type Gate, notApplicable, waiver, isFresh } from './gate.ts'

export const temperature: Gate = {
  name: 'temperature',
  version: 1,
  evaluate(_plan, intent, facts) {
    const waived = waiver('temperature', facts)
    if (waived !== null) return notApplicable('temperature', waived)
    const nowMs = facts.get('now').instantMs()
    const limits = facts.get('temperature')
    if (limits.isNull) return block('temperature', 'temperature.threshold_missing', { surface_id: intent.surface_id })
    const floors = new Map(limits.get('floors').entries())
    const ceilings = new Map(limits.get('ceilings').entries())
    const weights = limits.get('weights').entries()
    if (floors.size + ceilings.size === 0)
      return block('temperature', 'temperature.threshold_missing', { surface_id: intent.surface_id })
    const values = new Map(limits.get('values').entries())
    const maxAgeMs = limits.get('max_age_seconds').count() * 1000
    const read: Record<string, string> = {}
    for (const metric of [
      ...new Set([...floors.keys(), ...ceilings.keys(), ...weights.map(([name]) => name)]),
    ].sort()) {
      const measured = values.get(metric)
      if (measured === undefined || !isFresh(measured.get('measured_at').instantMs(), nowMs, maxAgeMs))
        return block('temperature', 'temperature.breach', { metric, value: null })
      const value = measured.get('value')
      const floor = floors.get(metric)
      const ceiling = ceilings.get(metric)
      if (
        (floor !== undefined && value.signedMicros() < floor.signedMicros()) ||
        (ceiling !== undefined && value.signedMicros() > ceiling.signedMicros())
      )
        return block('temperature', 'temperature.breach', {
          metric,
          value: value.string(),
          floor: floor?.string() ?? null,
          ceiling: ceiling?.string() ?? null,
        })
      value.signedMicros()
      read[metric] = value.string()
    }
    return allow('temperature', { values: read })
  },
}
