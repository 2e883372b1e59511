/** The two workflows that keep the record whole: `seal` after operations closed, `reconcile` on a schedule. */
import { setWorkflowOptions } from '@temporalio/workflow'
import { keepingSteps } from './step-proxies.ts'
import type { ReconcileSteps, SealSteps } from '../domain/steps.ts'

setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, seal)
/** Seals a batch of ended operations. One that is not closed yet stays in the outbox and comes again. */
export async function seal(
  input: Parameters<SealSteps['sealOperations']>[0],
): Promise<{ sealed: number; waiting: number }> {
  return await keepingSteps.sealOperations(input)
}

setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, reconcile)
/** Finds what no run speaks for any more and ends it by the book. */
export async function reconcile(): ReturnType<ReconcileSteps['reconcile']> {
  return await keepingSteps.reconcile()
}
