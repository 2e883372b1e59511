/** How targets outside are spoken to: the context of a try, and what became of one that has no outcome. */
import { leaseOf } from './claiming.ts'
import { bug, type WithRow } from './pass-tools.ts'
import type { EffectfulAction, OutsideEffect } from '../actions/define.ts'
import type { Fence } from '../domain/operation-rows.ts'
import type { Outcome, OutsideContext, OutsideKind, OutsidePorts } from '../domain/outside.ts'

export interface TargetTools {
  ports: OutsidePorts
  /** Answers milliseconds since it was called, those that the machine slept among them. */
  stopwatch(): () => number
}

/** Given up this long before the lease ends, so that what was begun is over when it does. */
const MARGIN_MS = 500

/** What the target itself tells of earlier tries; null where it cannot, or knows of none. Nothing is sent again. */
export async function lookFor(
  { ports, stopwatch }: TargetTools,
  effect: OutsideEffect<unknown>,
  row: WithRow,
): Promise<Outcome | null> {
  if (effect.probe === undefined) return null
  try {
    const context = contextOf(row, row.claim?.attempts ?? 1, stopwatch())
    return await effect.probe(ports, context, row.operation.intent.input)
  } catch (error) {
    return { state: 'unknown', details: { reason: wordOf(error) } }
  }
}

/** The lease began at the server no earlier than what claimed it was sent, since when it is `elapsed`; it ends with the fence. */
export function contextOf(
  { operation, now }: WithRow,
  attempts: number,
  elapsed: () => number,
  fence?: Fence,
): OutsideContext {
  const { intent, plan, person_id, reason } = operation
  const mostMs = Math.min(plan.effect_timeout_ms, leaseOf(plan) - MARGIN_MS)
  return {
    tenant_id: intent.tenant_id,
    operation_id: intent.operation_id,
    now,
    requested_by: intent.principal_id,
    person_id,
    reason,
    effect_key: plan.effect_key,
    preconditions: intent.preconditions,
    kind: plan.effect_kind as OutsideKind,
    target: intent.target,
    attempts,
    timeLeftMs: () => (fence?.holds() === false ? -1 : Math.floor(mostMs - elapsed())),
  }
}

export function outsideOf(action: EffectfulAction<unknown>): OutsideEffect<unknown> {
  if (action.effect.kind === 'transactional') throw bug('an effect inside the database has no lease')
  return action.effect
}

/** Why a try told nothing, in a word that holds nothing of the target's. */
export function wordOf(error: unknown): string {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError') ? 'timeout' : 'lost'
}
