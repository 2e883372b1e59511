/** Temporal as somebody with access to it could use it, past the API: a plain client with no converter of ours. */
import { Client, Connection, ScheduleOverlapPolicy, WorkflowNotFoundError } from '@temporalio/client'
import type { Database } from './database.ts'
import { until } from './until.ts'

export async function openTemporal(at: {
  address: string
  namespace: string
}): Promise<{ client: Client; close(): Promise<void> }> {
  const connection = await Connection.connect({ address: at.address })
  return { client: new Client({ connection, namespace: at.namespace }), close: () => connection.close() }
}

/**
 * Whoever looks after operations that stand still looks at this one as soon as its run has closed or is gone: it is made as
 * old as they have to be.
 */
export async function reconcileNow(owner: Database, client: Client, tenantId: string, id: string): Promise<void> {
  const run = client.workflow.getHandle(`${tenantId}/${id}`)
  await until(`the run of ${id} is over`, () =>
    run.describe().then(
      ({ status }) => status.name !== 'RUNNING',
      (error) => error instanceof WorkflowNotFoundError,
    ),
  )
  await moveChange(owner, tenantId, id, '-1 minute')
  await client.schedule.getHandle('exo-reconcile').trigger(ScheduleOverlapPolicy.ALLOW_ALL)
}

/** Resolves when the time of an effect's try is over, which nobody may be left to end. */
export async function leaseIsOver(owner: Database, tenantId: string, id: string, withinMs = 15_000): Promise<void> {
  const over = 'select from claims where operation_id = $1 and lease_until < clock_timestamp()'
  await until('the lease is over', async () => (await owner.within(tenantId, over, [id])).length > 0, { withinMs })
}

/** Moves the time at which an operation last changed, in PostgreSQL's words for an interval. */
export async function moveChange(owner: Database, tenantId: string, id: string, by: string): Promise<void> {
  await owner.transaction(async (rows) => {
    await rows.query(`select set_config('app.tenant', $1, true)`, [tenantId])
    // The row first, as everybody takes it: whoever has it would wait for the table, and this for the row.
    await rows.query('select from operations where id = $1 for update', [id])
    // The trigger tells the time of every change, this one as well. Nobody else writes until this is over.
    await rows.query('alter table operations disable trigger keep_lifecycle')
    await rows.query('update operations set updated_at = updated_at + $2::interval where id = $1', [id, by])
    await rows.query('alter table operations enable trigger keep_lifecycle')
  })
}
