/** A caller of the API for tests and benches: a bearer, the context headers, JSON in and out. */
import type { JsonObject } from '../../domain/canonical.ts'
import type { Credentials } from '../../bin/bootstrap.ts'

export interface Answer<Body = JsonObject> {
  status: number
  headers: Headers
  body: Body
}

export interface CallOptions {
  headers?: Record<string, string | undefined>
  key?: string
  /** Sent as it is, instead of JSON. */
  raw?: string | Uint8Array
}

/** The two halves of an API key. A secret has underscores of its own: about half of them end early where a key is split at them. */
export function keyParts(token: string | null): { id: string; secret: string } {
  const [, id, secret] = /^exo_([a-z0-9]+)_([A-Za-z0-9_-]{43})$/.exec(token ?? '') ?? []
  if (id === undefined || secret === undefined) throw new Error('this is no API key')
  return { id, secret }
}

export class Caller {
  readonly url: string
  readonly token: string | null
  readonly platform: boolean
  constructor(url: string, token: string | null, platform = false) {
    this.url = url
    this.token = token
    this.platform = platform
  }

  /** The headers of every request of this caller. */
  get context(): Record<string, string> {
    return {
      ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
      'x-mode': 'lab',
      ...(this.platform ? {} : { 'x-project-id': 'p_main' }),
    }
  }

  async call<Body = any>(
    method: string,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Answer<Body>> {
    const headers: Record<string, string> = {}
    const given: Record<string, string | undefined> = {
      ...this.context,
      'content-type': body === undefined && options.raw === undefined ? undefined : 'application/json',
      'idempotency-key': options.key,
      ...options.headers,
    }
    for (const [name, value] of Object.entries(given)) if (value !== undefined) headers[name] = value
    const sent = options.raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(sent === undefined ? {} : { body: sent as string }),
    })
    const text = await response.text()
    const json = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : text) as Body }
  }

  get = <Body = any>(path: string, options?: CallOptions) => this.call<Body>('GET', path, undefined, options)
  post = <Body = any>(path: string, body: unknown, options?: CallOptions) =>
    this.call<Body>('POST', path, body, options)
  put = <Body = any>(path: string, body: unknown, options?: CallOptions) => this.call<Body>('PUT', path, body, options)
}

/** Callers by name: `as('t_demo', 'agent')`, `platform`, `platform2`. */
export function callers(url: string, credentials: Credentials) {
  return {
    as(tenant: string, name: string): Caller {
      const token = credentials.tenants.find((each) => each.id === tenant)?.keys[name]
      if (token === undefined) throw new Error(`no credential ${tenant}/${name}`)
      return new Caller(url, token)
    },
    platform: new Caller(url, credentials.platform_operator, true),
    platform2: new Caller(url, credentials.platform_operator2, true),
    nobody: new Caller(url, null),
  }
}

/** Votes yes by one after the other, as many as it asks for; answers the last. */
export async function approveAll(
  voters: readonly Caller[],
  operation: { id: string; intent_hash: string; approval: { quorum: number } },
) {
  let last = null
  for (const voter of voters.slice(0, operation.approval.quorum)) last = await approve(voter, operation)
  if (last === null) throw new Error(`${operation.id} asks nobody who is there`)
  return last
}

/** Votes yes on an operation that waits. */
export async function approve(voter: Caller, operation: { id: string; intent_hash: string }, reason = 'looked at it') {
  return await voter.post(`/operations/${operation.id}/decisions`, {
    decision: 'approve',
    intent_hash: operation.intent_hash,
    reason,
  })
}
