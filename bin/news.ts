/**
 * News of operations inside one process, with the row as the fallback: whoever waits is told at once when the worker
 * lives here, and looks at the row meanwhile when it does not. News only wakes; the row decides.
 */
import type { JsonObject } from '../domain/canonical.ts'
import { isFinal, type Status } from '../domain/lifecycle.ts'

const FIRST_LOOK_MS = 150
const LOOK_MS = 500

export interface NewsEvent {
  tenant_id: string
  operation_id: string
  status: string
  /** The operation as its readers see it, where whoever tells has just read it. */
  row?: JsonObject
}

/** Told with the row, or that there is something to read. */
type Wake = (row: JsonObject | null) => void

export class News {
  readonly #readStatus: (tenantId: string, operationId: string) => Promise<Status | null>
  readonly #waiting = new Map<string, Set<Wake>>()
  /** True when the worker runs in this process: the rows then need looking at only seldom. */
  readonly #local: boolean

  constructor(readStatus: (tenantId: string, operationId: string) => Promise<Status | null>, local: boolean) {
    this.#readStatus = readStatus
    this.#local = local
  }

  announce(event: NewsEvent): void {
    for (const wake of this.#waiting.get(keyOf(event.tenant_id, event.operation_id)) ?? []) wake(event.row ?? null)
  }

  /**
   * `from` is the status the caller knows: waiting for people is news only to those who did not know. Answers the row if
   * the news carried it; null when it is to be read, or nothing was told in time.
   */
  async wait(tenantId: string, operationId: string, from: Status, timeoutMs: number): Promise<JsonObject | null> {
    const key = keyOf(tenantId, operationId)
    const waiters = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiters)
    let wake: Wake = () => {}
    const told = new Promise<JsonObject | null>((resolve) => {
      wake = resolve
    })
    waiters.add(wake)
    const giveUp = setTimeout(() => wake(null), timeoutMs)
    const settled = { done: false }
    void told.then(() => {
      settled.done = true
    })
    void this.#look(tenantId, operationId, from, settled, wake)
    try {
      return await told
    } finally {
      settled.done = true
      clearTimeout(giveUp)
      waiters.delete(wake)
      if (waiters.size === 0) this.#waiting.delete(key)
    }
  }

  async #look(
    tenantId: string,
    operationId: string,
    from: Status,
    settled: { done: boolean },
    wake: Wake,
  ): Promise<void> {
    let pauseMs = this.#local ? LOOK_MS : FIRST_LOOK_MS
    while (!settled.done) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
      if (settled.done) return
      const status = await this.#statusOrNull(tenantId, operationId)
      if (status !== null && (isFinal(status) || (status === 'pending_approval' && from !== 'pending_approval')))
        wake(null)
      pauseMs = LOOK_MS
    }
  }

  /** A database that does not answer is no news. */
  async #statusOrNull(tenantId: string, operationId: string): Promise<Status | null> {
    try {
      return await this.#readStatus(tenantId, operationId)
    } catch (error) {
      if (error instanceof Error) return null
      throw error
    }
  }
}

function keyOf(tenantId: string, operationId: string): string {
  return `${tenantId}/${operationId}`
}
