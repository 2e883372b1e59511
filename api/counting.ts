/** Counts that become one leaf each a minute, so that many small calls do not become many leaves. */
import { mayBeLearnedFrom } from './delegation.ts'
import type { ApiPorts } from './ports.ts'
import { type Actor, leafRow, makeLeaf } from '../domain/leaf.ts'

const EVERY_MS = 60_000

export interface Counted {
  tenant_id: string
  actor: Actor
  action: string
}

export class ObservedCounts {
  readonly #ports: ApiPorts
  readonly #counts = new Map<string, Counted & { calls: number }>()
  readonly #timer: NodeJS.Timeout

  constructor(ports: ApiPorts) {
    this.#ports = ports
    this.#timer = setInterval(() => void this.flush(), EVERY_MS)
    this.#timer.unref()
  }

  add(counted: Counted): void {
    const key = JSON.stringify(counted)
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { ...counted, calls: 1 })
    else known.calls++
  }

  async flush(): Promise<void> {
    const counts = [...this.#counts.values()]
    this.#counts.clear()
    for (const { tenant_id, actor, action, calls } of counts)
      try {
        const leaf = makeLeaf({
          kind: 'record.written',
          tenant_id,
          at: await this.#ports.records.now(),
          actor,
          action,
          train_ok: await mayBeLearnedFrom(this.#ports.privacy, tenant_id, actor.principal_id, actor.on_behalf_of),
          after: { observed: calls },
        })
        await this.#ports.records.leaf(tenant_id, null, null, leafRow(leaf))
      } catch (error) {
        this.#ports.log.error({ error: String(error) }, 'observed calls could not be recorded')
      }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}
