/** What somebody with access to Temporal can do past the API: start, reset, terminate and complete. None of it makes an effect. */
import { randomBytes } from 'node:crypto'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { type Intent, intentHash, type Plan, planHash } from '../../domain/plan.ts'
import { decisionHash } from '../../domain/receipt.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { openTemporal } from '../support/temporal.ts'
import { makeTenant, notesIn, pending, propose, standingFor, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const note = (text: string, notebook = 'past') => ({ notebook, text })
let tenant: Tenant
let temporal: { client: Client; close(): Promise<void> }

beforeAll(async () => {
  temporal = await openTemporal(addresses.temporal)
  tenant = await makeTenant(callers(url, credentials), url, 'past')
  await tenant.open({ ...UNLIMITED, ...standingFor(tenant) })
})
afterAll(async () => {
  await temporal.close()
  await owner.end()
})
describe('past the API', () => {
  const start = async (workflowId: string, args: unknown[]) =>
    await temporal.client.workflow.start('governedOperation', { workflowId, taskQueue: 'exoarmur', args })
  const run = (id: string) => temporal.client.workflow.getHandle(`${tenant.id}/${id}`)
  const closed = async (workflowId: string) =>
    await until(
      `${workflowId} closes`,
      async () => {
        const { status } = await temporal.client.workflow.getHandle(workflowId).describe()
        return status.name === 'RUNNING' ? null : status.name
      },
      { withinMs: 20_000 },
    )
  const alarms = async (tenantId: string, text: string) =>
    await until(`an alarm tells of ${text}`, async () => {
      const rows = await owner.within<{ reason: string }>(
        tenantId,
        `select convert_from(entry, 'UTF8')::jsonb ->> 'reason' as reason from audit_leaves
         where tenant_id = $1 and kind = 'alarm' order by id`,
        [tenantId],
      )
      return rows.find((row) => row.reason.includes(text)) ?? null
    })

  test('a cancellation asked for in Temporal changes nothing, and keeps no later cancel waiting', async () => {
    const asked = await pending(tenant.as('member'), note('asked to stop'))
    await run(asked.id).cancel()
    await until('the run has looked', async () => {
      const events = (await run(asked.id).fetchHistory()).events ?? []
      const at = events.findIndex((event) => event.workflowExecutionCancelRequestedEventAttributes != null)
      return at > 0 && events.slice(at).some((event) => event.workflowTaskCompletedEventAttributes != null)
    })
    expect((await tenant.operation(asked.id)).status).toBe('pending_approval')
    const { status, body } = await tenant.as('member').post(`/operations/${asked.id}/cancel`, { reason: 'really' })
    expect([status, body.status]).toEqual([200, 'cancelled'])
  })

  test.each([
    ['no input', []],
    ['null', [null]],
    ['a number', [7]],
    ['ids that cannot be ids', [{ tenant_id: 'a'.repeat(127) + '\u{1f600}', operation_id: '\ud800\0' }]],
    ['another tenant', [{ tenant_id: 't_system', operation_id: 'op_x', intent: {}, plan: {} }]],
  ])('a run of our type with %s fails with an alarm and no effect', async (_what, args) => {
    const id = `by-hand/${randomBytes(6).toString('hex')}`
    await start(id, args)
    expect(await closed(id)).toBe('FAILED')
    await alarms('t_system', id)
  })

  test('a forged operation that agrees with itself has no row: it fails with an alarm and no effect', async () => {
    const model = await pending(tenant.as('operator'), note('model', 'forged-run'))
    const [row] = await owner.within<{ intent: Intent; plan: Plan; proposal: string }>(
      tenant.id,
      'select intent, plan, proposal from operations where id = $1',
      [model.id],
    )
    if (row === undefined) throw new Error('the model has no row')
    const operation_id = `op_${randomBytes(16).toString('hex')}`
    const intent: Intent = { ...row.intent, operation_id }
    const plan: Plan = { ...row.plan, approval: { ...row.plan.approval, required: false } }
    const input = {
      v: 1,
      tenant_id: tenant.id,
      operation_id,
      intent,
      intent_hash: intentHash(intent),
      plan,
      plan_hash: planHash(plan),
      proposal: row.proposal,
    }
    await start(`${tenant.id}/${operation_id}`, [input])
    expect(await closed(`${tenant.id}/${operation_id}`)).toBe('FAILED')
    await alarms(tenant.id, operation_id)
    expect(await notesIn(tenant.as('viewer'), 'forged-run')).toEqual([])
  })

  test('a second run of an ended operation finds the end and repeats nothing', async () => {
    await tenant.policy(standingFor(tenant))
    const { body } = await propose(tenant.as('agent'), note('one run', 'second-run'))
    const [row] = await owner.within<JsonObject>(
      tenant.id,
      `select jsonb_build_object('v', 1, 'tenant_id', tenant_id, 'operation_id', id, 'intent', intent, 'intent_hash', intent_hash,
         'plan', plan, 'plan_hash', plan_hash, 'proposal', proposal) as input from operations where id = $1`,
      [body.id],
    )
    await closed(`${tenant.id}/${body.id}`)
    const handle = await start(`${tenant.id}/${body.id}`, [row?.input])
    expect(await handle.result()).toMatchObject({ operation_id: body.id, status: 'executed' })
    expect(await notesIn(tenant.as('viewer'), 'second-run')).toEqual(['one run'])
    const kinds = (await tenant.leavesUpTo(body.id, 'operation.sealed')).map((leaf) => leaf.kind)
    expect(kinds.filter((kind) => kind === 'operation.closed')).toHaveLength(1)
  })

  test('a run that was reset, waiting or ended, ends once', async () => {
    const asked = await pending(tenant.as('operator'), note('reset me', 'reset'))
    const reset = async (runId: string) => {
      const execution = { workflowId: `${tenant.id}/${asked.id}`, runId }
      const finished = await until('a workflow task is completed', async () => {
        const { history } = await temporal.client.workflowService.getWorkflowExecutionHistory({
          namespace: addresses.temporal.namespace,
          execution,
        })
        return history?.events?.find((event) => event.workflowTaskCompletedEventAttributes != null)
      })
      await temporal.client.workflowService.resetWorkflowExecution({
        namespace: addresses.temporal.namespace,
        workflowExecution: execution,
        reason: 'a test',
        requestId: randomBytes(8).toString('hex'),
        workflowTaskFinishEventId: finished.eventId ?? null,
      })
    }
    await reset((await tenant.operation(asked.id)).temporal.run_id)
    await until('the reset run waits again', async () => {
      const { historyLength, status } = await run(asked.id).describe()
      return status.name === 'RUNNING' && historyLength > 6
    })
    expect((await vote(tenant.as('admin'), asked)).body.operation.status).toBe('executed')
    const first = await tenant.as('viewer').get(`/operations/${asked.id}/receipt`)
    await reset((await tenant.operation(asked.id)).temporal.run_id)
    const again = await run(asked.id).result()
    expect(again).toMatchObject({ status: 'executed', decision_hash: first.body.receipt.decision_hash })
    expect((await tenant.as('viewer').get(`/operations/${asked.id}/receipt`)).body.jws).toBe(first.body.jws)
    expect(await notesIn(tenant.as('viewer'), 'reset')).toEqual(['reset me'])
    expect(
      (await tenant.leavesUpTo(asked.id, 'operation.closed')).filter((leaf) => leaf.kind === 'operation.closed'),
    ).toHaveLength(1)
  })

  test('terminated and forged runs end failed, deleted ones are started again, however many others wait', async () => {
    const waiting: Promise<unknown>[] = []
    for (let i = 0; i < 120; i++) {
      waiting.push(pending(tenant.as('operator'), note(`one of many ${i}`, 'waiting')))
      if (i % 15 === 14) await Promise.all(waiting)
    }
    const terminated = await pending(tenant.as('operator'), note('terminated', 'terminated'))
    await run(terminated.id).terminate('by hand')

    const deleted = await pending(tenant.as('operator'), note('deleted, then voted', 'deleted'))
    const voted = await pending(tenant.as('operator'), note('voted, then deleted', 'deleted'), {
      approval: { quorum: 2 },
    })
    await vote(tenant.as('admin'), voted)
    for (const { id } of [deleted, voted])
      await temporal.client.workflowService.deleteWorkflowExecution({
        namespace: addresses.temporal.namespace,
        workflowExecution: { workflowId: `${tenant.id}/${id}` },
      })

    // One answer whose hash is wrong, one that agrees with itself, one that is none: a run can be deceived, the record cannot.
    const forged = await pending(tenant.as('operator'), note('completed by hand', 'terminated'))
    const smooth = await pending(tenant.as('operator'), note('completed by hand, well', 'terminated'))
    const garbled = await pending(tenant.as('operator'), note('completed by hand, with anything', 'terminated'))
    const smoothHash = decisionHash({
      intent_hash: smooth.intent_hash,
      plan_hash: smooth.plan_hash,
      passes: [],
      votes: [],
      status: 'executed',
      error_code: null,
    })
    // In the order of our own canonical form, so that only what it says can give it away.
    const forgedEnd = (decision_hash: string) => ({
      ended: {
        decision_hash,
        error_code: null,
        error_details: {},
        outcome: 'ended',
        passes: [],
        result: null,
        status: 'executed',
        votes: [],
      },
    })
    const complete = async (id: string, answer: object) => {
      const activityId = await until('the guard waits at the fence', async () => {
        const { raw } = await run(id).describe()
        return raw.pendingActivities?.[0]?.activityId
      })
      await temporal.client.activity.complete({ workflowId: `${tenant.id}/${id}`, activityId }, answer)
      await closed(`${tenant.id}/${id}`)
    }
    const lock = `select pg_advisory_xact_lock(hashtextextended('exo fence ' || $1, 0))`
    await owner.transaction(async (client) => {
      await client.query(lock, [tenant.id])
      const voting = Promise.all([forged, smooth, garbled].map((each) => vote(tenant.as('admin'), each)))
      await Promise.all([
        complete(forged.id, forgedEnd('0'.repeat(64))),
        complete(smooth.id, forgedEnd(smoothHash)),
        complete(garbled.id, { status: 'executed' }),
      ])
      await voting
      await until('the guards gave up at their statement timeout', async () => {
        const { rows } = await client.query(
          `select from pg_locks where locktype = 'advisory' and not granted and mode = 'ShareLock'`,
        )
        return rows.length === 0
      })
    })

    for (const { id } of [terminated, forged, smooth, garbled]) {
      const row = await tenant.ended(id, 60_000)
      expect(row).toMatchObject({ status: 'failed', effect: null, error: { code: 'run.terminated', http_status: 502 } })
      expect((await tenant.leavesUpTo(id, 'operation.closed')).map((leaf) => leaf.kind)).toContain('alarm')
      const { receipt } = (await tenant.as('viewer').get(`/operations/${id}/receipt`)).body
      expect(receipt).toMatchObject({ status: 'failed', effect: null })
    }
    expect(await notesIn(tenant.as('viewer'), 'terminated')).toEqual([])

    for (const { id } of [deleted, voted])
      await until(
        `${id} has a run again`,
        async () =>
          await run(id)
            .describe()
            .then(
              () => true,
              () => false,
            ),
        { withinMs: 60_000 },
      )
    expect((await vote(tenant.as('admin'), deleted)).body.operation.status).toBe('executed')
    expect((await vote(tenant.as('operator2'), voted)).body.operation.status).toBe('executed')
    expect((await notesIn(tenant.as('viewer'), 'deleted')).sort()).toEqual([
      'deleted, then voted',
      'voted, then deleted',
    ])
    const honest = [terminated.id, deleted.id, voted.id]
    expect(await verifyBundles(tenant.as('auditor'), honest)).toEqual({ verdict: 'PASS', runs: 3, failures: [] })
    // What the deceived runs' histories say, and their receipts do not, is seen by anybody who looks.
    for (const { id } of [forged, smooth]) {
      const { verdict, failures } = await verifyBundles(tenant.as('auditor'), [id])
      expect([verdict, failures]).toEqual(['FAIL', [expect.stringContaining('record.end FAIL: the run told an end')]])
    }
  })
})
