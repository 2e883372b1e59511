/** An operation as the API tells it, and the two sums by which a reader knows that what is shown is what was hashed. */
import { refuse, usage } from './failure.ts'
import type { Session } from './session.ts'
import type { ApprovalTree } from '../domain/approval.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import type { GateName } from '../domain/errors.ts'
import { kindHash } from '../domain/hash.ts'
import { isFinal, type Status } from '../domain/lifecycle.ts'
import type { ActionClass, Assurance, Preview, RunKind } from '../domain/plan.ts'
import type { Decision, PassName } from '../domain/verdict.ts'

export interface OperationVote {
  by: string
  assurance: Assurance
  decision: 'approve' | 'deny'
  reason: string | null
  counted: boolean
  code: string | null
  at: string
}

export interface OperationVerdict {
  gate: GateName
  decision: Decision
  code: string | null
  evidence: JsonObject
}

export interface Operation {
  id: string
  tenant_id: string
  status: Status
  action: string
  action_version: number
  class: ActionClass
  run: RunKind
  target: string | null
  input: JsonObject
  estimated_cost: string
  reason: string | null
  idempotency_key: string
  requested_by: { principal_id: string; kind: string; on_behalf_of?: string[] }
  context: { project_id: string | null; request_id: string; trace_id: string | null }
  intent: JsonObject
  intent_hash: string
  plan_hash: string
  preview: Preview | null
  shown_hash: string | null
  decision_hash: string | null
  passes: { pass: PassName; facts_hash: string; verdicts: OperationVerdict[] }[]
  approval: {
    required: boolean
    quorum: number
    tree: ApprovalTree
    assurance: Assurance
    satisfied_by: string | null
    license_id: string | null
    expires_at: string | null
    votes: OperationVote[]
  }
  effect: { kind: string; key: string; state: string; attempts: number; result: Json } | null
  error: { code: string; message: string; details: JsonObject } | null
  undo_of: string | null
  undone_by: string | null
  resolved_by: string | null
  temporal: { namespace: string; workflow_id: string; run_id: string | null }
  links: Record<string, string>
  created_at: string
  updated_at: string
}

export function checkId(id: string): string {
  if (!/^op_[0-9a-z]{1,64}$/.test(id))
    throw usage(`${id} is not the id of an operation.`, { remedy: 'Ids look like op_7f3a….' })
  return id
}

export function isOperation(body: JsonObject): boolean {
  return typeof body.id === 'string' && body.id.startsWith('op_') && typeof body.status === 'string'
}

export async function readOperation(session: Session, id: string): Promise<Operation> {
  return (await session.api.get(`/operations/${checkId(id)}`)) as unknown as Operation
}

/**
 * Refuses an operation whose preview or intent is not what its hashes name, or that calls itself otherwise than its intent
 * does: a vote would be over something unseen.
 */
export function checkShown(operation: Operation): Preview {
  const { id, tenant_id, action, target, preview, shown_hash, intent, intent_hash } = operation
  if (preview === null || shown_hash === null)
    throw refuse('cli.nothing_shown', 'The operation has no preview yet, so there is nothing to decide about.')
  const named = { operation_id: id, tenant_id, action, target, class: operation.class }
  const sound =
    kindHash('shown', preview) === shown_hash &&
    kindHash('intent', intent) === intent_hash &&
    Object.entries(named).every(([key, value]) => intent[key] === value)
  if (!sound)
    throw refuse(
      'cli.shown_mismatch',
      'The preview or the intent does not have the hash it came with; nothing was signed or sent.',
      {
        remedy: 'Somebody between you and the deployment changed it, or the deployment is broken. Tell its operators.',
      },
    )
  return preview
}

const POLL_MS = 700

/** Reads the operation until it ended or the time is over. */
export async function followOperation(session: Session, id: string, seconds: number): Promise<Operation> {
  const until = Date.now() + seconds * 1000
  let operation = await readOperation(session, id)
  if (isFinal(operation.status) || seconds <= 0) return operation
  return await session.terminal.during(`${id} is ${operation.status}, waiting for its end`, async (tell) => {
    for (let told = operation.status; !isFinal(operation.status) && Date.now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, Math.max(0, until - Date.now()))))
      operation = await readOperation(session, id)
      if (operation.status !== told) tell(`${id} is ${operation.status}`)
      told = operation.status
    }
    return operation
  })
}
