/** What is done to runs past the API: terminated, reset, and looked after sooner than the schedule would. */
import { type Client, ScheduleOverlapPolicy, WorkflowNotFoundError } from '@temporalio/client'
import { type Load, pause, type Sort } from './load.ts'
import type { Random } from '../support/random.ts'

const TRIES = 20
const BETWEEN_MS = 500

export class Runs {
  /** Operations whose run was terminated, or may have been. */
  readonly terminated = new Set<string>()
  /** Operations whose run was reset: their bundles hold parts of two runs, and no verifier passes that. */
  readonly reset = new Set<string>()
  readonly #tenantId: string
  readonly #temporal: Client
  readonly #load: Load
  readonly #random: Random

  constructor(tools: { tenantId: string; temporal: Client; load: Load; random: Random }) {
    this.#tenantId = tools.tenantId
    this.#temporal = tools.temporal
    this.#load = tools.load
    this.#random = tools.random
  }

  /** Terminates the run of an operation that is open, of the given sort only; answers which, or null when none was. */
  async terminateOne(of?: Sort): Promise<string | null> {
    return await this.#toOne(
      this.terminated,
      async (workflowId) => await this.#temporal.workflow.getHandle(workflowId).terminate('chaos'),
      of,
    )
  }

  async resetOne(): Promise<string | null> {
    return await this.#toOne(
      this.reset,
      async (workflowId) =>
        await this.#temporal.workflowService.resetWorkflowExecution({
          namespace: this.#temporal.options.namespace,
          workflowExecution: { workflowId },
          reason: 'chaos',
          workflowTaskFinishEventId: 4 as never,
          requestId: `chaos-${this.#random.next()}`,
        }),
    )
  }

  /** False while Temporal does not answer. */
  async reconcileNow(): Promise<boolean> {
    const schedule = this.#temporal.schedule.getHandle('exo-reconcile')
    return await schedule.trigger(ScheduleOverlapPolicy.ALLOW_ALL).then(
      () => true,
      () => false,
    )
  }

  async #toOne(
    done: Set<string>,
    work: (workflowId: string) => Promise<unknown>,
    of: Sort | null = null,
  ): Promise<string | null> {
    for (let tries = 0; tries < TRIES; tries++, await pause(BETWEEN_MS)) {
      const open = [...this.#load.open.values()].flatMap(({ id, sort }) =>
        id === null || (of !== null && of !== sort) ? [] : [id],
      )
      if (open.length === 0) continue
      const id = this.#random.pick(open)
      const had = done.has(id)
      done.add(id)
      try {
        await work(`${this.#tenantId}/${id}`)
        return id
      } catch (error) {
        // Its run is over. After any other answer it may have been done all the same.
        if (error instanceof WorkflowNotFoundError && !had) done.delete(id)
      }
    }
    return null
  }
}
