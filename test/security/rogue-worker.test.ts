/**
 * A worker nobody invited, on our queue and under our own version: it takes tasks as ours do and answers what suits it.
 * It can keep a run from its end. It cannot make an effect, an end or a receipt, and what it told is found out.
 */
import { randomBytes } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { temporal } from '@temporalio/proto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { DEPLOYMENT_NAME } from '../../bin/versions.ts'
import { decisionHash } from '../../domain/receipt.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { reconcileNow } from '../support/temporal.ts'
import { makeTenant, notesIn, type Operation, pending, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'

const { url, credentials, addresses } = inject('deployment')
const { namespace } = addresses.temporal
const owner = new Database(addresses.postgres.ownerUrl)
const { CommandType, VersioningBehavior, WorkerVersioningMode } = temporal.api.enums.v1
const POLLERS = 24
const WANTED = 2
let tenant: Tenant
let rogue: Connection
let digest: string
const known = new Map<string, Operation>()
const tookActivity = new Set<string>()
const tookTask = new Set<string>()

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'rogue')
  await tenant.open(UNLIMITED)
  rogue = await Connection.connect({ address: addresses.temporal.address })
  const first = await pending(tenant.as('agent'), { notebook: 'rogue', text: 'before it came' })
  await vote(tenant.as('operator'), first)
  digest = (await tenant.as('viewer').get(`/operations/${first.id}/receipt`)).body.receipt.code.bundle
})
afterAll(async () => {
  await rogue.close()
  await owner.end()
})

/** Versioned, as our own workers say it. */
const polling = () => ({
  namespace,
  taskQueue: { name: 'exoarmur' },
  identity: 'rogue',
  deploymentOptions: {
    deploymentName: DEPLOYMENT_NAME,
    buildId: digest,
    workerVersioningMode: WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED,
  },
})
const mine = (workflowId: string | null | undefined) => known.get(workflowId?.split('/')[1] ?? '')
const payloads = (value: unknown) => ({
  payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(value)) }],
})

/** What an end looks like, in the order of our canonical form, with a hash that agrees. */
function forgedEnd({ intent_hash, plan_hash }: Operation) {
  const status = 'executed' as const
  return {
    decision_hash: decisionHash({ intent_hash, plan_hash, passes: [], votes: [], status, error_code: null }),
    error_code: null,
    error_details: {},
    outcome: 'ended',
    passes: [],
    result: { note_id: `n_${randomBytes(16).toString('hex')}` },
    status,
    votes: [],
  }
}

async function takeActivities(): Promise<void> {
  const { taskToken, workflowExecution, activityType } = await rogue.workflowService.pollActivityTaskQueue(polling())
  if (taskToken.length === 0) return
  const operation = mine(workflowExecution?.workflowId)
  const answer = { namespace, taskToken, identity: 'rogue' }
  if (operation === undefined) {
    // Somebody else's: given back, to be tried again by whoever it is for.
    const failure = { message: 'not for me', applicationFailureInfo: { nextRetryDelay: msToTs('1s') } }
    await rogue.workflowService.respondActivityTaskFailed({ ...answer, failure })
    return
  }
  tookActivity.add(operation.id)
  const end = forgedEnd(operation)
  const told = activityType?.name === 'resumeAndGuard' ? { ended: end, read: null, guard: null } : end
  await rogue.workflowService.respondActivityTaskCompleted({ ...answer, result: payloads(told) })
}

async function takeWorkflowTasks(): Promise<void> {
  const { taskToken, workflowExecution } = await rogue.workflowService.pollWorkflowTaskQueue(polling())
  if (taskToken.length === 0) return
  const operation = mine(workflowExecution?.workflowId)
  const answer = { namespace, taskToken, identity: 'rogue', deploymentOptions: polling().deploymentOptions }
  if (operation === undefined) {
    await rogue.workflowService.respondWorkflowTaskFailed(answer)
    return
  }
  const { decision_hash } = forgedEnd(operation)
  const result = payloads({ operation_id: operation.id, status: 'executed', decision_hash })
  await rogue.workflowService.respondWorkflowTaskCompleted({
    ...answer,
    versioningBehavior: VersioningBehavior.VERSIONING_BEHAVIOR_PINNED,
    commands: [
      {
        commandType: CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
        completeWorkflowExecutionCommandAttributes: { result },
      },
    ],
  })
  tookTask.add(operation.id)
}

/** Keeps asking for tasks until the work is done; what came of it is for the caller to assert. */
async function besides(take: () => Promise<void>, work: () => Promise<void>): Promise<string[]> {
  const stopping = new AbortController()
  const troubles = new Set<string>()
  const loop = async () => {
    while (!stopping.signal.aborted)
      await rogue
        .withAbortSignal(stopping.signal, () => rogue.withDeadline(Date.now() + 30_000, take))
        .catch((error) => {
          troubles.add(String(error))
        })
  }
  const loops = Array.from({ length: POLLERS }, loop)
  try {
    await work()
  } catch (error) {
    throw new Error(`meanwhile: ${[...troubles].join('; ')}`, { cause: error })
  } finally {
    stopping.abort()
    await Promise.all(loops)
  }
  return [...troubles]
}

async function asked(text: string): Promise<Operation> {
  const operation = await pending(tenant.as('agent'), { notebook: 'forged', text })
  known.set(operation.id, operation)
  return operation
}

async function expectNothing(ids: Iterable<string>): Promise<void> {
  const client = new Client({ connection: rogue, namespace })
  for (const id of ids) {
    await reconcileNow(owner, client, tenant.id, id)
    const row = await tenant.ended(id, 90_000)
    expect(row).toMatchObject({ status: 'failed', effect: null, error: { code: 'run.terminated' } })
    expect((await tenant.leavesUpTo(id, 'operation.closed')).map((leaf) => leaf.kind)).toContain('alarm')
    const { receipt } = (await tenant.as('viewer').get(`/operations/${id}/receipt`)).body
    expect(receipt).toMatchObject({ status: 'failed', effect: null })
  }
}

/** A workflow of somebody's own, whose one command asks our workers for a step; answers what became of it. */
async function orderStep(name: string, input: object): Promise<string> {
  const own = `own-${randomBytes(8).toString('hex')}`
  const taskQueue = { name: own }
  await rogue.workflowService.startWorkflowExecution({
    namespace,
    workflowId: own,
    workflowType: { name: own },
    taskQueue,
    requestId: own,
  })
  const { taskToken } = await rogue.withDeadline(
    Date.now() + 30_000,
    async () => await rogue.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'rogue' }),
  )
  const scheduleActivityTaskCommandAttributes = {
    activityId: '1',
    activityType: { name },
    taskQueue: { name: 'exoarmur' },
    input: payloads(input),
    startToCloseTimeout: msToTs('20s'),
    retryPolicy: { maximumAttempts: 1 },
  }
  await rogue.workflowService.respondWorkflowTaskCompleted({
    namespace,
    taskToken,
    identity: 'rogue',
    commands: [{ commandType: CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK, scheduleActivityTaskCommandAttributes }],
  })
  return await until(`${name} was answered`, async () => {
    const { history } = await rogue.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId: own },
    })
    for (const {
      activityTaskCompletedEventAttributes: done,
      activityTaskFailedEventAttributes: failed,
    } of history?.events ?? []) {
      if (done != null) return Buffer.from(done.result?.payloads?.[0]?.data ?? []).toString()
      if (failed != null) return failed.failure?.message ?? ''
    }
    return null
  })
}

describe('a workflow of somebody’s own', () => {
  const refOf = (operation: Operation) => ({
    tenant_id: tenant.id,
    operation_id: operation.id,
    intent_hash: operation.intent_hash,
    plan_hash: operation.plan_hash,
    run_id: 'of-somebody-else',
  })
  const end = { error_code: null, error_details: {}, passes: [], votes: [] }

  test.each([
    ['endOperation', { ...end, status: 'executed' }],
    ['endOperation', { ...end, status: 'denied', error_code: 'approval.denied' }],
    [
      'markPending',
      { pass: { pass: 'propose', facts: {}, facts_hash: '', verdicts: [] }, preview: null, shown_hash: '0' },
    ],
    ['raiseAlarm', { detail: 'no alarm' }],
    ['guardEffect', { governs: false, passes: [], votes: [] }],
    ['resumeAndGuard', { governs: false, passes: [], votes: [], outside: false }],
    ['writeOpinion', { question_id: 'tw_one', reviewer: 'p_model', verdict: 'SOLID', reason: 'it is' }],
  ])('cannot have our workers take %s', async (step, input) => {
    const operation = await pending(tenant.as('agent'), { notebook: 'ordered', text: step })
    expect(await orderStep(step, { ...refOf(operation), ...input })).toBe(`${step} is for the run itself`)
    expect((await tenant.operation(operation.id)).status).toBe('pending_approval')
    await vote(tenant.as('operator'), operation)
    expect((await tenant.ended(operation.id)).status).toBe('executed')
    const told = (await tenant.leavesUpTo(operation.id, 'operation.closed')).map((leaf) => leaf.kind)
    expect([told, told]).toEqual([expect.not.arrayContaining(['alarm']), [...new Set(told)]])
  })
})

describe('a rogue worker on the queue', () => {
  test('that takes the guard’s task and tells of an effect makes none', async () => {
    const texts = new Map<string, string>()
    const troubles = await besides(takeActivities, async () => {
      for (let i = 0; tookActivity.size < WANTED && i < 60; i++) {
        const operation = await asked(`guarded ${i}`)
        texts.set(operation.id, `guarded ${i}`)
        await vote(tenant.as('operator'), operation)
      }
    })
    expect(tookActivity.size, troubles.join('\n')).toBeGreaterThanOrEqual(WANTED)
    const honest = [...texts].filter(([id]) => !tookActivity.has(id))
    for (const [id] of honest) await tenant.ended(id)
    expect((await notesIn(tenant.as('viewer'), 'forged')).sort()).toEqual(honest.map(([, text]) => text).sort())
  })

  test('that takes a workflow task and ends the run as executed ends nothing', async () => {
    const before = await notesIn(tenant.as('viewer'), 'forged')
    const troubles = await besides(takeWorkflowTasks, async () => {
      for (let i = 0; tookTask.size < WANTED && i < 60; i++) {
        const operation = await asked(`run ${i}`)
        await beginAnew(operation)
        await until('somebody took the task', async () => {
          if (tookTask.has(operation.id)) return true
          const { pendingWorkflowTask } = await rogue.workflowService.describeWorkflowExecution({
            namespace,
            execution: { workflowId: `${tenant.id}/${operation.id}` },
          })
          return pendingWorkflowTask == null
        })
      }
    })
    expect(tookTask.size, troubles.join('\n')).toBeGreaterThanOrEqual(WANTED)
    expect(await notesIn(tenant.as('viewer'), 'forged')).toEqual(before)
  })

  test('is found out: what it told of ended failed, with an alarm and without an effect', async () => {
    await expectNothing([...tookActivity, ...tookTask])
  })

  test('that has gone leaves the next operation to go its way', async () => {
    const operation = await asked('after it went')
    await vote(tenant.as('operator'), operation)
    expect((await tenant.ended(operation.id, 60_000)).status).toBe('executed')
  })
})

/** A run that was reset asks for its next task on the common queue; one that goes on is asked where it was before. */
async function beginAnew({ id }: Operation): Promise<void> {
  const runId = (await tenant.operation(id)).temporal.run_id
  const execution = { workflowId: `${tenant.id}/${id}`, runId }
  const finished = await until('a workflow task is completed', async () => {
    const { history } = await rogue.workflowService.getWorkflowExecutionHistory({ namespace, execution })
    return history?.events?.find((event) => event.workflowTaskCompletedEventAttributes != null)
  })
  await rogue.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: execution,
    reason: 'a test',
    requestId: randomBytes(8).toString('hex'),
    workflowTaskFinishEventId: finished.eventId ?? null,
  })
}
