/**
 * The outcome of a claim: one transaction with its leaf, the settlement, the end and the receipt. What it rested on is read
 * from the claim, not from what stands now: voters may have gone since.
 */
import { effectRecord, endDocument, endedOutput, operationLeaf } from './endings.ts'
import { bug, hasRow, type PassTools } from './pass-tools.ts'
import type { JsonObject } from '../domain/canonical.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { EndDocument, EndingRows, PassRow } from '../domain/operation-rows.ts'
import type { Outcome } from '../domain/outside.ts'
import type { EndedOutput, OperationRef } from '../domain/steps.ts'

/** The run is null where it is not the one that concludes. */
export type Ref = Omit<OperationRef, 'run_id'> & { run_id: string | null }

/** How it ended, with the row as its readers see it where this is what ended it. */
export interface Told {
  ended: EndedOutput
  row?: JsonObject
}

/**
 * Ends the operation as the outcome says; one that has ended already answers what it ended with. `claimed` is its row, where
 * that was read since it was claimed.
 */
export async function concludeClaim(
  tools: Pick<PassTools, 'receipts' | 'crashPoint'> & { operations: EndingRows },
  ref: Ref,
  outcome: Outcome,
  claimed: PassRow | null = null,
): Promise<Told> {
  const row = claimed ?? (await tools.operations.readClaimed(ref.tenant_id, ref.operation_id))
  if (row.receipt !== null) return { ended: endedOutput(row.receipt.receipt) }
  const document = await outcomeDocument(tools, ref, row, outcome)
  tools.crashPoint('E6')
  return await commitEnd(tools.operations, { ...document, run_id: ref.run_id })
}

/** Ends the operation, and answers how it ended: as the document says, or as somebody else said before. */
export async function commitEnd(operations: EndingRows, document: EndDocument): Promise<Told> {
  const { ended, row } = await operations.endOperation(document)
  if (ended) return { ended: endedOutput(document.receipt), ...(row === undefined ? {} : { row }) }
  const again = await operations.readClaimed(document.tenant_id, document.operation_id)
  if (again.receipt === null) throw bug('an ended operation has no receipt')
  return { ended: endedOutput(again.receipt.receipt) }
}

/** Tells whoever waits for this end. */
export function announceEnd(
  tools: Pick<PassTools, 'announce'>,
  { tenant_id, operation_id }: { tenant_id: string; operation_id: string },
  { ended: { status }, row }: Told,
): void {
  tools.announce({ tenant_id, operation_id, status, ...(row === undefined ? {} : { row }) })
}

/** The end that an outcome makes of a claimed operation; `settled` where that is not all of its cost or nothing. */
export async function outcomeDocument(
  tools: Pick<PassTools, 'receipts'>,
  ref: Ref,
  row: PassRow,
  outcome: Outcome,
  settled?: string,
): Promise<EndDocument> {
  if (!hasRow(row)) throw bug('the operation has no row')
  const { claim, operation } = row
  if (claim === null) throw bug('an outcome without a claim')
  const code = codeOf(outcome)
  return await endDocument(tools.receipts, { ...ref, run_id: ref.run_id ?? '' }, row, {
    status: outcome.state === 'committed' ? 'executed' : outcome.state,
    error_code: code,
    error_details: outcome.state === 'committed' ? {} : outcome.details,
    passes: claim.passes,
    votes: claim.votes,
    satisfied_by: claim.satisfied_by,
    license_id: claim.grant_id,
    effect: effectRecord(
      operation,
      outcome.state,
      claim.attempts,
      outcome.state === 'committed' ? outcome.result : null,
    ),
    earlier_leaves: [
      operationLeaf(ref, row, 'effect.outcome', { code, after: afterOf(outcome) }),
      ...(outcome.state === 'unknown'
        ? [operationLeaf(ref, row, 'alarm', { code, reason: 'people have to look' })]
        : []),
    ],
    preview: null,
    shown_hash: null,
    ...(settled === undefined ? {} : { settled }),
  })
}

function codeOf(outcome: Outcome): ErrorCode | null {
  switch (outcome.state) {
    case 'committed':
      return null
    case 'failed':
      return outcome.code
    case 'unknown':
      return 'effect.unknown'
  }
}

function afterOf(outcome: Outcome): JsonObject {
  return outcome.state === 'committed' ? { state: outcome.state } : { state: outcome.state, details: outcome.details }
}
