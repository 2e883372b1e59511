/** Effects that leave the database: objects and HTTP targets, what they answer, what nobody knows, and how people settle it. */
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { notRequired, RUNNING } from '../support/opening.ts'
import { Receiver } from '../support/receiver.ts'
import { leaseIsOver, openTemporal, reconcileNow } from '../support/temporal.ts'
import {
  endedOf,
  makeTenant,
  type Operation,
  refused,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
let tenant: Tenant
let temporal: { client: Client; close(): Promise<void> }
let keyed: Receiver
let blind: Receiver

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'outside')
  await tenant.open({ ...UNLIMITED, not_required: notRequired('reversible', 'contained', 'irreversible') })
  temporal = await openTemporal(addresses.temporal)
  keyed = await Receiver.start()
  blind = await Receiver.start()
  await tenant.policy({
    egress: [
      { origin: keyed.origin, methods: ['POST'], idempotency_header: 'Idempotency-Key' },
      { origin: blind.origin, methods: ['POST'], idempotency_header: null },
    ],
  })
})
afterAll(async () => {
  await owner.end()
  await temporal?.close()
  await keyed?.stop()
  await blind?.stop()
})

const put = async (name: string, text: string) =>
  await tenant.as('owner').post<Operation>('/operations', { action: 'object.put', input: { name, text } })
const post = async (target: string, body: JsonObject = { order: 17 }, more: JsonObject = {}) =>
  await tenant
    .as('owner')
    .post<Operation>('/operations', { action: 'http.post', target, input: { body }, estimated_cost: '2', ...more })
/** Two people say yes; the answer is the operation's end. */
const approved = async (asked: Operation, ...voters: ('operator' | 'operator2')[]) => {
  for (const voter of voters) await vote(tenant.as(voter), asked)
  return await tenant.ended(asked.id, 60_000)
}
const posted = async (target: string, body?: JsonObject) => {
  const { status, body: asked } = await post(target, body)
  expect(status).toBe(202)
  return await approved(asked, 'operator', 'operator2')
}
const held = async (id: string) =>
  (
    await owner.within<{ state: string }>(tenant.id, 'select state from budget_entries where operation_id = $1', [id])
  )[0]?.state

describe('object.put', () => {
  test('puts the text under its name once it is approved, and nothing before', async () => {
    const { body: asked } = await put('report.txt', 'All is well.')
    expect(asked.status).toBe('pending_approval')
    expect((await tenant.as('viewer').get('/objects/report.txt')).status).toBe(404)
    const done = await approved(asked, 'operator')
    expect(done).toMatchObject({
      status: 'executed',
      effect: { kind: 'conditional', state: 'committed', attempts: 1, result: { size: 12 } },
    })
    const response = await fetch(`${url}/objects/report.txt`, {
      headers: { authorization: `Bearer ${tenant.as('viewer').token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
    })
    expect([response.status, await response.text()]).toEqual([200, 'All is well.'])
  })

  test('is shown and put where its text is cut within a character', async () => {
    const text = `${'x'.repeat(3_999)}😀y`
    const asked = (await put('cut.txt', text)).body
    expect(await tenant.operation(asked.id)).toMatchObject({ status: 'pending_approval' })
    expect(await approved(asked, 'operator')).toMatchObject({ status: 'executed' })
  })

  test('leaves other bytes under the name alone, and finds its own done already', async () => {
    const other = await approved((await put('report.txt', 'All is lost.')).body, 'operator')
    expect(other).toMatchObject({ status: 'failed', error: { code: 'effect.precondition_failed' } })
    const same = await approved((await put('report.txt', 'All is well.')).body, 'operator')
    expect(same.status).toBe('executed')
  })

  test.each(['../up', 'a/b', '', '.hidden', 'a\u0000b', 'ü'.repeat(3), 'x'.repeat(129)])(
    'refuses the name %j',
    async (name) => {
      expect(refused(await put(name, 'x'))).toEqual([400, 'validation.error'])
    },
  )

  test('of sixteen at once under one name one wins, and the others fail', async () => {
    const asked = await Promise.all(Array.from({ length: 16 }, (_, i) => put('crowd', `text ${i}`)))
    const ends = await Promise.all(asked.map(({ body }) => approved(body, 'operator')))
    expect(ends.map((each) => each.status).sort()).toEqual(['executed', ...Array(15).fill('failed')])
  })

  test('is not another tenant’s to read', async () => {
    const other = await makeTenant(callers(url, credentials), url, 'outside2')
    expect((await other.as('viewer').get('/objects/report.txt')).status).toBe(404)
  })
})

describe('http.post to a target that keeps keys', () => {
  test('sends what was approved, under the effect key and the operation’s id', async () => {
    const done = await posted(`${keyed.origin}/ok`, { b: 1, a: 'ü' })
    expect(done).toMatchObject({
      status: 'executed',
      effect: { kind: 'keyed', state: 'committed', attempts: 1, result: { status: 200 } },
    })
    const [request] = keyed.at('/ok')
    expect(request?.body).toBe('{"a":"ü","b":1}')
    expect(request?.headers).toMatchObject({
      'x-exo-operation-id': done.id,
      'idempotency-key': done.effect?.key,
      'content-type': 'application/json',
    })
    expect(request?.headers).not.toHaveProperty('authorization')
    expect(await held(done.id)).toBe('settled')
  })

  test('sends a body nested as deep as a request may be, and refuses one deeper', async () => {
    const nested = (levels: number) => JSON.parse(`${'{"d":'.repeat(levels)}1${'}'.repeat(levels)}`) as JsonObject
    const asked = await post(`${keyed.origin}/deep`, nested(46))
    expect(asked.status).toBe(202)
    expect((await approved(asked.body, 'operator', 'operator2')).status).toBe('executed')
    expect(refused(await post(`${keyed.origin}/deeper`, nested(47)))).toEqual([400, 'validation.error'])
  })

  test('asks again under the same key until there is an answer', async () => {
    const done = await posted(`${keyed.origin}/flaky/3`)
    expect(done).toMatchObject({ status: 'executed', effect: { attempts: 3 } })
    expect(new Set(keyed.at('/flaky/3').map(({ headers }) => headers['idempotency-key']))).toEqual(
      new Set([done.effect?.key]),
    )
  })

  /** Another worker makes the last try, by its row for so long; the rows that end as `when` says. */
  const whileAnotherTries = async (path: string, lease: string, when: string) => {
    const { body: asked } = await post(`${keyed.origin}${path}`)
    const done = approved(asked, 'operator', 'operator2')
    await until('the first try is made', () => keyed.at(path).length > 0)
    await owner.within(
      tenant.id,
      'update claims set attempts = 5, lease_until = clock_timestamp() + $2::interval where operation_id = $1',
      [asked.id, lease],
    )
    expect(await done).toMatchObject({ status: 'unknown', effect: { attempts: 5 } })
    expect(keyed.at(path)).toHaveLength(1)
    return await owner.within(tenant.id, `select from claims where operation_id = $1 and ${when}`, [asked.id])
  }

  test('what another worker is trying is waited for, as long as its lease says', async () => {
    expect(await whileAnotherTries('/status/500', '4 seconds', 'outcome_at >= lease_until')).toHaveLength(1)
  })

  test('of a lease that a moved clock made longer, only what a lease takes is waited for', async () => {
    const early = `outcome_at < lease_until - interval '30 seconds'`
    expect(await whileAnotherTries('/status/500?moved', '50 seconds', early)).toHaveLength(1)
  })

  test('no end without it is recorded once it is claimed, whoever decided on one before', async () => {
    const { body: asked } = await post(`${keyed.origin}/flaky/3?end`)
    const done = approved(asked, 'operator', 'operator2')
    await until('the try is under way', () => keyed.at('/flaky/3?end').length > 0)
    const end = { status: 'failed', claim: null, leaves: [], jws: 'none', passes: [], approval: {}, error: null }
    const document = { tenant_id: tenant.id, operation_id: asked.id, preview: null, cost: '0', ...end }
    await expect(owner.within(tenant.id, 'select end_operation($1)', [JSON.stringify(document)])).rejects.toMatchObject(
      {
        code: 'EXO06',
      },
    )
    expect(await done).toMatchObject({ status: 'executed', effect: { state: 'committed' } })
    expect(await held(asked.id)).toBe('settled')
  })

  test('uses a key no more when the target may have forgotten it', async () => {
    const { body: asked } = await post(`${keyed.origin}/hang`)
    for (const voter of ['operator', 'operator2'] as const) void vote(tenant.as(voter), asked)
    await until('it was sent', () => keyed.at('/hang').length > 0)
    await owner.within(
      tenant.id,
      `update claims set claimed_at = claimed_at - interval '1 hour' where operation_id = $1`,
      [asked.id],
    )
    expect(await tenant.ended(asked.id, 60_000)).toMatchObject({
      status: 'unknown',
      error: { details: { reason: 'the key may be forgotten' } },
    })
    expect(keyed.at('/hang')).toHaveLength(1)
  })

  test('a refusal is final, and gives the money back', async () => {
    const done = await posted(`${keyed.origin}/status/422`)
    expect(done).toMatchObject({ status: 'failed', error: { code: 'effect.failed', details: { status: 422 } } })
    expect(keyed.at('/status/422')).toHaveLength(1)
    expect(await held(done.id)).toBe('released')
  })

  test('a refusal after a try that may have been applied leaves it unknown, and the money held', async () => {
    const done = await posted(`${keyed.origin}/flaky/2/401`)
    expect(done).toMatchObject({ status: 'unknown', effect: { attempts: 5 } })
    expect(await held(done.id)).toBe('reserved')
  })
})

describe('http.post to a target without keys', () => {
  test.each(['/status/500', '/reset', '/hang', '/redirect', '/status/429'])(
    'is told once, and %s leaves it unknown',
    async (path) => {
      const done = await posted(`${blind.origin}${path}`)
      expect(done).toMatchObject({
        status: 'unknown',
        effect: { kind: 'blind', state: 'unknown', attempts: 1 },
        error: { code: 'effect.unknown', http_status: 504 },
      })
      expect(blind.at(path)).toHaveLength(1)
      expect(await held(done.id)).toBe('reserved')
      const leaves = await tenant.leavesUpTo(done.id, 'operation.closed')
      expect(leaves.filter(({ kind }) => kind === 'alarm')).toMatchObject([{ code: 'effect.unknown' }])
    },
  )

  test('follows no redirect', () => {
    expect(blind.at('/ok')).toHaveLength(0)
  })

  test('reads an answer without end only so far', async () => {
    const { status, effect } = await posted(`${blind.origin}/large`)
    expect([status, effect?.result]).toEqual(['executed', { status: 200, body_sha256: null }])
  })
})

/** Its bundle holds parts of two runs, and no verifier passes that. */
let reset = ''

describe.concurrent('a run that is broken into', () => {
  const underWay = async (path: string) => {
    const { body: asked } = await post(`${keyed.origin}${path}`)
    for (const voter of ['operator', 'operator2'] as const) void vote(tenant.as(voter), asked)
    await until('the effect is under way', () => keyed.at(path).length > 0)
    return { id: asked.id, run: temporal.client.workflow.getHandle(`${tenant.id}/${asked.id}`) }
  }

  test('while its effect is under way, and reset, ends as the effect did', async () => {
    const { id, run } = await underWay('/flaky/4')
    reset = id
    await temporal.client.workflowService.resetWorkflowExecution({
      namespace: temporal.client.options.namespace,
      workflowExecution: { workflowId: run.workflowId },
      reason: 'a test',
      workflowTaskFinishEventId: 4 as never,
      requestId: 'reset-under-way',
    })
    expect(await tenant.ended(id, 60_000)).toMatchObject({ status: 'executed', effect: { state: 'committed' } })
    expect(new Set(keyed.at('/flaky/4').map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  test('while its effect is under way, and deleted, is started again and ends as the effect did', async () => {
    const { id, run } = await underWay('/flaky/5?lost')
    await temporal.client.workflowService.deleteWorkflowExecution({
      namespace: temporal.client.options.namespace,
      workflowExecution: { workflowId: run.workflowId },
    })
    await reconcileNow(owner, temporal.client, tenant.id, id)
    expect(await tenant.ended(id, 110_000)).toMatchObject({ status: 'executed', effect: { attempts: 5 } })
    expect(new Set(keyed.at('/flaky/5?lost').map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  })

  test('while its effect is under way, and terminated, ends; nobody can tell what the effect came to unless it is over', async () => {
    const { id, run } = await underWay('/flaky/5')
    await run.terminate('a test')
    await leaseIsOver(owner, tenant.id, id, 60_000)
    await reconcileNow(owner, temporal.client, tenant.id, id)
    const row = await tenant.ended(id, 90_000)
    expect(['executed', 'unknown']).toContain(row.status)
  })

  /** Its guard finds the grant gone that the pass before it saw, so people are asked; then its run is lost, and they say yes. */
  test('that asked people for want of a grant and is deleted, waits for them again', async () => {
    const own = await makeTenant(callers(url, credentials), url, 'regrant')
    await own.open({
      ...UNLIMITED,
      ...standingFor(own, 5, '1', ['object.put']),
      not_required: notRequired('reversible', 'contained', 'irreversible'),
    })
    const asking = await owner.transaction(async (client) => {
      await client.query(`select pg_advisory_xact_lock(hashtextextended('exo fence ' || $1, 0))`, [own.id])
      const input = { name: 'regrant.txt', text: 'first by a grant, then by people' }
      const sent = own.as('agent').post<Operation>('/operations', { action: 'object.put', input })
      await until('its guard waits at the fence', async () => {
        const { rows } = await client.query(`select from pg_locks where locktype = 'advisory' and not granted`)
        return rows.length > 0
      })
      await client.query(`select set_config('app.tenant', $1, true)`, [own.id])
      await client.query('update license_grants set revoked_at = clock_timestamp() where tenant_id = $1', [own.id])
      return { sent }
    })
    const { body: asked } = await asking.sent
    expect(asked.status).toBe('pending_approval')
    const run = temporal.client.workflow.getHandle(`${own.id}/${asked.id}`)
    await temporal.client.workflowService.deleteWorkflowExecution({
      namespace: temporal.client.options.namespace,
      workflowExecution: { workflowId: run.workflowId },
    })
    void vote(own.as('operator'), asked)
    await until('the vote has its row', async () => (await own.operation(asked.id)).approval.votes.length === 1)
    await reconcileNow(owner, temporal.client, own.id, asked.id)
    expect((await own.ended(asked.id, 60_000)).status).toBe('executed')
    expect(await verifyBundles(own.as('auditor'), [asked.id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
  })
})

describe('an unknown outcome', () => {
  /** What a stop says may still land. It is of one action that nothing here asks for. */
  const listedByStop = async () => {
    const stop = { scope: 'tenant', state: 'stopped', reason: 'who is listed', actions: ['raw.register'] }
    const { body } = await tenant.as('operator').put('/kill-switches', stop)
    return body.drain.operations.map(({ operation_id }: { operation_id: string }) => operation_id)
  }
  const resolve = async (id: string, body: JsonObject) =>
    await tenant.as('owner').post<Operation>(`/operations/${id}/resolve`, {
      reason: 'looked',
      evidence: { ledger: 'line 4' },
      ...body,
    })

  test.each([
    ['committed', 'settled'],
    ['not_committed', 'released'],
  ])('is settled as %s by people with evidence, and stays unknown', async (outcome, money) => {
    const unknown = await posted(`${blind.origin}/status/503`)
    const asked = await resolve(unknown.id, { outcome })
    expect(asked.status).toBe(202)
    expect(await held(unknown.id)).toBe('reserved')
    expect(await listedByStop()).toContain(unknown.id)
    const done = await approved(asked.body, 'operator', 'operator2')
    expect(done.status).toBe('executed')
    expect(await tenant.operation(unknown.id)).toMatchObject({ status: 'unknown', resolved_by: done.id })
    expect(await held(unknown.id)).toBe(money)
    expect(await listedByStop()).not.toContain(unknown.id)
    expect(refused(await resolve(unknown.id, { outcome }))).toEqual([409, 'operation.not_unknown'])
  })

  test('is settled by nobody who says nothing of what was found', async () => {
    expect(refused(await resolve('op_absent', { outcome: 'committed', evidence: {} }))).toEqual([
      400,
      'validation.error',
    ])
  })

  test('is the only thing that can be resolved', async () => {
    const [done] = await endedOf(tenant)
    const executed = (await put('resolved.txt', 'x')).body
    await approved(executed, 'operator')
    expect(refused(await resolve(executed.id, { outcome: 'committed' }))).toEqual([409, 'operation.not_unknown'])
    expect(refused(await resolve('op_absent', { outcome: 'committed' }))).toEqual([404, 'resource.not_found'])
    expect(done).toBeDefined()
  })
})

describe('a target', () => {
  test.each([
    'http://127.0.0.1:1/ok',
    'https://example.com/',
    'ftp://127.0.0.1/ok',
    'nonsense',
    '/ok',
    'http://user:secret@127.0.0.1/ok',
    'http://127.0.0.1/ok#part',
  ])('that is not allowed is refused before anybody is asked: %s', async (target) => {
    const answer = await post(target)
    expect(refused(answer)).toEqual([403, 'egress.target_forbidden'])
  })

  test('is due, and only where an action has one', async () => {
    const without = await tenant.as('owner').post('/operations', { action: 'http.post', input: { body: {} } })
    expect(refused(without)).toEqual([400, 'validation.error'])
    const more = { action: 'object.put', target: keyed.origin, input: { name: 'a', text: 'b' } }
    expect(refused(await tenant.as('owner').post('/operations', more))).toEqual([400, 'validation.error'])
  })

  test('that changed since the approval was asked for gets nothing', async () => {
    const third = await Receiver.start()
    const allow = async (idempotency_header: string | null) => {
      const asked = await tenant
        .as('admin')
        .put('/egress/targets', { origin: third.origin, methods: ['POST'], idempotency_header, reason: 'a partner' })
      expect(asked.status).toBe(202)
      expect((await vote(tenant.as('operator'), asked.body)).body.operation.status).toBe('executed')
    }
    await allow('Idempotency-Key')
    const { body: asked } = await post(`${third.origin}/ok`)
    await allow(null)
    expect(await approved(asked, 'operator', 'operator2')).toMatchObject({
      status: 'failed',
      effect: null,
      error: { code: 'effect.precondition_failed' },
    })
    expect(third.received).toHaveLength(0)
    const { items } = (await tenant.as('viewer').get('/egress/targets')).body
    expect(items).toContainEqual({ origin: third.origin, methods: ['POST'], idempotency_header: null })
    await third.stop()
  })

  test('that was taken off the list since gets nothing, and the operation ends', async () => {
    const third = await Receiver.start()
    const { egress } = (await tenant.as('owner').get('/policy')).body.policy
    await tenant.policy({ egress: [...egress, { origin: third.origin, methods: ['POST'], idempotency_header: null }] })
    const { body: asked } = await post(`${third.origin}/ok`)
    await tenant.policy({ egress })
    expect(await approved(asked, 'operator', 'operator2')).toMatchObject({
      status: 'failed',
      effect: null,
      error: { code: 'effect.precondition_failed' },
    })
    expect(third.received).toHaveLength(0)
    await third.stop()
  })

  test.each([
    'http://127.0.0.1:8080/path',
    'HTTP://127.0.0.1:8080',
    'https://example.com:443',
    'https://example.com.',
    '*',
    'https://*.example.com',
    'file:///etc',
  ])('is written as URLs print its origin: %s is refused', async (origin) => {
    const asked = { origin, methods: ['POST'], idempotency_header: null, reason: 'x' }
    expect(refused(await tenant.as('admin').put('/egress/targets', asked))).toEqual([400, 'validation.error'])
  })

  test.each(['[::1]', 'under_score.test'])('on host %s can be stopped as well as any other', async (host) => {
    const { egress } = (await tenant.as('owner').get('/policy')).body.policy
    const origin = `http://${host}:9`
    await tenant.policy({ egress: [...egress, { origin, methods: ['POST'], idempotency_header: null }] })
    const { body: asked } = await post(`${origin}/`)
    const stop = { scope: 'tenant', state: 'stopped', providers: [host], reason: 'an incident' }
    expect((await tenant.as('operator').put('/kill-switches', stop)).status).toBe(200)
    expect(await approved(asked, 'operator', 'operator2')).toMatchObject({
      status: 'blocked',
      error: { code: 'kill_switch.blocked', details: { selector: { kind: 'provider', value: host } } },
    })
    await tenant.policy({ egress, kill_switches: [RUNNING('tenant')] })
  })

  test('is stopped by its host, and what was approved meanwhile sends nothing', async () => {
    const { body: asked } = await post(`${keyed.origin}/late`)
    const provider = { kind: 'provider', value: '127.0.0.1' }
    const stop = { scope: 'tenant', state: 'stopped', providers: ['127.0.0.1'], reason: 'an incident' }
    expect((await tenant.as('operator').put('/kill-switches', stop)).status).toBe(200)
    expect(await approved(asked, 'operator', 'operator2')).toMatchObject({
      status: 'blocked',
      error: { code: 'kill_switch.blocked', details: { selector: provider } },
    })
    expect(keyed.at('/late')).toHaveLength(0)
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  })
})

test('every bundle these operations left verifies offline', async () => {
  const ended = (await endedOf(tenant)).filter((id) => id !== reset)
  const { verdict, runs, failures } = await verifyBundles(tenant.as('auditor'), ended)
  expect(failures).toEqual([])
  expect([verdict, runs]).toEqual(['PASS', ended.length])
})
