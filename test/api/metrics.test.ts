/** Answers are counted under the route that was asked for, whoever refused: the pattern, and never the path. */
import { expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'

const { url, credentials } = inject('deployment')
const all = callers(url, credentials)
const owner = all.as('t_demo', 'owner')

/** How often each route was answered with each status. */
async function counted(): Promise<Map<string, number>> {
  const { body } = await all.nobody.get<string>('/metrics')
  const lines = body.matchAll(/^exo_http_requests_total\{method="(\w+)",route="([^"]*)",status="(\d+)"\} (\d+)$/gm)
  return new Map([...lines].map(([, method, route, status, count]) => [`${method} ${route} ${status}`, Number(count)]))
}

const NO_MODE = { headers: { 'x-mode': undefined } }
const TEXT = { raw: 'x', headers: { 'content-type': 'text/plain' } }
const NOWHERE = { headers: { 'x-project-id': 'p_nowhere_at_all' } }

const ASKED: [string, () => Promise<{ status: number }>][] = [
  ['GET /operations/:id 404', () => owner.get(`/operations/op_${'0'.repeat(32)}`)],
  ['GET /operations/:id 401', () => all.nobody.get('/operations/op_1')],
  ['GET /operations/:id 400', () => owner.get('/operations/op_1', NO_MODE)],
  ['GET /operations/:id 404', () => owner.get('/operations/op_1', NOWHERE)],
  ['POST /operations 415', () => owner.post('/operations', undefined, TEXT)],
  ['POST /operations 400', () => owner.post('/operations', {})],
  ['HEAD /kill-switches/drain 401', () => fetch(`${url}/kill-switches/drain`, { method: 'HEAD' })],
  ['GET /config/effective 401', () => all.nobody.get('/config/effective')],
  ['GET /config/:scope 400', () => owner.get('/config/nobody')],
  ['GET / 302', () => fetch(url, { redirect: 'manual' })],
  ['GET unknown 404', () => owner.get('/nowhere')],
  ['GET unknown 404', () => owner.get('/policy/')],
  ['GET unknown 401', () => all.nobody.get('/nowhere')],
  ['DELETE unknown 405', () => owner.call('DELETE', '/operations')],
]

test('counts an answer under the route that was asked for, and as unknown where there is none', async () => {
  for (const [label, ask] of ASKED) {
    const before = await counted()
    const { status } = await ask()
    const after = await counted()
    const grown = [...after].filter(([key, count]) => count > (before.get(key) ?? 0)).map(([key]) => key)
    // The question itself is an answer too.
    expect([status, grown.filter((key) => key !== 'GET /metrics 200')]).toEqual([Number(label.slice(-3)), [label]])
  }
  expect([...(await counted()).keys()].filter((key) => key.includes('/*') || key.includes('op_'))).toEqual([])
})
