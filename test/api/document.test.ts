/** The OpenAPI document says everything about every route: what may be sent, with an example, and each answer's shape. */
import { expect, inject, test } from 'vitest'
import { ANSWERS } from '../../api/answers.ts'
import { makeApi } from '../../api/app.ts'
import { ERRORS } from '../../domain/errors.ts'
import { callers } from '../support/client.ts'

const { url, credentials } = inject('deployment')
const { body: document } = await callers(url, credentials).nobody.get('/openapi.json')

interface Described {
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: object; example?: object }> }
  security?: object[]
}
const described = Object.entries(document.paths as Record<string, Record<string, Described>>).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, about]) => ({ name: `${method} ${path}`, about })),
)

test('describes every route of the router, and the table of answers has every one', () => {
  const routes = makeApi({} as never).app.routes.filter(({ method }) => method !== 'ALL')
  const names = routes.map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`).sort()
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
