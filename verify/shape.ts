/**
 * Strict readers of JSON that somebody else wrote. A reader answers the value it was given, narrowed, or throws
 * {@link Divergence} with the dotted place. Nothing is coerced, defaulted or dropped.
 */
import { Divergence, ensure } from './report.ts'
import { canonicalJson, type Json, NotIJson, parseIJson } from '../domain/canonical.ts'

export type Shape<T> = (value: unknown, at: string) => T

const is =
  <T>(word: string, test: (value: unknown) => boolean): Shape<T> =>
  (value, at) => {
    ensure(test(value), `${at} is not ${word}`)
    return value as T
  }

export const anyText = is<string>('a text', (value) => typeof value === 'string')
export const text = is<string>('a text', (value) => typeof value === 'string' && value !== '')
export const flag = is<boolean>('true or false', (value) => typeof value === 'boolean')
export const count = is<number>('a count', (value) => Number.isSafeInteger(value) && Number(value) >= 0)
export const hexHash = matching(/^[0-9a-f]{64}$/, 'a SHA-256 in hex')
export const instant = is<string>(
  'an instant in UTC',
  (value) => typeof value === 'string' && readInstant(value) !== null,
)
export const decimal = matching(/^\d{1,12}(\.\d{1,6})?$/, 'a decimal')
export const json = is<Json>('JSON', () => true)
export const object = is<{ [key: string]: Json }>('an object', isObject)

export function matching(pattern: RegExp, word: string): Shape<string> {
  return is<string>(word, (value) => typeof value === 'string' && pattern.test(value))
}

export function oneOf<const T extends string | number | boolean>(...words: readonly T[]): Shape<T> {
  return is<T>(`one of ${words.join(' ')}`, (value) => words.some((word) => word === value))
}

export function nullable<T>(inner: Shape<T>): Shape<T | null> {
  return (value, at) => (value === null ? null : inner(value, at))
}

export function listOf<T>(inner: Shape<T>): Shape<T[]> {
  return (value, at) => {
    ensure(Array.isArray(value), `${at} is not a list`)
    return value.map((item, index) => inner(item, `${at}[${index}]`))
  }
}

export function mapOf<T>(inner: Shape<T>): Shape<Record<string, T>> {
  return (value, at) => {
    ensure(isObject(value), `${at} is not an object`)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, inner(member, `${at}.${key}`)]))
  }
}

type Shapes<T> = { readonly [K in keyof T]: Shape<T[K]> }

/** Every member named, of its shape. Members beyond those stay as they are. */
export function withMembers<T extends object>(shapes: Shapes<T>): Shape<T> {
  return (value, at) => {
    ensure(isObject(value), `${at} is not an object`)
    for (const key of Object.keys(shapes) as (keyof T & string)[]) {
      ensure(Object.hasOwn(value, key), `${at}.${key} is missing`)
      shapes[key](value[key], `${at}.${key}`)
    }
    return value as T
  }
}

/** Exactly the members named; those in `optional` may be absent. */
export function exactly<T extends object>(shapes: Shapes<T>, optional: readonly (keyof T & string)[] = []): Shape<T> {
  return (value, at) => {
    ensure(isObject(value), `${at} is not an object`)
    for (const key of Object.keys(value)) ensure(Object.hasOwn(shapes, key), `${at}.${key} is unknown`)
    const present = Object.keys(shapes).filter(
      (key) => Object.hasOwn(value, key) || !optional.includes(key as keyof T & string),
    )
    return withMembers(Object.fromEntries(present.map((key) => [key, shapes[key as keyof T]])))(value, at) as T
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Bytes as UTF-8 text; malformed bytes and a byte-order mark are refused. */
export function readText(bytes: Uint8Array, at: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw new Divergence(`${at} is not UTF-8`)
    throw error
  }
}

/** I-JSON: duplicate keys, lone surrogates and unsafe numbers are refused. */
export function readJson(source: string, at: string): Json {
  try {
    return parseIJson(source)
  } catch (error) {
    if (error instanceof NotIJson) throw new Divergence(`${at} is not I-JSON: ${error.message}`)
    if (error instanceof SyntaxError || error instanceof RangeError) throw new Divergence(`${at} is not JSON`)
    throw error
  }
}

/** I-JSON in its one canonical form. */
export function readCanonical(source: string, at: string): Json {
  const value = readJson(source, at)
  ensure(canonicalJson(value) === source, `${at} is not in canonical form`)
  return value
}

const INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z$/

/** Nanoseconds since the epoch, or null for anything that is not an instant in UTC. */
export function readInstant(source: string): bigint | null {
  const [, seconds = '', fraction = ''] = INSTANT.exec(source) ?? []
  const ms = seconds === '' ? Number.NaN : Date.parse(`${seconds}Z`)
  if (!Number.isFinite(ms) || new Date(ms).toISOString().slice(0, 19) !== seconds) return null
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** Nanoseconds of an instant whose shape was checked. */
export function instantNs(source: string): bigint {
  const ns = readInstant(source)
  ensure(ns !== null, `${source} is not an instant in UTC`)
  return ns
}

/** Micro-units of a decimal whose shape was checked. */
export function micros(source: string): bigint {
  const [whole = '0', fraction = ''] = source.split('.')
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}
