/** What is asked of Temporal: start, signal, wake, fetch, describe. The port behind the API, the outbox and the keepers. */
import {
  Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
} from '@temporalio/client'
import type { Connection } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { NativeConnection } from '@temporalio/worker'
import type { OperationInput } from '../domain/steps.ts'

export interface TemporalOptions {
  connection: Connection | NativeConnection
  namespace: string
  taskQueue: string
  /** Ask for the first workflow task back with the start: needs a worker in this process on the same connection. */
  eager: boolean
  payloadConverterPath: string
}

const ANSWER_WITHIN_MS = 7_000

export type RunState = 'running' | 'closed' | 'absent'

export class TemporalPort {
  readonly client: Client
  readonly #options: TemporalOptions
  constructor(options: TemporalOptions) {
    this.#options = options
    this.client = new Client({
      connection: options.connection,
      namespace: options.namespace,
      dataConverter: { payloadConverterPath: options.payloadConverterPath },
    })
  }

  /** Starts the operation's run, or finds it; null when a run of this id has closed already. */
  async startOperation(input: OperationInput): Promise<string | null> {
    const { intent, plan } = input
    try {
      const handle = await this.#inTime(() =>
        this.client.workflow.start('governedOperation', {
          workflowId: workflowId(input),
          taskQueue: this.#options.taskQueue,
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowTaskTimeout: '10 s',
          requestEagerStart: this.#options.eager,
          staticSummary: `${intent.action} for ${intent.principal_id}`,
          staticDetails: `${plan.class} action, intent \`${input.intent_hash}\``,
        }),
      )
      return handle.firstExecutionRunId
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return null
      throw error
    }
  }

  /** False when the run is gone; the row then speaks for itself. */
  async signalDecide(ref: Ref, jws: string): Promise<boolean> {
    return await this.#reach(async () => {
      await this.#inTime(() => this.client.workflow.getHandle(workflowId(ref)).signal('decide', jws))
    })
  }

  /** Tells a run to look at its rows. The cancellation shows in Temporal what is wanted, and is heard once only. */
  async wake(ref: Ref): Promise<boolean> {
    return await this.#reach(async () => {
      const handle = this.client.workflow.getHandle(workflowId(ref))
      await this.#inTime(() => handle.signal('look'))
      await this.#inTime(() => handle.cancel())
    })
  }

  /** Starts the run that asks models about a question, once. */
  async startReview({ tenant_id, operation_id: question_id }: Ref): Promise<void> {
    try {
      await this.#inTime(() =>
        this.client.workflow.start('review', {
          workflowId: `${tenant_id}/review/${question_id}`,
          taskQueue: this.#options.taskQueue,
          args: [{ tenant_id, question_id }],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
          staticSummary: `ask models about ${question_id}`,
        }),
      )
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    }
  }

  async startSeal(operations: Ref[]): Promise<void> {
    const [first] = operations
    if (first === undefined) return
    await this.client.workflow.start('seal', {
      workflowId: `t_system/seal/${first.tenant_id}/${first.operation_id}`,
      taskQueue: this.#options.taskQueue,
      args: [{ operations }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `seal ${operations.length} operation(s)`,
    })
  }

  /** The exact JSON text of a closed run's history, or null while it is open or unknown. */
  async closedHistory(ref: Ref, runId: string | null): Promise<{ text: string; buildIds: string[] } | null> {
    const handle = this.client.workflow.getHandle(workflowId(ref), runId ?? undefined)
    const found = await this.#orAbsent(() => handle.fetchHistory())
    const last = found?.events?.at(-1)
    if (found === null || last?.workflowExecutionCompletedEventAttributes == null) {
      const failed = last?.workflowExecutionFailedEventAttributes ?? last?.workflowExecutionTerminatedEventAttributes
      if (found === null || failed == null) return null
    }
    const buildIds = new Set<string>()
    for (const event of found.events ?? []) {
      const done = event.workflowTaskCompletedEventAttributes
      if (done != null) buildIds.add(done.deploymentVersion?.buildId ?? done.workerVersion?.buildId ?? '')
    }
    return { text: historyToJSON(found), buildIds: [...buildIds].sort() }
  }

  async runState(ref: Ref): Promise<RunState> {
    const described = await this.#orAbsent(() => this.client.workflow.getHandle(workflowId(ref)).describe())
    if (described === null) return 'absent'
    return described.status.name === 'RUNNING' ? 'running' : 'closed'
  }

  async check(): Promise<void> {
    await this.client.withDeadline(Date.now() + 3_000, async () => {
      await this.client.workflowService.describeNamespace({ namespace: this.#options.namespace })
    })
  }

  /** The schedule that runs `reconcile`, made once. */
  async ensureReconcile(everySeconds: number): Promise<void> {
    try {
      await this.client.schedule.create({
        scheduleId: 'exo-reconcile',
        spec: { intervals: [{ every: everySeconds * 1000 }] },
        action: {
          type: 'startWorkflow',
          workflowType: 'reconcile',
          workflowId: 't_system/reconcile',
          taskQueue: this.#options.taskQueue,
        },
        policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 m' },
      })
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error
    }
  }

  /** Whether one of these versions has open runs pinned to it, by the server's list of runs, which lags behind. */
  async hasOpenOf(versions: readonly string[]): Promise<boolean> {
    if (versions.length === 0) return false
    const any = versions.map((version) => `'${version}'`).join(', ')
    const query = `TemporalWorkerDeploymentVersion in (${any}) and ExecutionStatus = 'Running'`
    return (await this.#inTime(() => this.client.workflow.count(query))).count > 0
  }

  /** A server that hangs is one that is away: whoever asked is told within seconds, and the outbox asks again. */
  async #inTime<T>(ask: () => Promise<T>): Promise<T> {
    return await this.client.withDeadline(Date.now() + ANSWER_WITHIN_MS, ask)
  }

  async #reach(send: () => Promise<void>): Promise<boolean> {
    return (
      (await this.#orAbsent(async () => {
        await send()
        return true
      })) === true
    )
  }

  async #orAbsent<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null
      throw error
    }
  }
}

interface Ref {
  tenant_id: string
  operation_id: string
}

function workflowId({ tenant_id, operation_id }: Ref): string {
  return `${tenant_id}/${operation_id}`
}
