/** A backend that hangs: callers are answered in time, a stop still works, nothing is lost once it heals. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../bin/deployment.ts'
import { callers } from '../support/client.ts'
import { hang } from '../support/hang.ts'
import { openGlobal, openTenant, standingNotes } from '../support/opening.ts'
import { until } from '../support/until.ts'

let home: string
let deployment: Deployment
let all: ReturnType<typeof callers>

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'exo-hung-'))
  await chmod(home, 0o711)
  deployment = await startDeployment({ home, port: 0, headless: true, progress: () => undefined })
  all = callers(deployment.url, deployment.credentials)
  await openGlobal(all)
  await openTenant(all, 't_demo', standingNotes('t_demo'))
}, 60_000)
afterAll(async () => {
  await deployment?.stop()
  await rm(home, { recursive: true, force: true })
})

const append = (text: string) => ({ action: 'note.append', input: { notebook: 'hung', text } })

async function whileHung<T>(name: 'postgres' | 'temporal', work: () => Promise<T>): Promise<T> {
  const pid = deployment.stack.parts().find((part) => part.name === name)?.pid
  if (pid == null) throw new Error(`${name} has no process`)
  const goOn = hang(pid)
  try {
    return await work()
  } finally {
    goOn()
  }
}

describe('while Temporal hangs', () => {
  it('answers a mutation with 503 within 15 s, and its key finds the operation executed afterwards', async () => {
    const agent = all.as('t_demo', 'agent')
    const startedAt = performance.now()
    const answer = await whileHung('temporal', () => agent.post('/operations', append('hung'), { key: 'hung-1' }))
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect([answer.status, answer.body.error.code]).toEqual([503, 'backend.unavailable'])
    const found = await until(
      'the operation is executed after all',
      async () => {
        const again = await agent.post('/operations', append('hung'), { key: 'hung-1' })
        return again.body.status === 'executed' ? again : null
      },
      { withinMs: 60_000 },
    )
    expect(found.headers.get('idempotency-replayed')).toBe('true')
    const { body } = await agent.get('/notes?notebook=hung')
    expect(body.items.map((note: { text: string }) => note.text)).toEqual(['hung'])
  })

  it('still stops', async () => {
    const operator = all.as('t_demo', 'operator')
    const stopped = await whileHung('temporal', () =>
      operator.put('/kill-switches', { scope: 'tenant', state: 'stopped', reason: 'drill' }),
    )
    expect([stopped.status, stopped.body.drain.state]).toEqual([200, 'drained'])
    expect((await all.nobody.get('/readyz?for=stop')).status).toBe(200)
  })
})

describe('while PostgreSQL hangs', () => {
  it('answers a mutation with 503 within 15 s and heals', async () => {
    const agent = all.as('t_demo', 'agent')
    const startedAt = performance.now()
    const answer = await whileHung('postgres', () => agent.post('/operations', append('no'), { key: 'hung-2' }))
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect([answer.status, answer.body.error.code]).toEqual([503, 'backend.unavailable'])
    await until('it is ready again', async () => ((await all.nobody.get('/readyz')).status === 200 ? true : null), {
      withinMs: 60_000,
    })
  })
})
