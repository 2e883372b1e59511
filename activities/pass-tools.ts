/** What every step is given, and what each of them asks of the row it reads. */
import { ApplicationFailure } from '@temporalio/common'
import type { ReceiptTools } from './endings.ts'
import { batchPreview } from '../actions/batch.ts'
import { findEffectful } from '../actions/registry.ts'
import type { JsonObject } from '../domain/canonical.ts'
import type { CrashPoint } from '../domain/crash-points.ts'
import type { OperationRows, PassRow } from '../domain/operation-rows.ts'
import type { Preview } from '../domain/plan.ts'
import type { JwsReader } from '../domain/ports.ts'
import type { VoteTools } from '../domain/vote-admission.ts'

export interface PassTools {
  operations: OperationRows
  keys: JwsReader
  votes: VoteTools
  receipts: ReceiptTools
  /** Told after commit; an answer in time, never the record. */
  announce(event: { tenant_id: string; operation_id: string; status: string; row?: JsonObject }): void
  /** Named places where tests stop the process; does nothing elsewhere. */
  crashPoint(name: CrashPoint): void
}

/** A row that was found. */
export type WithRow = PassRow & { operation: NonNullable<PassRow['operation']> }

/** The action's pure preview over what the pass read; null when the registry no longer has the planned version. */
export function previewOf(row: WithRow): Preview | null {
  const { intent, plan } = row.operation
  const action = findEffectful(intent.action, intent.action_version)
  if (action === null) return null
  return plan.batch === undefined
    ? action.preview(intent.input, row.view)
    : batchPreview(action, intent.input, row.view)
}

export function hasRow(row: PassRow): row is WithRow {
  return row.operation !== null
}

/** A failure that trying again cannot heal; the run ends failed instead of parking. */
export function bug(message: string, cause?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: 'Bug',
    nonRetryable: true,
    ...(cause instanceof Error ? { cause } : {}),
  })
}
