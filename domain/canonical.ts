/**
 * The one canonical form of JSON in this system: RFC 8785 (JCS) over I-JSON (RFC 7493). For I-JSON that form is the text
 * of `JSON.stringify` with the members of each object in the order of their UTF-16 units.
 *
 * `canonicalJson` refuses every value whose meaning could differ between two readers: NaN, infinities, unsafe
 * integers, undefined, BigInt, Date and other class instances, lone surrogates. Duplicate keys cannot be seen in a
 * parsed value; `parseIJson` refuses them in text.
 */
import { stringify } from 'safe-stable-stringify'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** Thrown for a value or text outside I-JSON. `path` is a JSON Pointer to the offending place. */
export class NotIJson extends Error {
  readonly path: string
  constructor(message: string, path: string) {
    super(`${message} at ${path === '' ? 'the root' : path}`)
    this.name = 'NotIJson'
    this.path = path
  }
}

const MAX_DEPTH = 64

/** The canonical text of a value. Throws {@link NotIJson}. */
export function canonicalJson(value: unknown): string {
  assertIJson(value)
  return stringify(value)
}

/** Whether two I-JSON values have the same canonical text, without writing it. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSameJson((a as JsonObject)[key], (b as JsonObject)[key]))
  )
}

/** Throws {@link NotIJson} unless the value is plain I-JSON all the way down. */
export function assertIJson(value: unknown, deepest = MAX_DEPTH): asserts value is Json {
  const found = firstFault(value, deepest)
  if (found !== null) throw new NotIJson(found.message, found.path)
}

interface Fault {
  message: string
  path: string
}

/** The path grows on the way back: one for each sound member would cost more than the look. */
function firstFault(value: unknown, levelsLeft: number): Fault | null {
  if (levelsLeft < 0) return fault('nested too deeply')
  switch (typeof value) {
    case 'boolean':
      return null
    case 'string':
      return value.isWellFormed() ? null : fault('lone surrogate')
    case 'number':
      if (!Number.isFinite(value)) return fault('number is not finite')
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? fault('unsafe integer') : null
    case 'object':
      if (value === null) return null
      return Array.isArray(value) ? faultIn(value, levelsLeft) : faultOf(value, levelsLeft)
    default:
      return fault(`${typeof value} is not JSON`)
  }
}

function faultIn(list: readonly unknown[], levelsLeft: number): Fault | null {
  for (let i = 0; i < list.length; i++) {
    const found = firstFault(list[i], levelsLeft - 1)
    if (found !== null) return below(String(i), found)
  }
  return null
}

function faultOf(value: object, levelsLeft: number): Fault | null {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return fault('not a plain object')
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed()) return fault('lone surrogate in a key')
    const found = firstFault((value as Record<string, unknown>)[key], levelsLeft - 1)
    if (found !== null) return below(key.replaceAll('~', '~0').replaceAll('/', '~1'), found)
  }
  return null
}

function fault(message: string): Fault {
  return { message, path: '' }
}

function below(key: string, { message, path }: Fault): Fault {
  return { message, path: `/${key}${path}` }
}

/**
 * Parses I-JSON text. Unlike `JSON.parse` it refuses duplicate keys, lone surrogates and integers that do not survive
 * a double. Throws {@link NotIJson} with the place, or SyntaxError for text that is not JSON at all.
 */
export function parseIJson(text: string, deepest = MAX_DEPTH): Json {
  const value: unknown = JSON.parse(text)
  const written = keysWritten(text)
  assertIJson(value, deepest)
  // V8 13.6 may take a key that is one escaped character for a backslash, where a backslash stood in the text before.
  if (text.includes('\\') && !isSameJson(written.sort(), keysOf(value).sort()))
    throw new NotIJson('a key was misread', '')
  return value
}

/** Every key as it is written, none twice in one object. One pass over JSON: strings are the only tokens that need care. */
function keysWritten(text: string): string[] {
  const open: (Set<string> | null)[] = []
  const written: string[] = []
  let expectKey = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '{') {
      open.push(new Set())
      expectKey = true
    } else if (char === '[') {
      open.push(null)
      expectKey = false
    } else if (char === '}' || char === ']') {
      open.pop()
      expectKey = false
    } else if (char === ',') {
      expectKey = open.at(-1) instanceof Set
    } else if (char === '"') {
      const end = endOfString(text, i)
      const keys = open.at(-1)
      if (expectKey && keys instanceof Set) {
        const key = JSON.parse(text.slice(i, end + 1)) as string
        if (keys.has(key)) throw new NotIJson(`duplicate key ${JSON.stringify(key)}`, '')
        keys.add(key)
        written.push(key)
        expectKey = false
      }
      i = end
    }
  }
  return written
}

function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = Array.isArray(value) ? [] : Object.keys(value)
  return [...own, ...Object.values(value).flatMap(keysOf)]
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  return text.length - 1
}
