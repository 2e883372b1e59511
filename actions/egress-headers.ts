/**
 * Headers that a request may carry beside ours: which of them a caller may set, and which are filled with a secret that is
 * named and never shown. Names are compared exactly; none of them may carry something that is not its own.
 */
import { z } from 'zod'
import type { EgressTarget } from '../domain/policy.ts'
import { SECRET_NAME } from '../domain/stored.ts'

/** What a connection, its framing or this system says by itself; credentials are no caller's to set. */
const NEVER = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'authorization',
  'cookie',
  'set-cookie',
  'expect',
  'upgrade',
  'http2-settings',
  'te',
  'trailer',
  'keep-alive',
  'idempotency-key',
])
const NEVER_BEGINNING = ['x-exo-', 'proxy-', 'sec-']

function isReserved(name: string): boolean {
  const lower = name.toLowerCase()
  return NEVER.has(lower) || NEVER_BEGINNING.some((start) => lower.startsWith(start))
}

const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/)
const OTHER = 'a header that carries something else'

export const idempotencyHeader = headerName
  .refine((name) => name.toLowerCase() === 'idempotency-key' || !isReserved(name), OTHER)
  .nullable()

export const allowedHeaders = z
  .array(headerName.refine((name) => !isReserved(name), OTHER))
  .min(1)
  .max(16)
  .optional()

export const secretHeaders = z
  .array(
    z.strictObject({
      header: headerName.refine((name) => name.toLowerCase() === 'authorization' || !isReserved(name), OTHER),
      secret: z.string().regex(SECRET_NAME),
    }),
  )
  .min(1)
  .max(4)
  .optional()

/** Whether no header of a target stands there twice, in whatever case. */
export function headersDistinct(target: EgressTarget): boolean {
  const names = [
    ...(target.idempotency_header === null ? [] : [target.idempotency_header]),
    ...(target.allowed_headers ?? []),
    ...(target.secret_headers ?? []).map(({ header }) => header),
  ]
  return distinct(names)
}

/** What a caller sets: visible characters, so that no value ends its line. */
export const callerHeaders = z
  .record(headerName, z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/))
  .refine((headers) => Object.keys(headers).length <= 16, 'at most 16 headers')
  .refine((headers) => distinct(Object.keys(headers)), 'a header stands there twice')
  .optional()

function distinct(names: readonly string[]): boolean {
  return new Set(names.map((name) => name.toLowerCase())).size === names.length
}
