/**
 * The loops that keep the record moving: the sequencer gives leaves their index, the outbox tells Temporal what it has not
 * heard, and heads of logs are copied out of the database. Every worker process carries them; one process leads.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outbox, OutboxRow } from '../stores/postgres/outbox.ts'
import type { Leadership } from '../stores/postgres/leadership.ts'
import type { Sequencer } from '../stores/postgres/sequencer.ts'
import type { TemporalPort } from '../stores/temporal.ts'

const SEQUENCE_EVERY_MS = 200
const BEAT_EVERY_MS = 5_000
const COPY_EVERY_MS = 3_000
const COPY_PAGE = 50
const SELF_CHECK_EVERY_MS = 30_000
const DRAIN_EVERY_MS = 300
const SEAL_BATCH = 100
const SEAL_PATIENCE_SECONDS = 10
const UNSTARTED_AFTER_SECONDS = 3
/** Where so many of a turn fail, what they all need is away. */
const FAILED_AT_MOST = 3

export interface KeeperTools {
  leadership: Leadership
  sequencer: Sequencer
  outbox: Outbox
  temporal: TemporalPort
  /** Whether any model may be asked about three-wise questions. */
  reviews: boolean
  /** Keeps a copy of a tenant's checkpoint outside the database. */
  mirror(tenantId: string, checkpoint: string): Promise<void>
  log: { error(details: object, message: string): void }
}

export interface Keepers {
  stop(): Promise<void>
}

export function startKeepers(tools: KeeperTools): Keepers {
  const stopping = new AbortController()
  const { signal } = stopping
  const leading = [loop('sequencer', SEQUENCE_EVERY_MS, sequence(tools)), loop('outbox', DRAIN_EVERY_MS, drain(tools))]
  const copying = loop('copier', COPY_EVERY_MS, copy(tools, signal))

  async function loop(name: string, everyMs: number, turn: () => Promise<void>): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      try {
        if (await tools.leadership.held()) await turn()
        failures = 0
      } catch (error) {
        failures++
        if (failures === 1 || failures % 20 === 0)
          tools.log.error({ error: String(error), failures }, `the ${name} met an error`)
      }
      await sleep(Math.min(everyMs * (1 + failures), 3_000), undefined, { signal }).catch(() => undefined)
    }
  }

  return {
    stop: async () => {
      stopping.abort()
      await Promise.all(leading)
      await tools.leadership.release().catch((error: unknown) => {
        tools.log.error({ error: String(error) }, 'the lead could not be given back')
      })
      // A copy that a store keeps waiting keeps nobody from the lead.
      await copying
    },
  }
}

function sequence({ sequencer, log }: KeeperTools): () => Promise<void> {
  let beatAt = -Infinity
  let checkedAt = -Infinity
  return async () => {
    const failures = await failuresOf(
      await sequencer.waiting(),
      async (tenantId) => void (await sequencer.index(tenantId)),
    )
    const now = performance.now()
    if (now - checkedAt >= SELF_CHECK_EVERY_MS) {
      const ok = await sequencer.selfCheck()
      if (!ok) log.error({}, 'the log does not agree with itself')
      await sequencer.beat(ok)
      checkedAt = now
      beatAt = now
    } else if (now - beatAt >= BEAT_EVERY_MS) {
      await sequencer.beat(null)
      beatAt = now
    }
    throwFirst(failures)
  }
}

/** Does the work for each, so that one that fails keeps no others waiting. */
async function failuresOf<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<unknown[]> {
  const failures: unknown[] = []
  for (const one of all)
    try {
      await work(one)
    } catch (error) {
      failures.push(error)
      if (failures.length === FAILED_AT_MOST) break
    }
  return failures
}

function throwFirst(failures: readonly unknown[]): void {
  if (failures.length > 0) throw failures[0]
}

/** After a copy that failed it goes on with the next tenant, so that one keeps no others waiting. */
function copy({ leadership, sequencer, mirror }: KeeperTools, stopped: AbortSignal): () => Promise<void> {
  let copiedTo = ''
  return async () => {
    for (;;) {
      const heads = await sequencer.unmirrored(copiedTo, COPY_PAGE)
      for (const { tenant_id, size, checkpoint } of heads) {
        if (stopped.aborted || !(await leadership.held())) return
        copiedTo = tenant_id
        await mirror(tenant_id, checkpoint)
        await sequencer.wasMirrored(tenant_id, size)
      }
      if (heads.length < COPY_PAGE) break
    }
    copiedTo = ''
  }
}

function drain({ outbox, temporal, reviews }: KeeperTools): () => Promise<void> {
  return async () => {
    const untold = await failuresOf(await outbox.take(['signal', 'cancel', 'review'], 100, 5), async (row) => {
      if (row.kind !== 'review') await tell(temporal, row)
      else if (reviews) await temporal.startReview(row)
      await outbox.done([row.id])
    })
    const seals = await outbox.takeSeals(SEAL_BATCH, 10, SEAL_PATIENCE_SECONDS)
    if (seals.length > 0)
      await temporal.startSeal(seals.map(({ tenant_id, operation_id }) => ({ tenant_id, operation_id })))
    const unstarted = await failuresOf(await outbox.unstarted(UNSTARTED_AFTER_SECONDS, 50), async (input) => {
      const runId = await temporal.startOperation(input)
      if (runId !== null) await outbox.noteRun(input.tenant_id, input.operation_id, runId)
    })
    throwFirst([...untold, ...unstarted])
  }
}

/** A run that is gone needs no telling: its row has the last word, and reconcile looks at rows without a run. */
async function tell(temporal: TemporalPort, row: OutboxRow): Promise<void> {
  if (row.kind === 'cancel') await temporal.wake(row)
  else if (row.payload.jws !== undefined) await temporal.signalDecide(row, row.payload.jws)
}
