/** Whether the request could be meant at all: known path, known method, JSON, no larger than allowed. In that order. */
import { ExoError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { Ctx } from '../request.ts'

export interface RouteShape {
  method: string
  path: string
}

export interface KnownRoute extends RouteShape {
  pattern: RegExp
  /** Without parameters. */
  spelled: boolean
}

/** What the router calls the route while no handler was reached. */
const MIDDLEWARE = '/*'
const MUTATING = ['POST', 'PUT', 'PATCH', 'DELETE']

/** Throws 404, 405, 415 or 413. Bodies are read here, once, bounded; later readers get the text. */
export async function checkShape(c: Ctx, routes: readonly KnownRoute[]): Promise<void> {
  const methods = [...new Set(routesAt(c.req.path, routes).map((route) => route.method))]
  if (methods.length === 0) throw new ExoError('route.not_found')
  const method = methodOf(c)
  if (!methods.includes(method)) throw new ExoError('method.not_allowed', undefined, { allow: methods.sort() })
  if (!MUTATING.includes(method)) return
  const declared = Number(c.req.header('content-length') ?? '0')
  if (declared > LIMITS.bodyBytes) throw new ExoError('body.too_large', undefined, { max_bytes: LIMITS.bodyBytes })
  const bytes = await readBounded(c)
  const type = c.req.header('content-type') ?? ''
  if (bytes.length > 0 && !/^application\/json(\s*;\s*charset=utf-8)?\s*$/i.test(type))
    throw new ExoError('media_type.unsupported')
  c.set('bodyText', decode(bytes))
}

/** The pattern of the route that is asked for, whether or not it was reached; null where there is none. */
export function routeOf(c: Ctx, routes: readonly KnownRoute[]): string | null {
  const { path, routePath } = c.req
  if (routePath !== MIDDLEWARE) return routePath
  // The router takes no slash at the end.
  if (path.length > 1 && path.endsWith('/')) return null
  return routesAt(path, routes).find(({ method }) => method === methodOf(c))?.path ?? null
}

/** A path spelled out is that route, and no id of another. */
function routesAt(path: string, routes: readonly KnownRoute[]): readonly KnownRoute[] {
  const matching = routes.filter((route) => route.pattern.test(path))
  const spelled = matching.filter((route) => route.spelled)
  return spelled.length > 0 ? spelled : matching
}

const methodOf = (c: Ctx): string => (c.req.method === 'HEAD' ? 'GET' : c.req.method)

async function readBounded(c: Ctx): Promise<Uint8Array> {
  const stream = c.req.raw.body
  if (stream === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > LIMITS.bodyBytes) throw new ExoError('body.too_large', undefined, { max_bytes: LIMITS.bodyBytes })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Null for what is not UTF-8: a fault of the body, which is named only after the context and the right were looked at. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

/** Path patterns of the registered routes, for telling 404 from 405 before anything else is decided. */
export function shapesOf(routes: readonly RouteShape[]): KnownRoute[] {
  return routes
    .filter((route) => route.method !== 'ALL')
    .map(({ method, path }) => ({
      method,
      path,
      spelled: !/[:*]/.test(path),
      pattern: new RegExp(
        `^${path
          .replaceAll('.', '\\.')
          .replace(/:[a-zA-Z_]+/g, '[^/]+')
          .replace('*', '.*')}/?$`,
      ),
    }))
}
