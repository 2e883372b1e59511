/** Every answer carries the request's id: the caller's own where it is sound, else a new one. */
import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { ApiPorts } from '../ports.ts'
import type { Env } from '../request.ts'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/
const TRACE_ID = /^[A-Za-z0-9._-]{1,128}$/

export function identifyRequest(ports: ApiPorts): MiddlewareHandler<Env> {
  return async function identifyRequest(c, next) {
    const given = c.req.header('x-request-id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : `req_${randomUUID()}`
    const trace = c.req.header('x-trace-id')
    c.set('ports', ports)
    c.set('requestId', requestId)
    c.set(
      'traceId',
      TRACEPARENT.exec(c.req.header('traceparent') ?? '')?.[1] ??
        (trace !== undefined && TRACE_ID.test(trace) ? trace : null),
    )
    await next()
    c.res.headers.set('X-Request-Id', requestId)
    c.res.headers.set('Cache-Control', 'no-store')
    c.res.headers.set('X-Content-Type-Options', 'nosniff')
  }
}

/** What is wrong with the ids the caller sent, or null. */
export function idFault(
  header: (name: string) => string | undefined,
): { field: string; code: 'context.invalid' } | null {
  const given = header('x-request-id')
  if (given !== undefined && !REQUEST_ID.test(given)) return { field: 'X-Request-Id', code: 'context.invalid' }
  return null
}
