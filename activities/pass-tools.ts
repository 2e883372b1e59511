/** What every step is given, and what each of them asks of the row it reads. */
import { ApplicationFailure } from '@temporalio/common'
import type { ReceiptTools } from './endings.ts'
import { batchPreview } from '../actions/batch.ts'
import { findEffectful } from '../actions/registry.ts'
import { type JsonObject, NotIJson } from '../domain/canonical.ts'
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
    ? action.preview(intent.input, row.view, intent.target)
    : batchPreview(action, intent.input, row.view)
}

export function hasRow(row: PassRow): row is WithRow {
  return row.operation !== null
}

type AnyStep = (input: never) => Promise<unknown>

/** The same steps, of which one ends with a bug where the data itself forbids it: no later try would heal that. */
export function endingOnBugs<S extends Record<string, AnyStep>>(steps: S): S {
  const wrapped = Object.entries(steps).map(([name, step]) => [
    name,
    async (input: never) => {
      try {
        return await step(input)
      } catch (error) {
        if (isOfTheData(error)) throw bug(`${name} failed`, error)
        throw error
      }
    },
  ])
  return Object.fromEntries(wrapped) as S
}

/** What cannot be hashed, and what PostgreSQL calls a data exception. */
function isOfTheData(error: unknown): boolean {
  return error instanceof NotIJson || codeOf(error).startsWith('22')
}

/** The code that PostgreSQL gave an error, or nothing. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
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
