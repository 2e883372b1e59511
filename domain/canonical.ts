/**
 * The one canonical form of JSON in this system: RFC 8785 (JCS) over I-JSON (RFC 7493).
 *
 * `canonicalJson` refuses every value whose meaning could differ between two readers: NaN, infinities, unsafe
 * integers, undefined, BigInt, Date and other class instances, lone surrogates. Duplicate keys cannot be seen in a
 * parsed value; `parseIJson` refuses them in text.
 */
import canonicalize from 'canonicalize'

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
  assertIJson(value, '', 0)
  const text = canonicalize(value)
  if (text === undefined) throw new NotIJson('value has no JSON form', '')
  return text
}

/** Throws {@link NotIJson} unless the value is plain I-JSON all the way down. */
export function assertIJson(value: unknown, path = '', depth = 0): asserts value is Json {
  if (depth > MAX_DEPTH) throw new NotIJson('nested too deeply', path)
  switch (typeof value) {
    case 'boolean':
      return
    case 'string':
      if (!value.isWellFormed()) throw new NotIJson('lone surrogate', path)
      return
    case 'number':
      if (!Number.isFinite(value)) throw new NotIJson('number is not finite', path)
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new NotIJson('unsafe integer', path)
      return
    case 'object': {
      if (value === null) return
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) assertIJson(value[i], `${path}/${i}`, depth + 1)
        return
      }
      const prototype = Object.getPrototypeOf(value)
      if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
        throw new NotIJson('not a plain object', path)
      for (const [key, member] of Object.entries(value)) {
        if (!key.isWellFormed()) throw new NotIJson('lone surrogate in a key', path)
        assertIJson(member, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1)
      }
      return
    }
    default:
      throw new NotIJson(`${typeof value} is not JSON`, path)
  }
}

/**
 * Parses I-JSON text. Unlike `JSON.parse` it refuses duplicate keys, lone surrogates and integers that do not survive
 * a double. Throws {@link NotIJson} with the place, or SyntaxError for text that is not JSON at all.
 */
export function parseIJson(text: string): Json {
  const value: unknown = JSON.parse(text)
  refuseDuplicateKeys(text)
  assertIJson(value)
  return value
}

/** One pass over text already known to be JSON: strings are the only tokens that need care. */
function refuseDuplicateKeys(text: string): void {
  const open: (Set<string> | null)[] = []
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
        expectKey = false
      }
      i = end
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  return text.length - 1
}
