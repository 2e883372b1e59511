/** Bodies as values: I-JSON, strict, agreeing with the context, or a 400 that lists every fault. */
import type { z } from 'zod'
import type { Ctx } from './request.ts'
import { NotIJson, parseIJson, type Json } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'

/** Body members that may repeat the context, and what they must then equal. */
const REPEATED = ['tenant_id', 'project_id', 'mode', 'user_id', 'surface_id'] as const

export async function readBody<S extends z.ZodType>(
  c: Ctx,
  schema: S,
  keep: readonly string[] = [],
): Promise<z.output<S>> {
  const text = await c.req.text()
  let value: Json
  try {
    value = parseIJson(text === '' ? '{}' : text)
  } catch (error) {
    if (error instanceof NotIJson || error instanceof SyntaxError)
      throw new ExoError('validation.error', undefined, {
        errors: [{ path: '', message: error.message.slice(0, 200) }],
      })
    throw error
  }
  return parseWith(schema, dropRepeated(c, value, keep))
}

export function parseWith<S extends z.ZodType>(schema: S, value: unknown, at = ''): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ExoError('validation.error', undefined, {
    errors: parsed.error.issues.slice(0, 50).map((issue) => ({
      path: `${at}${issue.path.map((part) => `/${String(part)}`).join('')}`,
      message: issue.message.slice(0, 300),
    })),
  })
}

/** A body that repeats the context and agrees is accepted and dropped; one that differs is an attempt. */
function dropRepeated(c: Ctx, value: Json, keep: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const caller = c.get('caller')
  const context = c.get('context')
  const expected: Record<(typeof REPEATED)[number], string | null> = {
    tenant_id: caller.tenant_id,
    project_id: context.project_id,
    mode: context.mode,
    user_id: caller.principal.id,
    surface_id: context.surface_id,
  }
  const mismatches: { field: string; given: Json }[] = []
  const rest: { [key: string]: Json } = {}
  for (const [key, member] of Object.entries(value)) {
    const repeated = REPEATED.find((field) => field === key)
    if (repeated === undefined || keep.includes(key)) rest[key] = member
    else if (member !== expected[repeated]) mismatches.push({ field: key, given: member })
  }
  if (mismatches.length > 0) throw new ExoError('auth.identity_override', undefined, { mismatches })
  return rest
}
