/**
 * Whether a row, its signed proposal and the run's hashes speak of the same thing. Without that nothing may follow:
 * authority is a signature or a committed row, never an arrival.
 */
import { intentHash, planHash } from '../domain/plan.ts'
import type { PassRow } from '../domain/operation-rows.ts'
import type { JwsReader } from '../domain/ports.ts'
import { PROPOSAL_TYP } from '../domain/receipt.ts'
import type { OperationRef } from '../domain/steps.ts'

/** Null when sound, else which part is not. */
export async function proposalFault(
  keys: JwsReader,
  ref: Omit<OperationRef, 'run_id'>,
  operation: NonNullable<PassRow['operation']>,
): Promise<string | null> {
  const { intent, plan } = operation
  if (operation.intent_hash !== ref.intent_hash || intentHash(intent) !== ref.intent_hash) return 'intent'
  if (operation.plan_hash !== ref.plan_hash || planHash(plan) !== ref.plan_hash) return 'plan'
  const read = await keys.read(operation.proposal, PROPOSAL_TYP, 'proposal')
  if ('failed' in read) return `proposal ${read.failed}`
  const claims: unknown = JSON.parse(read.payload)
  const expected = {
    operation_id: ref.operation_id,
    tenant: ref.tenant_id,
    intent_hash: ref.intent_hash,
    plan_hash: ref.plan_hash,
    principal_id: intent.principal_id,
  }
  const same = Object.entries(expected).every(([key, value]) => (claims as Record<string, unknown>)[key] === value)
  return same ? null : 'proposal claims'
}

/** Why an effect that has begun goes no further: its row is not what was signed any more. */
export function notApproved(fault: string): string {
  return `not as it was approved: ${fault}`
}
