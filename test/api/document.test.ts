/** The OpenAPI document says everything about every route: what may be sent, with an example, and each answer's shape. */
import { expect, inject, test } from 'vitest'
import { ANSWERS } from '../../api/answers.ts'
import { makeApi } from '../../api/app.ts'
import { CONSOLE_FILES, CONSOLE_PAGE } from '../../api/console-files.ts'
import { ERRORS } from '../../domain/errors.ts'
import { callers } from '../support/client.ts'

const { url, credentials } = inject('deployment')
const { body: document } = await callers(url, credentials).nobody.get('/openapi.json')

interface Described {
  responses: Record<
    string,
    { description: string; content: Record<string, { schema: object }>; headers?: Record<string, object> }
  >
  parameters?: { name: string; in: string; required?: boolean }[]
  requestBody?: { content: Record<string, { schema: object; example?: object }> }
  security?: object[]
}
const described = Object.entries(document.paths as Record<string, Record<string, Described>>).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, about]) => ({ name: `${method} ${path}`, about })),
)

/** Files that a page loads, which nobody asks for by itself. */
const PARTS_OF_PAGE = Object.keys(CONSOLE_FILES)
  .filter((path) => path !== CONSOLE_PAGE)
  .map((path) => `get ${path}`)

test('describes every route of the router, and the table of answers has every one', () => {
  const routes = makeApi({} as never).app.routes.filter(({ method }) => method !== 'ALL')
  const names = routes
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    .filter((name) => !PARTS_OF_PAGE.includes(name))
    .sort()
  expect(described.map(({ name }) => name).sort()).toEqual(names)
  expect(names.filter((name) => ANSWERS[name] === undefined)).toEqual([])
})

test('tells every status of the error table, with the envelope, wherever it can be met', () => {
  const statuses = [...new Set(Object.values(ERRORS).map(({ status }) => String(status)))].sort()
  for (const { name, about } of described) {
    if (about.security === undefined) continue
    expect(
      statuses.filter((status) => about.responses[status] === undefined),
      name,
    ).toEqual([])
    for (const status of statuses)
      expect(Object.keys(about.responses[status]?.content ?? {}), `${name} ${status}`).toEqual([
        'application/problem+json',
      ])
  }
})

test('has an example for every body', () => {
  const bodies = described.filter(({ about }) => about.requestBody !== undefined)
  expect(bodies.length).toBeGreaterThan(20)
  const without = bodies.filter(({ about }) => about.requestBody?.content['application/json']?.example === undefined)
  expect(without.map(({ name }) => name)).toEqual([])
})

test('names the context that every authenticated route reads', () => {
  for (const { name, about } of described) {
    const headers = (about.parameters ?? []).filter((each) => each.in === 'header').map((each) => each.name)
    const due = about.security !== undefined && name !== 'get /auth/me'
    expect([name, headers.includes('X-Mode')]).toEqual([name, due])
  }
})

/** Headers a route reads, or one of its answers carries, that not every route does. */
const sentWith = (name: string, status: number): string[] => {
  const { about } = described.find((each) => each.name === name) ?? {}
  return Object.keys(about?.responses[status]?.headers ?? {}).filter((each) => each !== 'X-Request-Id')
}
const readBy = (name: string): string[] =>
  (described.find((each) => each.name === name)?.about.parameters ?? [])
    .filter((each) => each.in === 'header')
    .map((each) => (each.required === true ? `${each.name}, due` : each.name))

test('names the headers that a route reads beside the context', () => {
  const context = readBy('get /policy')
  expect(context).toContain('traceparent')
  const more = (name: string) => readBy(name).filter((each) => !context.includes(each))
  expect(more('put /config/{scope}')).toEqual(['If-Match, due'])
  expect(more('get /events')).toEqual(['Last-Event-ID'])
  expect(more('get /operations/{id}/events')).toEqual(['Last-Event-ID'])
  expect(more('post /budget/usage')).toEqual(['Idempotency-Key'])
  for (const name of ['put /kill-switches', 'post /privacy/train-prefs/tenant', 'post /operations', 'put /policy'])
    expect([name, more(name)]).toEqual([name, ['Idempotency-Key', 'Prefer']])
})

test('names the headers that an answer carries, which are the ones that are sent', async () => {
  const all = callers(url, credentials)
  const told = (answer: { headers: Headers }) =>
    ['Idempotency-Key', 'Idempotency-Replayed', 'Location', 'Retry-After', 'ETag', 'Allow', 'WWW-Authenticate'].filter(
      (name) => answer.headers.get(name) !== null,
    )
  const resume = { scope: 'tenant', state: 'running', reason: 'for its headers' }
  const owner = all.as('t_other', 'owner')
  const first = await owner.put('/kill-switches', resume, { key: 'headers', headers: { prefer: 'wait=30' } })
  const again = await owner.put('/kill-switches', resume, { key: 'headers' })
  expect([first.status, again.status, again.body.id]).toEqual([202, 202, first.body.id])
  await owner.post(`/operations/${first.body.id}/cancel`, { reason: 'seen enough' })
  expect(told(first)).toEqual(['Idempotency-Key', 'Location'])
  expect(told(again)).toEqual(['Idempotency-Key', 'Idempotency-Replayed', 'Location'])
  expect(sentWith('put /kill-switches', 202)).toEqual(['Idempotency-Key', 'Idempotency-Replayed', 'Location'])

  const scope = await owner.get('/config/tenant')
  expect([told(scope), sentWith('get /config/{scope}', 200)]).toEqual([['ETag'], ['ETag']])
  const effective = await owner.get('/config/effective')
  expect([told(effective), sentWith('get /config/effective', 200)]).toEqual([['ETag'], ['ETag']])
  expect(sentWith('put /config/{scope}', 200)).toEqual(['ETag'])
  expect(sentWith('get /operations/{id}/bundle', 202)).toEqual(['Retry-After'])
  expect(sentWith('post /operations/{id}/cancel', 202)).toEqual([])
  expect(sentWith('get /console', 302)).toEqual(['Location'])

  const nobody = await all.nobody.get('/policy')
  expect([told(nobody), sentWith('get /policy', 401)]).toEqual([['WWW-Authenticate'], ['WWW-Authenticate']])
  const wrong = await owner.call('DELETE', '/policy')
  expect([told(wrong), sentWith('get /policy', 405)]).toEqual([['Allow'], ['Allow']])
  for (const status of [429, 503]) expect(sentWith('get /policy', status)).toEqual(['Retry-After'])
})

test('the page tells each route once, in sentences, with its kind', async () => {
  const { body: page } = await callers(url, credentials).nobody.get<string>('/docs')
  const rows = [...page.matchAll(/<tr><td>.*?<\/tr>/g)].map(([row]) => row.replaceAll(/(<[^>]+>)+/g, '|'))
  expect(rows.length).toBe(described.length)
  expect(rows).toContain('|POST|/apps|Register an app, or one that was ended anew|record|')
  expect(rows).toContain('|DELETE|/apps/{id}|End an app: requests that name it are refused from then on|record|')
  expect(rows).toContain('|GET|/console/keys|Operators&#39; own keys, for people|open|')
  expect(rows.filter((row) => /\ba [aeio]|Kind|\.js\||\.css\|/.test(row))).toEqual([])
})
