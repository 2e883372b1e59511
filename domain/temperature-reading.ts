/**
 * The temperature of a surface, from what a decision read and nothing else: the weighted mean of its metrics, and which of
 * them are outside their limits. Exact decimals; the mean is rounded to the sixth place, half away from zero. Pure, so that
 * what was recorded is read the same for ever. The gate judges by the same facts and not by this.
 */
import type { Facts } from './facts.ts'
import { isFresh } from './gates/gate.ts'
import { microsText, toSignedMicros } from './money.ts'

export type TemperatureFacts = NonNullable<Facts['temperature']>

export interface TemperatureReading {
  state: 'unset' | 'within' | 'breached'
  /** Null where nothing weighs, or something that weighs has no fresh value. */
  value: string | null
  floors_breached: string[]
  ceilings_breached: string[]
  /** Named, and without a fresh value. */
  missing: string[]
  metrics: Record<
    string,
    {
      value: string | null
      measured_at: string | null
      fresh: boolean
      weight: string | null
      floor: string | null
      ceiling: string | null
    }
  >
}

export function readTemperature(facts: TemperatureFacts | null, now: string): TemperatureReading {
  const { floors = {}, ceilings = {}, weights = {}, values = {}, max_age_seconds = 0 } = facts ?? {}
  const names = [...new Set([floors, ceilings, weights].flatMap((each) => Object.keys(each)))].sort()
  const metrics: TemperatureReading['metrics'] = {}
  for (const name of names) {
    const measured = own(values, name)
    const fresh =
      measured !== undefined && isFresh(Date.parse(measured.measured_at), Date.parse(now), max_age_seconds * 1000)
    metrics[name] = {
      value: measured?.value ?? null,
      measured_at: measured?.measured_at ?? null,
      fresh,
      weight: own(weights, name) ?? null,
      floor: own(floors, name) ?? null,
      ceiling: own(ceilings, name) ?? null,
    }
  }
  const outside = (limit: 'floor' | 'ceiling', sign: 1n | -1n) =>
    names.filter((name) => {
      const row = metrics[name]
      const [value, bound] = [toSignedMicros(row?.value), toSignedMicros(row?.[limit])]
      return row?.fresh === true && value !== null && bound !== null && (value - bound) * sign > 0n
    })
  const floors_breached = outside('floor', -1n)
  const ceilings_breached = outside('ceiling', 1n)
  const missing = names.filter((name) => metrics[name]?.fresh !== true)
  const unset = Object.keys(floors).length + Object.keys(ceilings).length === 0
  const breached = floors_breached.length + ceilings_breached.length + missing.length > 0
  return {
    state: unset ? 'unset' : breached ? 'breached' : 'within',
    value: weightedMean(Object.values(metrics).filter((row) => row.weight !== null)),
    floors_breached,
    ceilings_breached,
    missing,
    metrics,
  }
}

/** A metric may be called like something that every object has. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function weightedMean(rows: readonly { value: string | null; weight: string | null; fresh: boolean }[]): string | null {
  let [sum, weighs] = [0n, 0n]
  for (const row of rows) {
    const [value, weight] = [toSignedMicros(row.value), toSignedMicros(row.weight)]
    if (!row.fresh || value === null || weight === null) return null
    sum += value * weight
    weighs += weight < 0n ? -weight : weight
  }
  if (weighs === 0n) return null
  const half = sum < 0n ? -weighs : weighs
  return microsText((sum * 2n + half) / (weighs * 2n))
}
