/**
 * Text for terminals. What others wrote is never trusted to be what it looks like: characters that are invisible, that
 * reorder a line or that steer the terminal are shown by their code points, a value of many lines keeps a gutter that no
 * value can imitate, and whatever is left out says how much it was and its digest.
 */
import { sha256TextHex } from '../domain/hash.ts'

/** Controls, formats, line and paragraph separators, lone surrogates, private use, and what renders as nothing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]/gu

/** One line of text, safe to print: line breaks included, everything unseen becomes `<U+202E>`. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (char) => `<U+${codePointHex(char)}>`)
}

function codePointHex(char: string): string {
  return (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}

export interface Field {
  label: string
  value: string
}

interface FieldOptions {
  indent?: string
  /** Values with more characters than this are folded. */
  foldAt?: number
  /** Where the whole value can be read. */
  whole?: string
  paintLabel?: (text: string) => string
}

const LABEL_MAX = 24

/** Labels in one column, values beside them; further lines of a value stand behind a gutter. */
export function fieldLines(fields: readonly Field[], options: FieldOptions = {}): string[] {
  const { indent = '  ', paintLabel = (text: string) => text } = options
  const labels = fields.map(({ label }) => visible(label))
  const width = Math.max(0, ...labels.map(({ length }) => (length <= LABEL_MAX ? length : 0)))
  return fields.flatMap(({ value }, index) => {
    const label = labels[index] ?? ''
    const [first = '', ...more] = valueLines(value, options)
    const rest = more.map((line) => `${indent}${' '.repeat(width)}  │ ${line}`)
    // A long label has a line of its own, so that it is whole and the column stays.
    if (label.length > width)
      return [`${indent}${paintLabel(label)}`, `${indent}${' '.repeat(width)}  ${first}`, ...rest]
    return [`${indent}${paintLabel(label.padEnd(width))}  ${first}`, ...rest]
  })
}

function valueLines(value: string, { foldAt, whole }: FieldOptions): string[] {
  if (foldAt === undefined || value.length <= foldAt) return value.split('\n').map(visible)
  const head = [...value].slice(0, foldAt).join('')
  const left = value.length - head.length
  const where = whole === undefined ? '' : `; ${whole} prints it all`
  return [
    ...head.split('\n').map(visible),
    `… and ${left} more characters (the whole value has ${value.length}, SHA-256 ${sha256TextHex(value)})${where}`,
  ]
}

/** Rows in columns, two spaces apart; the last column keeps its length. */
export function columns(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(0, ...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    `${indent}${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  )
}

const UNITS = [
  ['y', 31_536_000],
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const

/** `2 h 5 min`, `40 s`: two units at most. */
export function duration(seconds: number): string {
  let left = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    if (left < size || parts.length === 2) continue
    parts.push(`${Math.floor(left / size)} ${unit}`)
    left %= size
  }
  if (parts.length === 0 || (parts.length === 1 && parts[0]?.endsWith('min') && left > 0)) parts.push(`${left} s`)
  return parts.join(' ')
}

/** `2030-01-31 10:20:30Z` from an instant of the API. */
export function instant(iso: string): string {
  const ms = Date.parse(iso)
  return Number.isNaN(ms) ? visible(iso) : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

/** The instant and how far it is from `nowMs`. */
export function instantFrom(iso: string, nowMs: number): string {
  const seconds = (Date.parse(iso) - nowMs) / 1000
  return `${instant(iso)} (${seconds >= 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`})`
}

/** The same characters as JSON escapes; line breaks between members stay. */
export function unseenAsEscapes(json: string): string {
  return json.replaceAll(UNSEEN, (char) =>
    char === '\n'
      ? char
      : [...Array(char.length).keys()].map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
}

/** One word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
