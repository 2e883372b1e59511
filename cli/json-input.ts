/** JSON from the command line, a file or standard input: I-JSON only, so that nobody reads a second meaning into it. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { usage } from './failure.ts'
import { NotIJson, parseIJson, type Json, type JsonObject } from '../domain/canonical.ts'

/** `-` is standard input, `@name` a file, anything else the JSON itself. */
export async function readJsonArgument(given: string, what: string): Promise<JsonObject> {
  if (given === '-') return parseObject(await text(process.stdin), `${what} from standard input`)
  if (given.startsWith('@')) return await readJsonFile(given.slice(1))
  return parseObject(given, what)
}

export async function readJsonFile(path: string): Promise<JsonObject> {
  if (path === '-') return parseObject(await text(process.stdin), 'standard input')
  return parseObject((await readBytes(path)).toString('utf8'), path)
}

export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException
    throw usage(`${path} cannot be read (${code}).`, { cause })
  }
}

function parseObject(source: string, what: string): JsonObject {
  let value: Json
  try {
    value = parseIJson(source)
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof NotIJson)) throw cause
    throw usage(`${what} is not JSON: ${cause.message}.`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usage(`${what} is JSON, but not an object.`)
  return value
}

/** `name=text` sets a text, `name:=json` anything else; a dot in the name goes one level down. */
export function applyFields(input: JsonObject, fields: readonly string[]): JsonObject {
  const whole = structuredClone(input)
  for (const field of fields) {
    const [, path = '', raw, value = ''] = /^([^=]+?)(:?)=([\s\S]*)$/.exec(field) ?? []
    if (path === '')
      throw usage(`--field ${field} has no name and value.`, { remedy: 'Write name=text, or name:=json.' })
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    let place = whole
    for (const key of keys) {
      const member = (Object.hasOwn(place, key) ? place[key] : undefined) ?? {}
      if (typeof member !== 'object' || Array.isArray(member) || key === '__proto__')
        throw usage(`--field ${path} goes through ${key}, which is no object.`)
      place[key] = member
      place = member
    }
    if (last === '' || last === '__proto__') throw usage(`--field ${field} has no usable name.`)
    place[last] = raw === ':' ? parseAny(value, path) : value
  }
  return whole
}

function parseAny(source: string, path: string): Json {
  try {
    return parseIJson(source)
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof NotIJson)) throw cause
    throw usage(`--field ${path}:= is not JSON: ${cause.message}.`, { cause, remedy: `For a text write ${path}=….` })
  }
}
