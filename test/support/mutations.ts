/** Generates requests that are wrong in ways nobody listed: right ones, broken at random places, from one seed. */
import { Agent, request } from 'node:http'
import type { RawAnswer } from './envelope.ts'
import type { Random } from './random.ts'

export interface Shot {
  method: string
  path: string
  headers: Record<string, string>
  body: string | Uint8Array | null
  /** What was done to it, for the message of a failure. */
  done: string[]
}

const WORDS = [
  '',
  ' ',
  '0',
  'null',
  'true',
  '\0',
  '\ufeff',
  '\ud800',
  '\u{1f600}',
  'é',
  'ﷺ',
  '\u202e',
  '../..',
  '%00',
  '\r\n',
  '{}',
  '$1',
  "'",
  '"',
  '\\',
  '--',
]
const TOKENS = [
  't_system',
  't_other',
  'p_main',
  'op_0',
  'note.append',
  'policy.put',
  'running',
  'stopped',
  'approve',
  '__proto__',
  'constructor',
  'toString',
]

/** A value where another was expected. */
function strange(random: Random, depth = 0): unknown {
  const makers: (() => unknown)[] = [
    () => null,
    () => random.chance(0.5),
    () => random.pick([0, -0, -1, 1.5, 1e21, 2 ** 53, 2 ** 53 + 2, -(2 ** 60), 1e308, Number.MIN_VALUE]),
    () => random.pick(WORDS),
    () => random.pick(TOKENS),
    () => random.text('abc"\\/\u0001\u00e9\ud83d', random.below(40)),
    () => 'x'.repeat(random.pick([255, 501, 5_000, 70_000])),
    () => [],
    () => ({}),
    () => (depth > 4 ? [] : Array.from({ length: random.below(4) }, () => strange(random, depth + 1))),
    () =>
      depth > 4
        ? {}
        : Object.fromEntries(
            Array.from({ length: random.below(4) }, () => [
              random.pick([...WORDS, ...TOKENS]),
              strange(random, depth + 1),
            ]),
          ),
    () => nested(random.pick([9, 33, 65, 200])),
  ]
  return random.pick(makers)()
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

/** Puts something strange somewhere into a copy of the value, takes a member away, or adds one. */
function disturb(random: Random, value: unknown): unknown {
  const copy = structuredClone(value)
  const places: { holder: Record<string, unknown>; key: string }[] = []
  const walk = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    for (const key of Object.keys(node)) {
      places.push({ holder: node as Record<string, unknown>, key })
      walk((node as Record<string, unknown>)[key])
    }
  }
  walk(copy)
  if (places.length === 0 || random.chance(0.05)) return strange(random)
  const { holder, key } = random.pick(places)
  const how = random.below(10)
  if (how === 0) delete holder[key]
  else if (how === 1)
    Object.defineProperty(holder, random.pick([...WORDS, ...TOKENS, 'tenant_id', 'mode']), {
      value: strange(random),
      enumerable: true,
      configurable: true,
    })
  else holder[key] = strange(random)
  return copy
}

/** Damages a text that was JSON. */
function damage(random: Random, text: string): string | Uint8Array {
  const at = random.below(text.length + 1)
  const ways: (() => string | Uint8Array)[] = [
    () => text.slice(0, at),
    () =>
      text.slice(0, at) +
      random.pick([...WORDS, ',', '}', ']', '{', '"', ':', 'NaN', '-', '1e999', '\\u0000', '\\ud800']) +
      text.slice(at),
    () => text + text,
    () => text.replace('{', '{"action":"note.append",'),
    () => text.replace(/"([a-z_]+)":/, '"$1":1,"$1":'),
    () => text.replaceAll('"', "'"),
    () => `\ufeff${text}`,
    () => ' '.repeat(random.below(1_000)) + text,
    () => text.replace(/}$/, `,"more":${'9'.repeat(random.pick([16, 400]))}}`),
    () => text.replace(/}$/, `,"more":"${'\\u0000'.repeat(3)}"}`),
    () => text.replace(/}$/, ',"more":"\\ud83d"}'),
    () => '['.repeat(random.pick([100, 5_000, 120_000])),
    () => `{"a":`.repeat(2_000) + '1' + '}'.repeat(2_000),
    () => 'x'.repeat(random.pick([262_144, 262_145, 400_000])),
    () => {
      const bytes = new Uint8Array(Buffer.from(text))
      if (bytes.length > 0) bytes[random.below(bytes.length)] = random.pick([0x00, 0x80, 0xc0, 0xff, 0xed])
      return bytes
    },
  ]
  return random.pick(ways)()
}

const HEADERS = [
  'x-mode',
  'x-tenant-id',
  'x-project-id',
  'x-surface-id',
  'x-app-id',
  'x-request-id',
  'x-trace-id',
  'traceparent',
  'idempotency-key',
  'prefer',
  'content-type',
  'accept',
  'last-event-id',
  'x-env',
  'x-run-id',
  'x-step-id',
  'if-match',
]
const HEADER_VALUES = [
  '',
  ' ',
  'a',
  'LAB',
  'lab ',
  'saas',
  'enterprise,lab',
  't_demo',
  't_system',
  't_unknown',
  'T_DEMO',
  'p_main',
  's_main',
  'a_main',
  '../x',
  'wait=0',
  'wait=1',
  'wait=99999',
  'application/json',
  'application/json;charset=utf-8',
  'text/html',
  'multipart/form-data',
  '00-00000000000000000000000000000000-0000000000000000-00',
  'é',
  'x'.repeat(200),
  'x'.repeat(5_000),
  'key_1',
  "'; select 1",
  '%00',
  '*/*',
]
const SEGMENTS = [
  '..',
  '.',
  '',
  '%2e%2e',
  '%00',
  '%ff',
  '%2f',
  'a'.repeat(300),
  'op_absent',
  'receipt',
  'events',
  'é'.normalize('NFD'),
  '*',
  ':id',
  '{id}',
]
const QUERY = [
  // Few routes have one, and a cursor that is gone is to be met in every run.
  'cursor',
  'cursor',
  'cursor',
  'cursor',
  'after',
  'limit',
  'status',
  'action',
  'since',
  'notebook',
  'after',
  'follow',
  'leaf',
  'from',
  'to',
  'size',
  'kind',
  'scope',
  'tenant_id',
  'mode',
  'user_id',
  'request_id',
  'operation_id',
  'kpi',
  'surface_id',
  'window_days',
]
const QUERY_VALUES = [
  '',
  '0',
  '-1',
  '1',
  '200',
  '201',
  '1e3',
  '99999999999999999999',
  'abc',
  'MA.AAAAAAAAAAAAAAAAAAAAAA',
  '.',
  'false',
  'executed',
  '2020-01-01T00:00:00Z',
  '0000-00-00T00:00:00Z',
  '%00',
  '%ff',
  '%F0%9F%98%80',
  't_other',
  "'",
  'x'.repeat(600),
  '[]',
]

/** One to three random breaks of a right request. */
export function mutate(random: Random, right: Omit<Shot, 'done' | 'body'> & { body: unknown }): Shot {
  const shot: Shot = { ...right, headers: { ...right.headers }, body: null, done: [] }
  let value = right.body
  let text: string | Uint8Array | null = null
  for (let i = 1 + random.below(3); i > 0; i--) {
    const what = random.below(20)
    if (what < 9 && value !== undefined && text === null) {
      value = disturb(random, value)
      shot.done.push('value')
    } else if (what < 12 && value !== undefined && text === null) {
      text = damage(random, JSON.stringify(value) ?? '')
      shot.done.push('text')
    } else if (what < 15) {
      const name = random.pick(HEADERS)
      const changed = random.pick(HEADER_VALUES)
      if (random.chance(0.2)) delete shot.headers[name]
      else
        shot.headers[name] = Buffer.from(changed)
          .toString('latin1')
          .replaceAll(/[^\x20-\x7e\x80-\xff]/g, '')
      shot.done.push(`${name}: ${changed.slice(0, 20)}`)
    } else if (what < 18) {
      const mark = shot.path.includes('?') ? '&' : '?'
      shot.path += `${mark}${random.pick(QUERY)}=${random.pick(QUERY_VALUES)}`
      shot.done.push('query')
    } else if (what < 19) {
      const [path = '', query] = shot.path.split('?', 2)
      const parts = path.split('/')
      parts[random.below(parts.length)] = random.pick(SEGMENTS)
      const joined = parts.map((part) => encodeURI(part).replaceAll('%25', '%')).join('/')
      shot.path = (joined.startsWith('/') ? joined : `/${joined}`) + (query === undefined ? '' : `?${query}`)
      shot.done.push('path')
    } else {
      shot.method = random.pick(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      shot.done.push(shot.method)
    }
  }
  shot.body = text ?? (value === undefined ? null : (JSON.stringify(value) ?? null))
  return shot
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Sends it byte by byte as it is; a stream is hung up on once its head has come. */
export function fire(url: string, shot: Shot): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const body = shot.method === 'GET' || shot.method === 'HEAD' ? null : shot.body
  // Node sends no length of its own with a method that seldom has a body.
  const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        hostname,
        port,
        method: shot.method,
        path: shot.path,
        headers: { ...shot.headers, ...length },
        agent,
        timeout: 30_000,
      },
      (got) => {
        const headers = new Headers()
        for (const [name, value] of Object.entries(got.headers))
          if (value !== undefined) headers.set(name, String(value))
        const chunks: Buffer[] = []
        const done = () => resolve({ status: got.statusCode ?? 0, headers, text: Buffer.concat(chunks).toString() })
        if (/event-stream/.test(headers.get('content-type') ?? '') && !/follow=false/.test(shot.path)) {
          got.destroy()
          done()
          return
        }
        got.on('data', (chunk: Buffer) => chunks.push(chunk))
        got.once('end', done)
        got.once('error', reject)
      },
    )
    sent.once('timeout', () => sent.destroy(new Error('no answer within 30 s')))
    sent.once('error', reject)
    if (body !== null) sent.end(body)
    else sent.end()
  })
}
