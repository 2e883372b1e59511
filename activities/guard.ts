/**
 * The guard: decides once more at the point of effect, under the fence, in one transaction, in the order of
 * docs/ARCHITECTURE.md a to e. It turns pass into block, never the reverse, and may run again at any point.
 */
import { effectRecord, endDocument, endedOutput, operationLeaf } from './endings.ts'
import { type Guarded, type Judged, judge } from './judge.ts'
import { bug, codeOf, type PassTools, previewOf, type WithRow } from './pass-tools.ts'
import type { EffectfulAction } from '../actions/define.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import { ExoError, type ErrorCode } from '../domain/errors.ts'
import { Fact } from '../domain/facts.ts'
import { kindHash } from '../domain/hash.ts'
import type { GuardTransaction, PassRow } from '../domain/operation-rows.ts'
import { endedPlace, PLACES } from '../domain/places.ts'
import type { Intent } from '../domain/plan.ts'
import type { EndedOutput, GuardInput, GuardOutput } from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'

/** Thrown inside the transaction by an effect the world refused, so that everything rolls back before it is recorded. */
interface Refusal {
  code: ErrorCode
  details: Readonly<Record<string, unknown>>
}

export interface GuardTools extends PassTools {
  /** True for an error of a backend that may heal. */
  isUnavailable(error: unknown): boolean
}

export function guardEffect(tools: GuardTools): (input: GuardInput) => Promise<GuardOutput> {
  return async ({ passes, votes: _votes, ...input }) => {
    const answer = await guardOnce<never>(tools, input, async () => passes)
    if ('instead' in answer) throw bug('the guard was told to do nothing')
    return answer
  }
}

/** The passes decided before the guard, or what is answered in its stead; then nothing happens. */
export type Before<Other> = (row: PassRow) => Promise<Pass[] | { instead: Other }>

/** The guard's transaction, with `before` over the row that it reads. */
export async function guardOnce<Other>(
  tools: GuardTools,
  input: Guarded,
  before: Before<Other>,
): Promise<GuardOutput | { instead: Other }> {
  const first = await attempt(tools, input, before, null)
  const answer = 'refusal' in first ? await attempt(tools, input, before, first.refusal) : first
  if ('refusal' in answer) throw bug('a recorded refusal was refused')
  if ('instead' in answer) return answer
  const { tenant_id, operation_id } = input
  const told = 'ended' in answer ? answer.ended : answer
  if ('ended' in answer) tools.announce({ tenant_id, operation_id, status: answer.ended.status, row: answer.row })
  else if (answer.outcome === 'ended') tools.announce({ tenant_id, operation_id, status: answer.status })
  tools.crashPoint('E8')
  return told
}

async function attempt<Other>(
  tools: GuardTools,
  input: Guarded,
  before: Before<Other>,
  refusal: Refusal | null,
): Promise<GuardOutput | Performed | { instead: Other } | { refusal: Refusal }> {
  try {
    tools.crashPoint('E1')
    const answer = await tools.operations.guarded(
      input.tenant_id,
      input.operation_id,
      input.governs,
      async (transaction) => {
        const passes = await before(transaction.row)
        if ('instead' in passes) return passes
        const judged = await judge(tools, input, transaction.row, true)
        return 'outcome' in judged ? judged : await perform(tools, { ...input, passes }, judged, transaction, refusal)
      },
    )
    tools.crashPoint('E7')
    return answer
  } catch (error) {
    if (error instanceof ExoError && refusal === null) return { refusal: { code: error.code, details: error.details } }
    if (tools.isUnavailable(error) || isContention(error)) throw error
    if (refusal === null && isRefusedByDatabase(error)) return { refusal: { code: 'effect.failed', details: {} } }
    throw bug('the guard failed', error)
  }
}

/** Done and committed, with the row as its readers see it. */
interface Performed {
  ended: EndedOutput
  row: JsonObject
}

/** Step e for the transactional kind: effect, claim, outcome and receipt in this one transaction. */
async function perform(
  tools: GuardTools,
  input: Guarded & { passes: Pass[] },
  { row, action, pass, votes, satisfied_by, license_id }: Judged,
  transaction: GuardTransaction,
  refusal: Refusal | null,
): Promise<Performed> {
  const { operation } = row
  const { intent, plan } = operation
  const intentLeaf = operationLeaf(input, row, 'effect.intent', {
    after: { effect_key: plan.effect_key, kind: plan.effect_kind, satisfied_by, license_id },
  })
  const controlLeaves = plan.governs && refusal === null ? [controlLeaf(input, row, action)] : []
  let result: Json = null
  if (action.effect.kind !== 'transactional') throw bug('the guard was given an effect outside')
  if (refusal === null && plan.governs) refuseWhoIsGone(intent, row.facts)
  if (refusal === null)
    result = await action.effect.perform(
      transaction.ports,
      {
        tenant_id: input.tenant_id,
        operation_id: input.operation_id,
        now: row.now,
        requested_by: intent.principal_id,
        approved_by: votes.filter(({ decision }) => decision === 'approve').map(({ by }) => by),
        person_id: operation.person_id,
        reason: operation.reason,
        effect_key: plan.effect_key,
        preconditions: intent.preconditions,
        control_leaf_hash: controlLeaves[0]?.leaf_hash ?? intentLeaf.leaf_hash,
      },
      intent.input,
    )
  tools.crashPoint('E2')
  const state = refusal === null ? 'committed' : 'failed'
  const outcomeLeaf = operationLeaf(input, row, 'effect.outcome', { code: refusal?.code ?? null, after: { state } })
  const shown = operation.shown_hash === null ? previewOf(row) : null
  const document = await endDocument(tools.receipts, input, row, {
    status: refusal === null ? 'executed' : 'failed',
    error_code: refusal?.code ?? null,
    error_details: (refusal?.details ?? {}) as Record<string, Json>,
    passes: [...input.passes, pass],
    votes,
    satisfied_by,
    license_id,
    effect: effectRecord(operation, state, 1, result),
    earlier_leaves: [intentLeaf, ...controlLeaves, outcomeLeaf],
    preview: shown,
    shown_hash: shown === null ? null : kindHash('shown', shown),
  })
  tools.crashPoint('E6')
  return { row: await transaction.end(document), ended: endedOutput(document.receipt) }
}

/** A change of controls has a leaf of its own, with what stood before and what stands then; rows it changes name it. */
function controlLeaf(input: Guarded, row: WithRow, { effect }: EffectfulAction<unknown>) {
  const { reason, intent } = row.operation
  const { preconditions } = intent
  const told =
    effect.kind === 'transactional'
      ? effect.tells?.({ operation_id: input.operation_id, preconditions, view: row.view }, intent.input)
      : undefined
  const { before, after } = told ?? { before: row.view, after: intent.input }
  return operationLeaf(input, row, 'control.changed', { reason, before, after })
}

/** The code of a refusal by the world or by a rule of the database; null for what is no refusal. */
export function codeOfRefusal(error: unknown): ErrorCode | null {
  if (error instanceof ExoError) return error.code
  return isRefusedByDatabase(error) && !isContention(error) ? 'effect.failed' : null
}

/** Serialisation failures, deadlocks, a grant spent or an end made by a neighbour: the next try decides on fresh facts. */
export function isContention(error: unknown): boolean {
  const code = codeOf(error)
  return (
    ['40001', '40P01', '55P03', 'EXO04', 'EXO05'].includes(code) ||
    (code === '23514' && /license_grants/.test(String(error)))
  )
}

function isRefusedByDatabase(error: unknown): boolean {
  return ['22', '23'].includes(codeOf(error).slice(0, 2))
}

/** Who asked must still be somebody, and where they asked must still be: no gate says so of an action that governs. */
function refuseWhoIsGone(intent: Intent, facts: JsonObject): void {
  const { status, membership } = (facts['principal'] ?? {}) as JsonObject
  if (status !== 'active' || membership !== 'active')
    throw new ExoError('effect.precondition_failed', 'Whoever asked for it was revoked meanwhile.')
  const ended = endedPlace(intent, new Fact(facts, ''))
  if (ended !== null)
    throw new ExoError('effect.precondition_failed', 'Where it was asked for was ended meanwhile.', {
      field: PLACES[ended].header,
    })
}
