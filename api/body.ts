/** Bodies as values: I-JSON, strict, agreeing with the context, or a 400 that lists every fault. */
import type { z } from 'zod'
import type { Ctx } from './request.ts'
import { canonicalJson, NotIJson, parseIJson, type Json } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import { beginning } from '../domain/text.ts'

/** Body members that may repeat the context, and what they must then equal. */
const REPEATED = ['tenant_id', 'project_id', 'mode', 'user_id', 'surface_id'] as const

export function readBody<S extends z.ZodType>(c: Ctx, schema: S, keep: readonly string[] = []): z.output<S> {
  const text = c.get('bodyText')
  if (text === null) throw faultAt('', 'the body is not UTF-8')
  let value: Json
  try {
    value = parseIJson(text === '' ? '{}' : text, LIMITS.bodyDepth)
  } catch (error) {
    if (error instanceof NotIJson || error instanceof SyntaxError) throw faultAt('', beginning(error.message, 200))
    throw error
  }
  refuseNul(value, '')
  return parseWith(schema, dropRepeated(c, value, keep))
}

/** PostgreSQL keeps no U+0000 in a text, so that none can be taken. */
export function refuseNul(value: Json, path: string): void {
  if (typeof value === 'string' && value.includes('\0')) throw faultAt(path, 'holds the character U+0000')
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (key.includes('\0')) throw faultAt(path, 'a member name holds the character U+0000')
    refuseNul(member, `${path}/${key}`)
  }
}

function faultAt(path: string, message: string): ExoError {
  return new ExoError('validation.error', undefined, { errors: [{ path, message }] })
}

export function parseWith<S extends z.ZodType>(schema: S, value: unknown, at = ''): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ExoError('validation.error', undefined, {
    errors: parsed.error.issues.slice(0, 50).map((issue) => ({
      path: `${at}${issue.path.map((part) => `/${String(part)}`).join('')}`,
      message: issue.message.endsWith('received undefined') ? 'is missing' : beginning(issue.message, 300),
    })),
  })
}

/** A body that repeats the context and agrees is accepted and dropped; one that differs is an attempt. */
function dropRepeated(c: Ctx, value: Json, keep: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const members = Object.entries(value)
  refuseOverrides(c, members, keep)
  // From entries, so that a member called `__proto__` stays a member, unknown to every schema.
  return Object.fromEntries(members.filter(([key]) => keep.includes(key) || !isRepeated(key)))
}

function isRepeated(key: string): key is (typeof REPEATED)[number] {
  return (REPEATED as readonly string[]).includes(key)
}

type Said = readonly (readonly [string, Json])[]

function refuseOverrides(c: Ctx, given: Said, keep: readonly string[]): void {
  const mismatches = mismatchesOf(c, given, keep)
  if (mismatches.length > 0) throw new ExoError('auth.identity_override', undefined, { mismatches })
}

/**
 * A query that repeats the context must agree with it, but for the filters that the route declares by the same name. One
 * refusal lists every member of query and body that does not.
 */
export function refuseQueryOverrides(c: Ctx, filters: readonly string[], keep: readonly string[]): void {
  if (c.get('context') === undefined) return
  const query = Object.entries(c.req.queries()).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  )
  const inQuery = mismatchesOf(c, query, filters)
  if (inQuery.length === 0) return
  throw new ExoError('auth.identity_override', undefined, {
    mismatches: [...inQuery, ...mismatchesOf(c, bodyMembers(c), keep)],
  })
}

/** The members of a body that may not even be one. */
function bodyMembers(c: Ctx): Said {
  try {
    const value = parseIJson(c.get('bodyText') ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  } catch (error) {
    if (error instanceof NotIJson || error instanceof SyntaxError) return []
    throw error
  }
}

function mismatchesOf(c: Ctx, given: Said, keep: readonly string[]): { field: string; given: Json }[] {
  const caller = c.get('caller')
  const context = c.get('context')
  const expected: Record<(typeof REPEATED)[number], string | null> = {
    tenant_id: caller.tenant_id,
    project_id: context.project_id,
    mode: context.mode,
    user_id: caller.principal.id,
    surface_id: context.surface_id,
  }
  return given
    .filter(([key, value]) => !keep.includes(key) && isRepeated(key) && value !== expected[key])
    .map(([field, value]) => ({ field, given: shortened(value) }))
}

/** What was said, and no more of it than shows what it was. */
function shortened(value: Json): Json {
  if (typeof value === 'string') return beginning(value, 100)
  return typeof value === 'object' && value !== null ? beginning(canonicalJson(value), 100) : value
}
