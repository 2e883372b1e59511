/** Paths that look like the router's own patterns are paths. */
import { expect, test } from 'vitest'
import { makeApi } from '../../api/app.ts'

test('a path with a star passes each middleware once', async () => {
  const silent = () => undefined
  const api = makeApi({
    addressLimit: 10,
    log: { error: silent },
    records: { now: async () => '', leaf: silent },
  } as never)
  for (const path of ['/*', '/operations/*', '/operations/:id', '/x']) {
    const answer = await api.app.fetch(new Request(`http://localhost${path}`))
    const { error } = (await answer.json()) as { error: { request_id: string } }
    expect([path, error.request_id]).toEqual([path, answer.headers.get('x-request-id')])
  }
  await api.close()
})
