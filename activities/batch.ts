/**
 * The guard and the effects of an operation of several inputs. The claim commits first, with all it rests on. Then the items
 * follow in their order, some in each transaction, with what became of them: under the fence, so that a stop holds between
 * them, and from the first that has no outcome yet, so that none is done twice, whoever died. The last transaction ends it.
 */
import { claimOf } from './claiming.ts'
import { announceEnd, outcomeDocument, type Ref, type Told } from './conclude.ts'
import { endedOutput } from './endings.ts'
import { type Before, codeOfRefusal, type GuardTools, isContention } from './guard.ts'
import { type Guarded, judge } from './judge.ts'
import { bug, hasRow, type PassTools, type WithRow } from './pass-tools.ts'
import { notApproved, proposalFault } from './proposals.ts'
import { itemsOf } from '../actions/batch.ts'
import { findEffectful } from '../actions/registry.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { makePass } from '../domain/gates/chain.ts'
import { sha256TextHex } from '../domain/hash.ts'
import { fromMicros, toMicros } from '../domain/money.ts'
import type { BatchItem, GuardTransaction } from '../domain/operation-rows.ts'
import type { Outcome } from '../domain/outside.ts'
import type { GuardOutput } from '../domain/steps.ts'

export interface BatchTools extends GuardTools {
  keepAlive(): () => void
}

/** Items in one transaction: as long as a stop may have to wait. */
const AT_ONCE = 25
const RESULT_BYTES = 256

export async function batchOnce<Other>(
  tools: BatchTools,
  input: Guarded,
  before: Before<Other>,
): Promise<GuardOutput | { instead: Other }> {
  const done = tools.keepAlive()
  try {
    tools.crashPoint('E1')
    const answer = await within(tools, input, async (transaction) => await begin(tools, input, before, transaction))
    if (answer !== null) return answer
    tools.crashPoint('E3')
    for (;;) {
      const told = await within(tools, input, async (transaction) => await goOn(tools, input, transaction))
      tools.crashPoint('E5')
      if (told === null) continue
      tools.crashPoint('E7')
      announceEnd(tools, input, told)
      return told.ended
    }
  } finally {
    done()
  }
}

async function within<T>(
  tools: BatchTools,
  { tenant_id, operation_id, governs }: Guarded,
  work: (transaction: GuardTransaction) => Promise<T>,
): Promise<T> {
  try {
    return await tools.operations.guarded(tenant_id, operation_id, governs, work)
  } catch (error) {
    if (tools.isUnavailable(error) || isContention(error)) throw error
    throw bug('the items failed', error)
  }
}

/** Claims it, unless somebody did; answers what is said instead. */
async function begin<Other>(
  tools: BatchTools,
  input: Guarded,
  before: Before<Other>,
  transaction: GuardTransaction,
): Promise<GuardOutput | { instead: Other } | null> {
  const { row } = transaction
  if (hasRow(row) && row.receipt === null && row.claim !== null) return null
  const passes = await before(row)
  if ('instead' in passes) return passes
  const judged = await judge(tools, input, row, true)
  if ('outcome' in judged) return judged
  await transaction.claim(claimOf(input, [...passes, judged.pass], judged))
  return null
}

/** The next items, or the end; null while there is more to do. */
async function goOn(tools: BatchTools, input: Guarded, transaction: GuardTransaction): Promise<Told | null> {
  const { row } = transaction
  if (!hasRow(row)) throw bug('a claimed operation has no row')
  if (row.receipt !== null) return { ended: endedOutput(row.receipt.receipt) }
  // The row was read anew: what follows is what was approved or nothing, and nothing else that it says is settled.
  const fault = await proposalFault(tools.keys, input, row.operation)
  if (fault !== null)
    return await conclude(tools, input, transaction, row, { state: 'unknown', details: { reason: notApproved(fault) } })
  const items = itemsOf(row.operation.intent.input)
  const past = row.batch_items ?? []
  if (past.length >= items.length) return await end(tools, input, transaction, row, past)
  const obstacle = obstacleTo(row)
  if (obstacle !== null) return await endHere(tools, input, transaction, row, obstacle)
  const kept: BatchItem[] = []
  for (let index = past.length; index < items.length && kept.length < AT_ONCE; index++)
    kept.push(await perform(row, transaction, index, items[index] ?? {}))
  tools.crashPoint('E2')
  await transaction.keep(input, kept)
  return null
}

/** Ends a claimed operation of several inputs whose run is gone: what is done is done, and nothing follows. */
export async function endBatch(
  tools: Pick<PassTools, 'operations' | 'receipts'>,
  ref: Ref,
  code: ErrorCode,
): Promise<void> {
  await tools.operations.guarded(ref.tenant_id, ref.operation_id, false, async (transaction) => {
    const { row } = transaction
    if (hasRow(row) && row.receipt === null) await endHere(tools, ref, transaction, row, code)
  })
}

/** The items that have an outcome keep it; none of the others is performed. */
async function endHere(
  tools: Pick<PassTools, 'receipts'>,
  ref: Ref,
  transaction: GuardTransaction,
  row: WithRow,
  code: ErrorCode,
): Promise<Told> {
  const past = row.batch_items ?? []
  const blocked = itemsOf(row.operation.intent.input)
    .slice(past.length)
    .map((_, index): BatchItem => outcomeAt(past.length + index, code, 'blocked'))
  return await end(tools, ref, transaction, row, [...past, ...blocked])
}

/** What forbids any more of them: a stop since, or an action that is gone. What else was decided was decided. */
function obstacleTo({ operation: { plan, intent }, facts }: WithRow): ErrorCode | null {
  const [kill] = makePass('guard', plan, intent, facts).verdicts
  if (kill?.decision === 'block') return kill.code ?? 'kill_switch.blocked'
  return findEffectful(intent.action, intent.action_version) === null ? 'action.version_unavailable' : null
}

async function perform(
  row: WithRow,
  transaction: GuardTransaction,
  index: number,
  item: JsonObject,
): Promise<BatchItem> {
  const { intent, plan, person_id, reason } = row.operation
  const effect = findEffectful(intent.action, intent.action_version)?.effect
  if (effect?.kind !== 'transactional') throw bug('a batch of effects outside')
  const done = await transaction.attempt(
    async () =>
      await effect.perform(
        transaction.ports,
        {
          tenant_id: intent.tenant_id,
          operation_id: intent.operation_id,
          now: row.now,
          requested_by: intent.principal_id,
          approved_by: (row.claim?.votes ?? []).filter(({ decision }) => decision === 'approve').map(({ by }) => by),
          person_id,
          reason,
          effect_key: sha256TextHex(canonicalJson([plan.effect_key, index + 1])),
          preconditions: {},
          control_leaf_hash: '',
        },
        item,
      ),
  )
  if ('result' in done) return { ...outcomeAt(index, null, 'committed'), result: short(done.result) }
  const code = codeOfRefusal(done.thrown)
  if (code === null) throw done.thrown
  return outcomeAt(index, code, 'failed')
}

function outcomeAt(index: number, code: ErrorCode | null, state: BatchItem['state']): BatchItem {
  return { n: index + 1, state, code, result: null }
}

/** A result that is long is told by its digest. */
function short(result: Json): Json {
  const text = canonicalJson(result)
  return text.length <= RESULT_BYTES ? result : { sha256: sha256TextHex(text) }
}

async function end(
  tools: Pick<PassTools, 'receipts'>,
  ref: Ref,
  transaction: GuardTransaction,
  row: WithRow,
  items: BatchItem[],
): Promise<Told> {
  const many = (state: BatchItem['state']) => items.filter((item) => item.state === state).length
  const [committed, failed, blocked] = [many('committed'), many('failed'), many('blocked')]
  const outcome: Outcome =
    committed > 0
      ? { state: 'committed', result: { items, committed, failed, blocked } as unknown as Json }
      : { state: 'failed', code: items[0]?.code ?? 'effect.failed', details: { committed, failed, blocked } }
  const unit = toMicros(row.operation.plan.batch?.unit_cost) ?? 0n
  const settled = fromMicros(unit * BigInt(committed)) ?? '0'
  return await conclude(tools, ref, transaction, row, outcome, settled)
}

async function conclude(
  tools: Pick<PassTools, 'receipts'>,
  ref: Ref,
  transaction: GuardTransaction,
  row: WithRow,
  outcome: Outcome,
  settled?: string,
): Promise<Told> {
  const document = await outcomeDocument(tools, ref, row, outcome, settled)
  const seen = await transaction.end({ ...document, run_id: ref.run_id })
  return { ended: endedOutput(document.receipt), row: seen }
}
