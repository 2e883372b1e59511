/** Carries the schedule out, and remembers what fired and when a stop held. */
import type { Client } from '@temporalio/client'
import type { Link } from './link.ts'
import { type Load, pause } from './load.ts'
import type { Machine } from './machine.ts'
import { type ClockName, type Fault, type LinkName, type Part, type Planned, wordsOf } from './schedule.ts'
import { carryRequest, carryVotes } from '../support/carrying.ts'
import { hang } from '../support/hang.ts'
import { RUNNING } from '../support/opening.ts'
import type { OwnDeployment } from '../support/own-deployment.ts'
import type { Random } from '../support/random.ts'
import type { Tenant } from '../support/tenant.ts'
import type { CrashPoint } from '../../domain/crash-points.ts'

/** How long a place may take to be come to. */
const ARMED_MS = 15_000

/**
 * From the acknowledge of a stop to the instant before anybody asked to resume, by this machine's clock; and how many notes
 * the world had seen at both, since the database's clock may be wrong.
 */
export interface Window {
  from: number
  to: number
  notes: readonly [number, number] | null
}

export class Faults {
  readonly fired = new Map<string, number>()
  readonly windows: Window[] = []
  /** Operations whose run was reset: their bundles hold parts of two runs, and no verifier passes that. */
  readonly reset = new Set<string>()
  readonly #own: OwnDeployment
  readonly #tenant: Tenant
  readonly #links: Record<LinkName, Link>
  readonly #temporal: Client
  readonly #load: Load
  readonly #random: Random
  readonly #machine: Machine
  #stopping: Promise<void> = Promise.resolve()
  #resumes = 0

  constructor(tools: {
    own: OwnDeployment
    tenant: Tenant
    links: Record<LinkName, Link>
    temporal: Client
    load: Load
    random: Random
    machine: Machine
  }) {
    this.#own = tools.own
    this.#tenant = tools.tenant
    this.#links = tools.links
    this.#temporal = tools.temporal
    this.#load = tools.load
    this.#random = tools.random
    this.#machine = tools.machine
  }

  /** Resolves when the last fault of the schedule is over. */
  async run(schedule: readonly Planned[], say: (line: string) => void): Promise<void> {
    const startedAt = Date.now()
    const all: Promise<void>[] = []
    for (const { atMs, fault } of schedule) {
      await pause(Math.max(0, startedAt + atMs - Date.now()))
      say(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${wordsOf(fault)}`)
      all.push(this.#carryOut(fault))
    }
    await Promise.all(all)
  }

  async #carryOut(fault: Fault): Promise<void> {
    const fired = await this.#one(fault)
    if (fired) this.fired.set(wordsOf(fault), (this.fired.get(wordsOf(fault)) ?? 0) + 1)
  }

  /** False where there was nothing to do it to. */
  async #one(fault: Fault): Promise<boolean> {
    switch (fault.kind) {
      case 'kill':
        return this.#kill(fault.part)
      case 'pause': {
        const goOn = this.#hang(fault.part)
        await pause(fault.ms)
        goOn?.()
        return goOn !== null
      }
      case 'crash point':
        return await this.#armFor(ARMED_MS, fault.point, fault.nth)
      case 'link':
        this.#links[fault.link].trouble(fault.trouble)
        await pause(fault.ms)
        this.#links[fault.link].heal(fault.trouble)
        return true
      case 'stop': {
        const before = this.#stopping
        const mine = before.then(async () => await this.#stop(fault.ms))
        this.#stopping = mine
        await mine
        return true
      }
      case 'clock':
        await this.#moveClock(fault.clock, fault.seconds)
        await pause(fault.ms)
        await this.#moveClock(fault.clock, 0)
        return true
      case 'disk full':
        if (!this.#machine.fillDisk()) return false
        await pause(fault.ms)
        this.#machine.emptyDisk()
        return true
      case 'upgrade':
        this.#machine.upgrade()
        return this.#kill('app')
      case 'terminate':
        return await this.#toRun(async (id) => await this.#temporal.workflow.getHandle(id).terminate('chaos'))
      case 'reset run':
        return await this.#toRun(async (workflowId) => {
          this.reset.add(workflowId.slice(workflowId.indexOf('/') + 1))
          return await this.#temporal.workflowService.resetWorkflowExecution({
            namespace: this.#temporal.options.namespace,
            workflowExecution: { workflowId },
            reason: 'chaos',
            workflowTaskFinishEventId: 4 as never,
            requestId: `chaos-${this.#random.next()}`,
          })
        })
    }
  }

  /** A place that nobody comes to makes room for others. */
  async #armFor(ms: number, point: CrashPoint, nth: number): Promise<boolean> {
    const takeBack = this.#own.tryArm(point, nth)
    if (takeBack === null) return false
    await pause(ms)
    takeBack()
    return true
  }

  /** It is read once a second. */
  async #moveClock(clock: ClockName, seconds: number): Promise<void> {
    const told = clock === 'postgres'
    if (told) for (const name of this.#load.open.keys()) this.#load.timeless.add(name)
    this.#load.isClockMoving = told
    this.#machine.setClock(clock, seconds)
    await pause(1_200)
    this.#load.isClockMoving = false
  }

  #kill(part: Part): boolean {
    const pid = this.#pidOf(part)
    try {
      return pid !== null && process.kill(pid, 'SIGKILL')
    } catch {
      return false
    }
  }

  /** With the processes that it started: PostgreSQL's go on answering where only the first of them stands still. */
  #hang(part: Part): (() => void) | null {
    const pid = this.#pidOf(part)
    try {
      return pid === null ? null : hang(pid)
    } catch {
      return null
    }
  }

  #pidOf(part: Part): number | null {
    const { deployment } = this.#own
    if (part === 'app') return deployment.app().pid ?? null
    return deployment.stack.parts().find(({ name }) => name === part)?.pid ?? null
  }

  async #stop(ms: number): Promise<void> {
    const stop = { scope: 'tenant', state: 'stopped', reason: 'chaos' }
    const answer = await this.#until(async () => await this.#tenant.as('operator').put('/kill-switches', stop), 200)
    const before = await this.#seen()
    const from = Date.now()
    await pause(ms)
    const to = Date.now()
    const after = await this.#seen()
    const notes = before === null || after === null ? null : ([before, after] as const)
    if (answer?.body?.drain?.state === 'drained') this.windows.push({ from, to, notes })
    const refusals: string[] = []
    for (let tries = 0; tries < 60; tries++) {
      const refusal = await this.#resume()
      if (refusal === null) return
      refusals.push(refusal)
      await pause(500)
    }
    throw new Error(`the tenant could not be resumed: ${[...new Set(refusals)].join('; ')}`)
  }

  /** How many notes were written, or null while the database does not answer. */
  async #seen(): Promise<number | null> {
    return await this.#own.world.count().catch(() => null)
  }

  /** Null once it runs again, or why it does not. Asked under one key until it is told, so that nothing waits for ever. */
  async #resume(): Promise<string | null> {
    const [owner, key] = [this.#tenant.as('owner'), `resume-${++this.#resumes}`]
    const policy = { kill_switches: [RUNNING('tenant')] }
    try {
      const { status: answered, body } = await owner.get('/policy')
      if (answered !== 200) return `the policy was not read: ${answered}`
      const change = { base_version: body.version, reason: 'chaos', policy }
      const asked = await carryRequest(owner, key, () => owner.put('/policy', change, { key }))
      const { id, status, code } =
        asked.status === 'pending_approval' ? await carryVotes(this.#tenant, asked.id) : asked
      return status === 'executed' ? null : `${id} ended ${status}, ${code}`
    } catch (error) {
      if (error instanceof Error) return error.message
      throw error
    }
  }

  async #until<T extends { status: number }>(ask: () => Promise<T>, status: number): Promise<T | null> {
    for (let tries = 0; tries < 60; tries++) {
      const answer = await ask().catch(() => null)
      if (answer?.status === status) return answer
      await pause(300)
    }
    return null
  }

  /** Does it to the run of an operation that is open now. */
  async #toRun(work: (workflowId: string) => Promise<unknown>): Promise<boolean> {
    const open = [...this.#load.open.values()].flatMap(({ id }) => (id === null ? [] : [id]))
    if (open.length === 0) return false
    return await work(`${this.#tenant.id}/${this.#random.pick(open)}`).then(
      () => true,
      () => false,
    )
  }
}
