/**
 * The one door to the API: adds credential and context to every call, follows no redirect, and turns every answer that
 * is not a success into a {@link Failure}.
 */
import { randomUUID } from 'node:crypto'
import type { Connection } from './connection.ts'
import { fromEnvelope, unreachable } from './failure.ts'
import { visible } from './render.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  body?: Json
  query?: Record<string, string | undefined>
  headers?: Record<string, string>
  /** `Prefer: wait`; the call's own deadline is longer by itself. */
  waitSeconds?: number
  signal?: AbortSignal
}

export interface Answer {
  status: number
  headers: Headers
  body: JsonObject
}

const PATIENCE_MS = 30_000

/** A client that calls as nobody: what everybody may read takes no credential, and is shown none. */
export function anonymousClient(url: string): Client {
  const nowhere = { as: null, platform: null, mode: '', tenant: null, project: null, surface: null, app: null }
  return new Client({ ...nowhere, url, token: null })
}

export class Client {
  readonly connection: Connection
  /** How far the API's clock is ahead of ours, in milliseconds, by the last answer. */
  #aheadMs = 0
  #me: Promise<JsonObject> | null = null
  constructor(connection: Connection) {
    this.connection = connection
  }

  /** Now, by the clock of the API. */
  nowMs(): number {
    return Date.now() + this.#aheadMs
  }

  /** Who the credential is, asked once. */
  me(): Promise<JsonObject> {
    this.#me ??= this.#send('/auth/me', {}, {}).then(async (response) => (await jsonOf(response)).body)
    return this.#me
  }

  async call(path: string, call: Call = {}): Promise<Answer> {
    return await jsonOf(await this.raw(path, call))
  }

  async get(path: string, query: NonNullable<Call['query']> = {}): Promise<JsonObject> {
    return (await this.call(path, { query })).body
  }

  /** Every item of a list, page by page. */
  async all(path: string, query: NonNullable<Call['query']> = {}): Promise<JsonObject[]> {
    const items: JsonObject[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await this.get(path, { ...query, cursor })
      items.push(...(page.items as JsonObject[]))
      if (typeof page.next_cursor !== 'string') return items
      cursor = page.next_cursor
    }
  }

  /** The answer itself, for bytes and streams. Failures are thrown all the same. */
  async raw(path: string, call: Call): Promise<Response> {
    const response = await this.#send(path, call, this.connection.token === null ? {} : await this.#context())
    if (response.ok) return response
    const text = await response.text()
    const failure = fromEnvelope(parse(text))
    if (failure !== null) throw failure
    const kind = response.headers.get('content-type') ?? 'unnamed'
    throw unreachable(
      `${this.connection.url} answered ${response.status} with a body (${visible(kind)}) that is not ExoArmur's.`,
      {
        remedy: 'Check EXO_URL: something else answers there.',
      },
    )
  }

  /** A platform credential names neither tenant nor project; of others the project is due. */
  async #context(): Promise<Record<string, string>> {
    const { platform, mode, tenant, project, surface, app } = this.connection
    const isPlatform = platform ?? (project === null && (await this.me()).platform_role !== null)
    return {
      'X-Mode': mode,
      ...(isPlatform ? {} : { 'X-Project-Id': project ?? 'p_main' }),
      ...(isPlatform || tenant === null ? {} : { 'X-Tenant-Id': tenant }),
      ...(surface === null ? {} : { 'X-Surface-Id': surface }),
      ...(app === null ? {} : { 'X-App-Id': app }),
    }
  }

  async #send(path: string, call: Call, context: Record<string, string>): Promise<Response> {
    const { url, token } = this.connection
    const target = new URL(`${url}${path}`)
    for (const [name, value] of Object.entries(call.query ?? {}))
      if (value !== undefined) target.searchParams.set(name, value)
    const requestId = `cli_${randomUUID()}`
    const deadline = AbortSignal.timeout(PATIENCE_MS + (call.waitSeconds ?? 0) * 1000)
    try {
      const response = await fetch(target, {
        method: call.method ?? 'GET',
        redirect: 'error',
        signal: call.signal ?? deadline,
        headers: {
          ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
          'X-Request-Id': requestId,
          ...context,
          ...(call.waitSeconds === undefined ? {} : { Prefer: `wait=${call.waitSeconds}` }),
          ...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...call.headers,
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      })
      const date = Date.parse(response.headers.get('date') ?? '')
      if (!Number.isNaN(date)) this.#aheadMs = date - Date.now()
      return response
    } catch (cause) {
      if (call.signal?.aborted) throw cause
      throw unreachable(`${url} does not answer: ${reasonOf(cause)}.`, {
        cause,
        requestId,
        remedy: 'Is it running (exo up, exo doctor), and is this the address (EXO_URL, EXO_HOME)?',
      })
    }
  }
}

async function jsonOf(response: Response): Promise<Answer> {
  const text = await response.text()
  const body = parse(text)
  if (!response.ok) {
    const failure = fromEnvelope(body)
    if (failure !== null) throw failure
  }
  if (typeof body !== 'object' || body === null)
    throw unreachable(`the answer to ${response.url} is not JSON.`, {
      remedy: 'Check EXO_URL: something else answers there.',
    })
  return { status: response.status, headers: response.headers, body: body as JsonObject }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Codes of a connection that was never made. */
const NOT_CONNECTED: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

/** Whether a call failed before any of it was sent. */
export function isNotConnected(error: unknown): boolean {
  const { code } = (error as { cause?: { code?: string } } | undefined)?.cause ?? {}
  return code !== undefined && NOT_CONNECTED.includes(code)
}

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  if ((error as Error).name === 'TimeoutError') return 'no answer in time'
  return cause?.code ?? cause?.message ?? (error as Error).message
}
