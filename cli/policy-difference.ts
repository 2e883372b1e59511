/**
 * A policy file beside the document that holds: which rows would appear, go or change. For reading before one asks; the
 * preview that people approve is made by the deployment.
 */
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'

export interface Difference {
  section: string
  sign: '+' | '-'
  row: string
}

/** Kept by the deployment, not written by people. */
const KEPT = new Set(['used', 'state_of_grant'])

/** A section that the file leaves out stays as it is, so it does not differ. */
export function policyDifference(current: JsonObject, next: JsonObject): Difference[] {
  return Object.keys(next)
    .sort()
    .flatMap((section) => sectionDifference(section, current[section] ?? null, next[section] ?? null))
}

function sectionDifference(section: string, current: Json, next: Json): Difference[] {
  if (Array.isArray(next)) return rowsDifference(section, Array.isArray(current) ? current : [], next)
  if (typeof next !== 'object' || next === null) return rowsDifference(section, [current], [next])
  const was = (current ?? {}) as JsonObject
  // Flags merge, one by one; the lists of `kpi` are replaced like any other.
  return Object.entries(next).flatMap(([part, value]) =>
    sectionDifference(`${section}.${part}`, was[part] ?? null, value),
  )
}

function rowsDifference(section: string, current: readonly Json[], next: readonly Json[]): Difference[] {
  const left = current.filter((row) => row !== null)
  const added: Json[] = []
  for (const row of next) {
    const match = left.findIndex((each) => isSame(each, row))
    if (match >= 0) left.splice(match, 1)
    else added.push(row)
  }
  return [
    ...left.map((row) => ({ section, sign: '-' as const, row: canonicalJson(plain(row)) })),
    ...added.map((row) => ({ section, sign: '+' as const, row: canonicalJson(plain(row)) })),
  ]
}

/** Whether a row of the file says what the row that holds says; what the file leaves to its default is not compared. */
function isSame(current: Json, next: Json): boolean {
  if (typeof next === 'string' && typeof current === 'string') return next === current || isSameInstant(next, current)
  if (!isObject(current) || !isObject(next)) return canonicalJson(current) === canonicalJson(next)
  const mentioned = Object.entries(plain(next) as JsonObject)
  return (
    mentioned.every(([key, value]) => isSame(current[key] ?? null, value)) &&
    Object.entries(plain(current) as JsonObject).every(
      ([key, value]) => Object.hasOwn(next, key) || isDefault(key, value),
    )
  )
}

/** What a row that does not mention this member would get. */
const DEFAULTS: Readonly<JsonObject> = {
  surface_id: '*',
  strategy_lock_required: false,
  window_days: 7,
  max_age_seconds: 86_400,
  floors: {},
  ceilings: {},
  weights: {},
}

const isDefault = (key: string, value: Json): boolean =>
  key === 'id' || (Object.hasOwn(DEFAULTS, key) && canonicalJson(DEFAULTS[key] ?? null) === canonicalJson(value))

const isSameInstant = (a: string, b: string): boolean =>
  /^\d{4}-\d{2}-\d{2}T/.test(a) && !Number.isNaN(Date.parse(a)) && Date.parse(a) === Date.parse(b)

/** Without what is null, since absent means the same, and without what the deployment keeps. */
function plain(row: Json): Json {
  if (!isObject(row)) return row
  return Object.fromEntries(Object.entries(row).filter(([key, value]) => value !== null && !KEPT.has(key)))
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
