/**
 * How a route is declared: its kind stands beside its path, permission comes before the body is looked at, and the
 * OpenAPI document follows from the same schemas that validate. A route without a kind does not type-check.
 */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { parseWith, readBody, refuseNul, refuseQueryOverrides } from './body.ts'
import { refuseDelegated } from './delegation.ts'
import { type Ctx, type Env, demand, demandAny, demandPlatform } from './request.ts'
import { documentRoute } from './route-document.ts'
import { ExoError } from '../domain/errors.ts'

/** What may change, and through what; `open` routes need no credential. */
export type RouteKind = 'read' | 'record' | 'operation' | 'control operation' | 'open'

export interface Declared<Body extends z.ZodType, Query extends z.ZodType> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With `{name}` for parameters. */
  path: string
  kind: RouteKind
  summary: string
  /** All of these. */
  permissions?: readonly string[]
  /** At least one of these. */
  anyOf?: readonly string[]
  /** For platform operators alone. */
  platform?: true
  body?: Body
  /** Body members that may be called like the context and mean something else. */
  keep?: readonly string[]
  query?: Query
  /** A record that takes an `Idempotency-Key`, as every operation does. */
  keyed?: true
  /** A record that also takes what loosens: that is a control operation, with the headers of one. */
  loosens?: true
  /** Headers it reads beside the context's. */
  headers?: z.ZodRawShape
  /** A file that a page loads, which nobody asks for by itself: it stands in no document. */
  partOfPage?: true
  answers?: Readonly<
    Record<number, { description: string; schema?: z.ZodType; type?: string; headers?: z.ZodRawShape }>
  >
}

export interface Given<Body extends z.ZodType, Query extends z.ZodType> {
  body: z.output<Body>
  query: z.output<Query>
  /** A path parameter. */
  param(name: string): string
}

export type App = OpenAPIHono<Env>

export function addRoute<Body extends z.ZodType = z.ZodUndefined, Query extends z.ZodType = z.ZodUndefined>(
  app: App,
  declared: Declared<Body, Query>,
  handler: (c: Ctx, given: Given<Body, Query>) => Promise<Response> | Response,
): void {
  if (declared.partOfPage !== true) documentRoute(app, declared)
  const path = declared.path.replaceAll(/\{(\w+)\}/g, ':$1')
  const filters = declared.query instanceof z.ZodObject ? Object.keys(declared.query.shape) : []
  app.on(declared.method.toUpperCase(), path, async (c) => {
    if (declared.kind !== 'open') {
      refuseDelegated(c, declared.kind, declared.permissions ?? declared.anyOf ?? [])
      refuseQueryOverrides(c, filters, declared.keep ?? [])
      if (declared.platform === true) demandPlatform(c)
      if (declared.anyOf !== undefined) demandAny(c, ...declared.anyOf)
      demand(c, ...(declared.permissions ?? []))
    }
    if (declared.kind !== 'open') refuseNul(c.req.query(), '/query')
    const query = declared.query === undefined ? undefined : parseWith(declared.query, c.req.query(), '/query')
    const body = declared.body === undefined ? undefined : readBody(c, declared.body, declared.keep)
    const param = (name: string) => namedBy(c.req.param(name) ?? '')
    return await handler(c, { body: body as z.output<Body>, query: query as z.output<Query>, param })
  })
}

/** Nothing is called by a name that holds U+0000, which PostgreSQL would not even look up. */
function namedBy(param: string): string {
  if (param.includes('\0')) throw new ExoError('resource.not_found')
  return param
}
