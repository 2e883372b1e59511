/** The control document as people are shown it: one line per row that appears, goes or changes. Never cut silently. */
import { ROW_RULES, type RuledSection, rowsOf } from './policy-rows.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import { sha256TextHex } from '../domain/hash.ts'
import { LIMITS } from '../domain/limits.ts'
import type { Preview } from '../domain/plan.ts'
import { beginning } from '../domain/text.ts'

const MAX_VALUE = 600
const MAX_LINES = 150

export function policyDiff(current: JsonObject, next: JsonObject): Preview['fields'] {
  const held = new Map(rowsOf(current))
  const sorted = Object.fromEntries(Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1)))
  const lines = rowsOf(sorted).flatMap(([section, rows]) =>
    section === 'feature_flags'
      ? diffFlags(held.get(section)?.[0] ?? {}, rows[0] ?? {})
      : diffRows(section, held.get(section) ?? [], rows),
  )
  if (lines.length <= MAX_LINES && JSON.stringify(lines).length < LIMITS.previewBytes - 1024) return lines
  const digest = sha256TextHex(canonicalJson(lines))
  return [
    ...lines.slice(0, 20).map(({ label, value }) => ({ label, value: beginning(value, 200) })),
    { label: 'and more', value: `${lines.length} changed rows in all, SHA-256 of the whole diff ${digest}` },
  ]
}

/** One row, member by member: what it becomes, and what it was where that is another. */
export function rowDiff(was: JsonObject | null, next: JsonObject): Preview['fields'] {
  const members = [...new Set([...Object.keys(was ?? {}), ...Object.keys(next)])].sort()
  return members.flatMap((member) => {
    const [before, after] = [text(was?.[member]), text(next[member])]
    if (before === after) return after === NONE ? [] : [{ label: member, value: short(after) }]
    return [{ label: member, value: short(was === null ? after : `${before} → ${after}`) }]
  })
}

/** Whether a row says what another says, whatever the store keeps beside it. */
export function isSameRow(one: JsonObject | undefined, other: JsonObject | undefined): boolean {
  return content(one) === content(other)
}

const NONE = '(none)'

function text(value: Json | undefined): string {
  if (value === undefined || value === null) return NONE
  return typeof value === 'object' ? canonicalJson(value) : String(sameInstant(value))
}

function diffRows(
  section: RuledSection,
  current: readonly JsonObject[],
  next: readonly JsonObject[],
): Preview['fields'] {
  const was = new Map(current.map((row) => [labelOf(section, row), row]))
  const becomes = new Map(next.map((row) => [labelOf(section, row), row]))
  return [...new Set([...was.keys(), ...becomes.keys()])].sort().flatMap((key) => {
    const [before, after] = [content(was.get(key)), content(becomes.get(key))]
    return before === after ? [] : [{ label: `${section} ${key}`.trim(), value: short(`${before} → ${after}`) }]
  })
}

function diffFlags(was: JsonObject, next: JsonObject): Preview['fields'] {
  return Object.entries(next)
    .filter(([flag, value]) => was[flag] !== value)
    .map(([flag, value]) => ({ label: `feature_flags ${flag}`, value: `${was[flag] ?? 'default'} → ${value}` }))
}

/** What people know a row by. */
function labelOf(section: RuledSection, row: JsonObject): string {
  const { key, shown } = ROW_RULES[section]
  return (shown ?? key)
    .map((member) => words(row[member] ?? null))
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
  if (row === undefined) return NONE
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
    : `${beginning(text, MAX_VALUE)}… (${text.length} characters, SHA-256 ${sha256TextHex(text)})`
}
