/**
 * Asks a Temporal server whether workflows can run in a namespace.
 *
 * Guarantees: resolves only after the namespace was described and a history shard answered for it; rejects with the
 * reason otherwise. Leaves no connection open.
 */
import type { Connection } from '@temporalio/client'

const retentionDays = 30
const notFound = 5

export async function temporalAnswers(address: string, namespace: string): Promise<void> {
  const { Connection: Connector } = await import('@temporalio/client')
  const connection = await Connector.connect({ address, connectTimeout: 2_000 })
  try {
    await connection.withDeadline(Date.now() + 3_000, async () => {
      await keepLongEnough(connection, namespace)
      await shardAnswers(connection, namespace)
    })
  } finally {
    await connection.close()
  }
}

/** The development server forgets closed runs after a day, which is less than a weekend without anybody looking. */
async function keepLongEnough(connection: Connection, namespace: string): Promise<void> {
  const { config } = await connection.workflowService.describeNamespace({ namespace })
  // The generated type asks for a Long; the encoder takes a number as well.
  const wanted = retentionDays * 24 * 60 * 60
  if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) >= wanted) return
  const workflowExecutionRetentionTtl = { seconds: wanted as never }
  await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } })
}

/** A run that cannot exist: the answer that it does not comes from the history service, not from the frontend. */
async function shardAnswers(connection: Connection, namespace: string): Promise<void> {
  try {
    await connection.workflowService.describeWorkflowExecution({
      namespace,
      execution: { workflowId: 'exoarmur/readiness' },
    })
  } catch (error) {
    if ((error as { code?: number }).code !== notFound) throw error
  }
}
