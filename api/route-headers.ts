/**
 * Headers in the OpenAPI document: what a route reads and what its answers carry, by its kind and by what it declares
 * beside it. `test/api/document.test.ts` holds them against what is sent.
 */
import { z } from '@hono/zod-openapi'
import type { Declared, RouteKind } from './route.ts'
import { PLACES } from '../domain/places.ts'

type Anything = Declared<z.ZodType, z.ZodType>

const OPERATES: readonly RouteKind[] = ['operation', 'control operation']

const id = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_[a-z0-9_-]{1,60}$`))
const trace = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/)
const seconds = z.string().regex(/^\d+$/)
const REQUEST_ID = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/)

/** Who and where; a platform's credential sends neither tenant nor project. */
const CONTEXT = z.object({
  'X-Mode': z.enum(['lab', 'saas', 'enterprise']),
  [PLACES.project.header]: id(PLACES.project.prefix).optional(),
  'X-Tenant-Id': id('t').optional(),
  [PLACES.surface.header]: id(PLACES.surface.prefix).optional(),
  [PLACES.app.header]: id(PLACES.app.prefix).optional(),
  'X-Request-Id': REQUEST_ID.optional(),
  // One that cannot be told is dropped.
  'X-Trace-Id': z.string().optional(),
  traceparent: z.string().optional(),
  'X-Run-Id': trace.optional(),
  'X-Step-Id': trace.optional(),
})
const OF_KEYED = CONTEXT.extend({ 'Idempotency-Key': trace.optional() })
const OF_OPERATIONS = OF_KEYED.extend({
  /** `wait=<seconds>`; a preference that is not understood is none. */
  Prefer: z.string().optional(),
})

/** What every answer carries. */
const EVERY = z.object({ 'X-Request-Id': REQUEST_ID })
/** What a repeat under a key is told by; a stop and an observing action take no key. */
const KEY = { 'Idempotency-Key': z.string().optional(), 'Idempotency-Replayed': z.literal('true').optional() }
const OF_REFUSALS: Readonly<Record<number, z.ZodObject>> = {
  401: EVERY.extend({ 'WWW-Authenticate': z.string() }),
  405: EVERY.extend({ Allow: z.string() }),
  429: EVERY.extend({ 'Retry-After': seconds }),
  503: EVERY.extend({ 'Retry-After': seconds }),
}

/** Whether a repeat under the same key is told apart; what loosens is an operation, whatever else the route does. */
export const takesKey = (declared: Anything): boolean => declared.keyed === true || operates(declared)

const operates = ({ kind, loosens }: Anything): boolean => OPERATES.includes(kind) || loosens === true

/** What the route reads. */
export function headersRead(declared: Anything): z.ZodObject {
  const usual = operates(declared) ? OF_OPERATIONS : declared.keyed === true ? OF_KEYED : CONTEXT
  return declared.headers === undefined ? usual : usual.extend(declared.headers)
}

/** What a good answer carries. */
export function headersSent(declared: Anything, status: string, own: z.ZodRawShape = {}): z.ZodObject {
  const waits = status === '202' && operates(declared)
  return EVERY.extend({ ...(takesKey(declared) ? KEY : {}), ...(waits ? { Location: z.string() } : {}), ...own })
}

export const headersOfRefusal = (status: number): z.ZodObject => OF_REFUSALS[status] ?? EVERY
