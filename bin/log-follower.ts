/**
 * One look at the logs for everybody in this process who follows one: whoever waits is woken when their tenant's log has
 * grown. While nobody waits nothing is looked at, and a database that does not answer is no news.
 */
const LOOK_MS = 400

/** How many leaves of each tenant's log have their place. */
type ReadSizes = (tenantIds: readonly string[]) => Promise<Readonly<Record<string, number>>>

interface Waiter {
  tenantId: string
  beyond: number
  wake(size: number | null): void
}

export class LogFollower {
  readonly #readSizes: ReadSizes
  readonly #waiting = new Set<Waiter>()
  #looking = false

  constructor(readSizes: ReadSizes) {
    this.#readSizes = readSizes
  }

  /** The size of the tenant's log once it is larger than `beyond`; null when that takes too long, or when given up. */
  async grown(tenantId: string, beyond: number, timeoutMs: number, gone: AbortSignal): Promise<number | null> {
    const { promise, resolve } = Promise.withResolvers<number | null>()
    const waiter: Waiter = { tenantId, beyond, wake: resolve }
    const giveUp = () => resolve(null)
    const late = setTimeout(giveUp, timeoutMs).unref()
    gone.addEventListener('abort', giveUp)
    if (gone.aborted) giveUp()
    this.#waiting.add(waiter)
    if (!this.#looking) void this.#look()
    try {
      return await promise
    } finally {
      clearTimeout(late)
      gone.removeEventListener('abort', giveUp)
      this.#waiting.delete(waiter)
    }
  }

  async #look(): Promise<void> {
    this.#looking = true
    while (this.#waiting.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref())
      const tenantIds = [...new Set([...this.#waiting].map(({ tenantId }) => tenantId))]
      const sizes = tenantIds.length === 0 ? {} : await this.#sizesOrNone(tenantIds)
      for (const { tenantId, beyond, wake } of this.#waiting) {
        const size = sizes[tenantId]
        if (size !== undefined && size > beyond) wake(size)
      }
    }
    this.#looking = false
  }

  async #sizesOrNone(tenantIds: readonly string[]): Promise<Readonly<Record<string, number>>> {
    try {
      return await this.#readSizes(tenantIds)
    } catch (error) {
      if (error instanceof Error) return {}
      throw error
    }
  }
}
