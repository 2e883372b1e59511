/**
 * KPI: every corridor of the surface has a fresh measurement inside it. Equality with a limit passes, and so does a
 * measurement exactly as old as allowed. No corridor is a block unless an approved entry says that none is required.
 */
import { allow, block, type Gate, notApplicable, waiver, isFresh } from './gate.ts'

export const kpi: Gate = {
  name: 'kpi',
  version: 1,
  evaluate(_plan, intent, facts) {
    const waived = waiver('kpi', facts)
    if (waived !== null) return notApplicable('kpi', waived)
    const nowMs = facts.get('now').instantMs()
    const corridors = facts.get('kpi').get('corridors').list()
    if (corridors.length === 0) return block('kpi', 'kpi.threshold_missing', { surface_id: intent.surface_id })
    const values: Record<string, string> = {}
    for (const corridor of corridors) {
      const name = corridor.get('kpi').string()
      const floor = corridor.get('floor')
      const ceiling = corridor.get('ceiling')
      const measurement = corridor.get('measurement')
      if (floor.isNull && ceiling.isNull) return block('kpi', 'kpi.threshold_missing', { kpi: name })
      if (
        measurement.isNull ||
        !isFresh(measurement.get('measured_at').instantMs(), nowMs, corridor.get('max_age_seconds').count() * 1000)
      )
        return block('kpi', 'kpi.measurement_missing', { kpi: name })
      const value = measurement.get('value')
      const evidence = {
        kpi: name,
        value: value.string(),
        floor: floor.stringOrNull(),
        ceiling: ceiling.stringOrNull(),
      }
      if (!floor.isNull && value.signedMicros() < floor.signedMicros())
        return block('kpi', 'kpi.floor_breached', evidence)
      if (!ceiling.isNull && value.signedMicros() > ceiling.signedMicros())
        return block('kpi', 'kpi.ceiling_breached', evidence)
      value.signedMicros()
      values[name] = value.string()
    }
    return allow('kpi', { values })
  },
}
