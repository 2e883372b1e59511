/** The control document as people are shown it: one line per row that appears, goes or changes. Never cut silently. */
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import { sha256TextHex } from '../domain/hash.ts'
import { LIMITS } from '../domain/limits.ts'
import type { Preview } from '../domain/plan.ts'

const MAX_VALUE = 600
const MAX_LINES = 150

/** What names a row of a section; the rest of the row is its content. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  kill_switches: ['scope', 'selector'],
  license_types: ['id'],
  firearms: ['action'],
  grants: ['principal_id', 'license_type', 'actions'],
  strategy_locks: ['action', 'surface_id'],
  budget: ['scope'],
  'kpi.definitions': ['surface_id', 'kpi'],
  'kpi.corridors': ['surface_id', 'kpi'],
  temperature: ['surface_id'],
  rate_limits: ['class'],
  not_required: ['gate', 'action', 'class'],
  egress: ['origin'],
}

export function policyDiff(current: JsonObject, next: JsonObject): Preview['fields'] {
  const lines = Object.keys(next)
    .sort()
    .flatMap((section) =>
      section === 'kpi'
        ? ['definitions', 'corridors'].flatMap((part) =>
            diffRows(`kpi.${part}`, member(current.kpi, part), member(next.kpi, part)),
          )
        : section === 'feature_flags'
          ? diffFlags(current[section] ?? {}, next[section] ?? {})
          : diffRows(section, list(current[section]), list(next[section])),
    )
  if (lines.length <= MAX_LINES && JSON.stringify(lines).length < LIMITS.previewBytes - 1024) return lines
  const digest = sha256TextHex(canonicalJson(lines))
  return [
    ...lines.slice(0, 20).map(({ label, value }) => ({ label, value: value.slice(0, 200) })),
    { label: 'and more', value: `${lines.length} changed rows in all, SHA-256 of the whole diff ${digest}` },
  ]
}

function diffRows(section: string, current: JsonObject[], next: JsonObject[]): Preview['fields'] {
  const was = new Map(current.map((row) => [keyOf(section, row), row]))
  const becomes = new Map(next.map((row) => [keyOf(section, row), row]))
  return [...new Set([...was.keys(), ...becomes.keys()])].sort().flatMap((key) => {
    const [before, after] = [content(was.get(key)), content(becomes.get(key))]
    return before === after ? [] : [{ label: `${section} ${key}`.trim(), value: short(`${before} → ${after}`) }]
  })
}

function diffFlags(current: Json, next: Json): Preview['fields'] {
  const was = current as JsonObject
  return Object.entries(next as JsonObject)
    .filter(([flag, value]) => was[flag] !== value)
    .map(([flag, value]) => ({ label: `feature_flags ${flag}`, value: `${was[flag] ?? 'default'} → ${value}` }))
}

function keyOf(section: string, row: JsonObject): string {
  return (KEYS[section] ?? [])
    .map((key) => words(row[key] ?? null))
    .filter((word) => word !== '')
    .join(' ')
}

function words(value: Json): string {
  if (value === null) return ''
  if (typeof value !== 'object') return String(value)
  return (Array.isArray(value) ? value.map(words) : Object.values(value).map(words))
    .filter((word) => word !== '')
    .join('+')
}

/** The store writes instants with microseconds, a file may not: the same instant is no change. */
function sameInstant(value: Json): Json {
  return typeof value === 'string' ? value.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.0+)?Z$/, '$1Z') : value
}

function content(row: JsonObject | undefined): string {
  if (row === undefined) return '(none)'
  const { id: _id, used: _used, state_of_grant: _state, ...rest } = row
  return canonicalJson(
    Object.fromEntries(
      Object.entries(rest)
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([key, value]) => [key, sameInstant(value ?? null)]),
    ),
  )
}

function short(text: string): string {
  return text.length <= MAX_VALUE
    ? text
    : `${text.slice(0, MAX_VALUE)}… (${text.length} characters, SHA-256 ${sha256TextHex(text)})`
}

function list(value: Json | undefined): JsonObject[] {
  return (Array.isArray(value) ? value : []) as JsonObject[]
}

function member(value: Json | undefined, part: string): JsonObject[] {
  return list((value as JsonObject | undefined)?.[part])
}
