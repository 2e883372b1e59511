/** Stops of the tenant, one after the other, each held for a while and taken back by two people. */
import { pause } from './load.ts'
import { carryRequest, carryVotes } from '../support/carrying.ts'
import { RUNNING } from '../support/opening.ts'
import type { Tenant } from '../support/tenant.ts'
import type { World } from '../support/world.ts'

/**
 * From the acknowledge of a stop to the instant before anybody asked to resume, by this machine's clock; and how many notes
 * the world had seen at both, since the database's clock may be wrong.
 */
export interface Window {
  from: number
  to: number
  notes: readonly [number, number] | null
}

const STOP = { scope: 'tenant', state: 'stopped', reason: 'chaos' }

export class Stops {
  readonly windows: Window[] = []
  readonly #tenant: Tenant
  readonly #world: World
  #last: Promise<unknown> = Promise.resolve()
  #resumes = 0

  constructor(tenant: Tenant, world: World) {
    this.#tenant = tenant
    this.#world = world
  }

  /** `first` is done when it is this one's turn. Answers since when it was to run again, or null without an acknowledge. */
  async stop(ms: number, first: () => void = () => undefined): Promise<number | null> {
    const mine = this.#last.then(async () => {
      first()
      return await this.#stop(ms)
    })
    this.#last = mine.catch(() => undefined)
    return await mine
  }

  async #stop(ms: number): Promise<number | null> {
    const isAcknowledged = await this.#acknowledged()
    const from = Date.now()
    const before = await this.#seen()
    await pause(ms)
    const to = Date.now()
    const after = await this.#seen()
    const notes = before === null || after === null ? null : ([before, after] as const)
    if (isAcknowledged) this.windows.push({ from, to, notes })
    const refusals: string[] = []
    for (let tries = 0; tries < 60; tries++) {
      const refusal = await this.#resume()
      if (refusal === null) return isAcknowledged ? to : null
      refusals.push(refusal)
      await pause(500)
    }
    throw new Error(`the tenant could not be resumed: ${[...new Set(refusals)].join('; ')}`)
  }

  /** Asked for until somebody says that it is drained. */
  async #acknowledged(): Promise<boolean> {
    for (let tries = 0; tries < 60; tries++) {
      const answer = await this.#tenant
        .as('operator')
        .put('/kill-switches', STOP)
        .catch(() => null)
      if (answer?.status === 200 && answer.body?.drain?.state === 'drained') return true
      await pause(300)
    }
    return false
  }

  /** How many notes were written, or null while the database does not answer. */
  async #seen(): Promise<number | null> {
    return await this.#world.count().catch(() => null)
  }

  /** Null once it runs again, or why it does not. Asked under one key until it is told, so that nothing waits for ever. */
  async #resume(): Promise<string | null> {
    const key = `resume-${++this.#resumes}`
    const policy = { kill_switches: [RUNNING('tenant')] }
    const owner = () => this.#tenant.as('owner')
    try {
      const { status: answered, body } = await owner().get('/policy')
      if (answered !== 200) return `the policy was not read: ${answered}`
      const change = { base_version: body.version, reason: 'chaos', policy }
      const asked = await carryRequest(owner(), key, () => owner().put('/policy', change, { key }))
      const { id, status, code } =
        asked.status === 'pending_approval' ? await carryVotes(this.#tenant, asked.id) : asked
      return status === 'executed' ? null : `${id} ended ${status}, ${code}`
    } catch (error) {
      if (error instanceof Error) return error.message
      throw error
    }
  }
}
