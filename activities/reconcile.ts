/**
 * Puts right what runs left behind: an operation whose run is gone is started again, one whose run closed without telling
 * an end is ended, and neither repeats an effect. What was uploaded and never registered is swept, and
 * locks whose time is over expire.
 */
import { endBatch } from './batch.ts'
import { concludeClaim } from './conclude.ts'
import { endDocument, operationLeaf, type ReceiptTools } from './endings.ts'
import { type ExpiryTools, expireLocks } from './expire-locks.ts'
import { hasRow } from './pass-tools.ts'
import { notApproved, proposalFault } from './proposals.ts'
import { type SweepTools, sweepUploads } from './sweep.ts'
import { lookFor, outsideOf, type TargetTools } from './targets.ts'
import { findEffectful } from '../actions/registry.ts'
import type { CrashPoint } from '../domain/crash-points.ts'
import type { OperationRows, PassRow } from '../domain/operation-rows.ts'
import type { Outcome } from '../domain/outside.ts'
import type { JwsReader } from '../domain/ports.ts'
import type { OperationInput, ReconcileSteps } from '../domain/steps.ts'

interface Ref {
  tenant_id: string
  operation_id: string
}

export interface ReconcileTools extends SweepTools, ExpiryTools, TargetTools {
  operations: OperationRows
  receipts: ReceiptTools
  keys: JwsReader
  runs: {
    runState(ref: Ref): Promise<'running' | 'closed' | 'absent'>
    startOperation(input: OperationInput): Promise<string | null>
  }
  outbox: {
    /** Oldest first, after the given place. */
    lingering(olderThanSeconds: number, after: Place | null, limit: number): Promise<(Ref & Place)[]>
    counts(): Promise<{ waiting: number; unsealed: number }>
  }
  heartbeat(): void
  /** Named places where tests stop the process. */
  crashPoint(name: CrashPoint): void
}

/** Where a look through the open operations has come to. */
export interface Place {
  updated_at: string
  operation_id: string
}

const LINGERING_SECONDS = 20
const PAGE = 50
/** A target that does not answer is asked again in a later round, for as long after the claim. */
const LOOKED_FOR_MS = 600_000

export function reconcileSteps(tools: ReconcileTools): ReconcileSteps {
  return {
    async reconcile() {
      let [ended, restarted] = [0, 0]
      let page: (Ref & Place)[] = []
      const failures: unknown[] = []
      // All of them: operations that wait for people are old and open, and must not hide the one whose run is gone.
      do {
        page = await tools.outbox.lingering(LINGERING_SECONDS, page.at(-1) ?? null, PAGE)
        const states = await Promise.all(page.map((ref) => tools.runs.runState(ref)))
        for (const [index, ref] of page.entries()) {
          tools.heartbeat()
          // One that cannot be put right keeps nobody else waiting.
          try {
            if (states[index] === 'closed' && (await endOrphan(tools, ref))) ended++
            if (states[index] === 'absent' && (await startAgain(tools, ref))) restarted++
          } catch (error) {
            failures.push(error)
          }
        }
      } while (page.length === PAGE)
      const { unsealed } = await tools.outbox.counts()
      tools.heartbeat()
      const done = { restarted, ended, unsealed, swept: await sweepUploads(tools), expired: await expireLocks(tools) }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '))
      return done
    },
  }
}

/** A run that Temporal no longer knows is started anew from its row, and finds there what was decided before. */
async function startAgain(tools: ReconcileTools, { tenant_id, operation_id }: Ref): Promise<boolean> {
  const row = await tools.operations.readPass(tenant_id, operation_id)
  if (!hasRow(row) || row.receipt !== null) return false
  const { intent, intent_hash, plan, plan_hash, proposal } = row.operation
  const input = { v: 1, tenant_id, operation_id, intent, intent_hash, plan, plan_hash, proposal } as const
  return (await tools.runs.startOperation(input)) !== null
}

/** A closed run without a receipt was terminated, reset or failed: the operation ends failed, and no effect exists. */
async function endOrphan(tools: ReconcileTools, ref: Ref): Promise<boolean> {
  const row = await tools.operations.readPass(ref.tenant_id, ref.operation_id)
  if (!hasRow(row) || row.receipt !== null) return false
  if (row.claim !== null) return await endDispatched(tools, ref, row)
  const { operation } = row
  const alarm = operationLeaf(ref, row, 'alarm', { code: 'run.terminated', reason: 'the run closed without a receipt' })
  const document = await endDocument(
    tools.receipts,
    { ...ref, intent_hash: operation.intent_hash, plan_hash: operation.plan_hash, run_id: '' },
    row,
    {
      status: 'failed',
      error_code: 'run.terminated',
      error_details: {},
      passes: operation.passes,
      votes: row.votes,
      satisfied_by: null,
      license_id: null,
      effect: null,
      earlier_leaves: [alarm],
      preview: null,
      shown_hash: null,
    },
  )
  tools.crashPoint('Q1')
  const { ended } = await tools.operations.endOperation({ ...document, run_id: null })
  tools.crashPoint('Q2')
  return ended
}

/**
 * An effect was on its way when the run was closed. Once its lease has ended, what the target tells of it stands, and of
 * several inputs what their rows tell; nothing is tried again, and what nobody tells is unknown.
 */
async function endDispatched(tools: ReconcileTools, { tenant_id, operation_id }: Ref, row: PassRow): Promise<boolean> {
  if (!hasRow(row) || (row.claim?.lease_ms ?? 0) > 0) return false
  const { intent, intent_hash, plan, plan_hash } = row.operation
  const ref = { tenant_id, operation_id, intent_hash, plan_hash, run_id: null }
  const ends = async (end: () => Promise<unknown>) => {
    tools.crashPoint('Q1')
    await end()
    tools.crashPoint('Q2')
    return true
  }
  const concludes = async (outcome: Outcome) => await ends(() => concludeClaim(tools, ref, outcome))
  const unknown = (reason: string): Outcome => ({ state: 'unknown', details: { reason } })
  const fault = await proposalFault(tools.keys, ref, row.operation)
  if (fault !== null) return await concludes(unknown(notApproved(fault)))
  if (plan.batch !== undefined) return await ends(() => endBatch(tools, ref, 'run.terminated'))
  const action = findEffectful(intent.action, intent.action_version)
  const looked = action === null ? null : await lookFor(tools, outsideOf(action), row)
  if (looked?.state === 'unknown' && (row.claim?.age_ms ?? 0) < LOOKED_FOR_MS) return false
  return await concludes(looked === null || looked.state === 'unknown' ? unknown('run.terminated') : looked)
}
