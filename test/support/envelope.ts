/** What every answer that is no success must look like, whichever part of the product refused. */
import { expect } from 'vitest'
import { GATES, isErrorCode } from '../../domain/errors.ts'

export interface RawAnswer {
  status: number
  headers: Headers
  text: string
}

export interface RawRequest {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/** Sends exactly what it is given: no header is added but those HTTP itself needs. */
export async function send(url: string, { method, path, headers = {}, body }: RawRequest): Promise<RawAnswer> {
  const response = await fetch(url + path, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: body as string }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const GATE_WORDS: readonly (string | null)[] = [null, ...GATES, 'approval']

/** Every way in which an answer is not the envelope; empty when it is. */
export function envelopeFaults({ status, headers, text }: RawAnswer): string[] {
  const faults: string[] = []
  const check = (holds: boolean, fault: string) => void (holds || faults.push(fault))
  check(/^application\/problem\+json\b/.test(headers.get('content-type') ?? ''), `type ${headers.get('content-type')}`)
  let body: Record<string, unknown>
  try {
    body = JSON.parse(text) as Record<string, unknown>
  } catch {
    return [...faults, `not JSON: ${text.slice(0, 200)}`]
  }
  const keys = (value: object) => Object.keys(value).sort().join()
  check(keys(body) === 'detail,error,instance,status,title,type', `members ${keys(body)}`)
  const error = (body.error ?? {}) as Record<string, unknown>
  check(
    keys(error) === 'action_name,code,details,gate,http_status,message,request_id,resource_kind,trace_id',
    `error's members ${keys(error)}`,
  )
  check(isErrorCode(error.code), `code ${String(error.code)}`)
  check(
    error.http_status === status && body.status === status,
    `status ${status} told as ${error.http_status}, ${body.status}`,
  )
  check(typeof error.message === 'string' && error.message !== '' && error.message === body.detail, 'message')
  check(GATE_WORDS.includes(error.gate as string | null), `gate ${String(error.gate)}`)
  check(typeof error.details === 'object' && error.details !== null && !Array.isArray(error.details), 'details')
  check(
    error.request_id === headers.get('x-request-id') && error.request_id !== null,
    `request id ${String(error.request_id)}`,
  )
  check(
    body.type === `urn:exoarmur:error:${String(error.code)}` && body.title === error.code,
    `type ${String(body.type)}`,
  )
  check(body.instance === `urn:exoarmur:request:${String(error.request_id)}`, `instance ${String(body.instance)}`)
  if (status === 429 || status === 503) check(/^\d+$/.test(headers.get('retry-after') ?? ''), 'no Retry-After')
  if (status === 401) check((headers.get('www-authenticate') ?? '').startsWith('Bearer'), 'no WWW-Authenticate')
  if (status === 405) check((headers.get('allow') ?? '') !== '', 'no Allow')
  check(
    !/\bat [^\n]+:\d+:\d+|node_modules|select |insert into|\bpg_|Error:/.test(text),
    `tells of the inside: ${text.slice(0, 300)}`,
  )
  return faults
}

/** Asserts status, code and envelope; answers the envelope's inner object. */
export function expectRefusal(
  answer: RawAnswer,
  status: number,
  code: string,
): { details: Record<string, unknown>; gate: string | null } {
  const told = `${answer.status} ${answer.text.slice(0, 400)}`
  expect(envelopeFaults(answer), told).toEqual([])
  const { error } = JSON.parse(answer.text) as {
    error: { code: string; details: Record<string, unknown>; gate: string | null }
  }
  expect([answer.status, error.code], told).toEqual([status, code])
  return error
}
