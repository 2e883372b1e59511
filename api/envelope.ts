/** One body for every status that is not a success: ours and RFC 9457's, from one table. */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Env } from './request.ts'
import { ERRORS, ExoError, type ErrorCode } from '../domain/errors.ts'

export interface ErrorBody {
  error: {
    code: string
    message: string
    http_status: number
    gate: string | null
    action_name: string | null
    resource_kind: string | null
    details: Record<string, unknown>
    request_id: string
    trace_id: string | null
  }
  type: string
  title: string
  status: number
  detail: string
  instance: string
}

interface Given {
  code: ErrorCode
  message?: string | undefined
  details?: Readonly<Record<string, unknown>>
  gate?: string | null
  action?: string | null
  resource?: string | null
  status?: number
}

function errorBody(given: Given, requestId: string, traceId: string | null): ErrorBody {
  const row = ERRORS[given.code]
  const status = given.status ?? row.status
  const message = given.message ?? row.remedy
  return {
    error: {
      code: given.code,
      message,
      http_status: status,
      gate: given.gate === undefined ? row.gate : given.gate,
      action_name: given.action ?? null,
      resource_kind: given.resource ?? null,
      details: { ...given.details },
      request_id: requestId,
      trace_id: traceId,
    },
    type: `urn:exoarmur:error:${given.code}`,
    title: given.code,
    status,
    detail: message,
    instance: `urn:exoarmur:request:${requestId}`,
  }
}

export function problem(c: Context<Env>, given: Given): Response {
  const body = errorBody(given, c.get('requestId'), c.get('traceId'))
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' }
  const { details } = given
  if (typeof details?.retry_after === 'number') headers['Retry-After'] = String(details.retry_after)
  else if (body.status === 503) headers['Retry-After'] = '2'
  if (body.status === 401) headers['WWW-Authenticate'] = 'Bearer realm="exoarmur"'
  if (Array.isArray(details?.allow)) headers.Allow = details.allow.join(', ')
  return c.body(JSON.stringify(body), body.status as ContentfulStatusCode, headers)
}

/** The whole answer, head and all, to bytes that are no request or whose head is larger than is read. */
export function malformedRequest(): string {
  const requestId = `req_${randomUUID()}`
  const text = JSON.stringify(errorBody({ code: 'request.malformed' }, requestId, null))
  return [
    'HTTP/1.1 400 Bad Request',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
    '',
    text,
  ].join('\r\n')
}

/** An error thrown anywhere below. What is not an {@link ExoError} tells the caller nothing. */
export function problemOf(c: Context<Env>, error: unknown): Response {
  if (error instanceof ExoError)
    return problem(c, { code: error.code, message: error.message, details: error.details, status: error.status })
  const unavailable = isBackendDown(error)
  c.get('ports')?.log.error(
    { request_id: c.get('requestId'), error: String(error), stack: error instanceof Error ? error.stack : undefined },
    unavailable ? 'a backend does not answer' : 'unexpected error',
  )
  return problem(c, { code: unavailable ? 'backend.unavailable' : 'internal.error' })
}

/** Errors of the stores and of Temporal that another try may not meet, told by shape: the API imports neither. */
function isBackendDown(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : undefined
  if (typeof code === 'number') return [1, 4, 8, 14].includes(code)
  const cause = error.cause
  return (
    (typeof code === 'string' && (/^(08|53|57|58)/.test(code) || /^(ECONN|EPIPE|ETIMEDOUT|25P0[34])/.test(code))) ||
    /Connection terminated|read timeout|timeout exceeded when trying to connect|Failed to connect|not queryable|deadline/i.test(
      error.message,
    ) ||
    (cause !== undefined && cause !== error && isBackendDown(cause))
  )
}
