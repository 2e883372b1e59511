/**
 * News of operations inside one process, with the row as the fallback: whoever waits is told at once when the worker
 * lives here, and looks at the row meanwhile when it does not. News only wakes; the row decides.
 */
import { isFinal, type Status } from '../domain/lifecycle.ts'

const FIRST_LOOK_MS = 150
const LOOK_MS = 500

export interface NewsEvent {
  tenant_id: string
  operation_id: string
  status: string
}

export class News {
  readonly #readStatus: (tenantId: string, operationId: string) => Promise<Status | null>
  readonly #waiting = new Map<string, Set<() => void>>()
  /** True when the worker runs in this process: the rows then need looking at only seldom. */
  readonly #local: boolean

  constructor(readStatus: (tenantId: string, operationId: string) => Promise<Status | null>, local: boolean) {
    this.#readStatus = readStatus
    this.#local = local
  }

  announce(event: NewsEvent): void {
    for (const wake of this.#waiting.get(keyOf(event.tenant_id, event.operation_id)) ?? []) wake()
  }

  /** `from` is the status the caller knows: waiting for people is news only to those who did not know. */
  async wait(tenantId: string, operationId: string, from: Status, timeoutMs: number): Promise<void> {
    const key = keyOf(tenantId, operationId)
    const waiters = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiters)
    let wake = () => {}
    const told = new Promise<void>((resolve) => {
      wake = resolve
    })
    waiters.add(wake)
    const giveUp = setTimeout(wake, timeoutMs)
    const settled = { done: false }
    void told.then(() => {
      settled.done = true
    })
    void this.#look(tenantId, operationId, from, settled, wake)
    try {
      await told
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
    wake: () => void,
  ): Promise<void> {
    let pauseMs = this.#local ? LOOK_MS : FIRST_LOOK_MS
    while (!settled.done) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
      if (settled.done) return
      const status = await this.#statusOrNull(tenantId, operationId)
      if (status !== null && (isFinal(status) || (status === 'pending_approval' && from !== 'pending_approval'))) wake()
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
