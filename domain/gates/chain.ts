/**
 * The GateChain: all eight gates in the one order, each evaluated and recorded; the first block is the reason.
 *
 * Deny lattice: a gate that throws, or facts that cannot be read, is `<gate>.unavailable`, never a pass. For actions
 * that change controls every gate but audit is not applicable, so that a stopped system can be resumed.
 */
import { audit } from './audit.ts'
import { budget } from './budget.ts'
import { firearms } from './firearms.ts'
import { block, type Gate, notApplicable } from './gate.ts'
import { killSwitch } from './kill-switch.ts'
import { kpi } from './kpi.ts'
import { strategyLock } from './strategy-lock.ts'
import { temperature } from './temperature.ts'
import { threeWise } from './three-wise.ts'
import type { JsonObject } from '../canonical.ts'
import { Fact, FactUnreadable } from '../facts.ts'
import { kindHash } from '../hash.ts'
import type { Intent, Plan } from '../plan.ts'
import type { Pass, PassName, Verdict } from '../verdict.ts'

export const CHAIN_VERSION = 1
export const CHAIN: readonly Gate[] = Object.freeze([
  killSwitch,
  firearms,
  strategyLock,
  threeWise,
  budget,
  kpi,
  temperature,
  audit,
])

/** All eight verdicts, in order. Total: it never throws. */
export function runChain(plan: Plan, intent: Intent, facts: unknown): Verdict[] {
  const root = new Fact(facts, '')
  return CHAIN.map((gate) => {
    if (plan.governs && gate.name !== 'audit') return notApplicable(gate.name, { reason: 'governs' })
    try {
      return gate.evaluate(plan, intent, root)
    } catch (error) {
      const field = error instanceof FactUnreadable ? error.field : 'unexpected'
      return block(gate.name, `${gate.name}.unavailable`, { field })
    }
  })
}

/** The first block in chain order, or null when nothing blocks. */
export function firstBlock(verdicts: readonly Verdict[]): Verdict | null {
  return verdicts.find((verdict) => verdict.decision === 'block') ?? null
}

/** One pass: the facts as recorded, their hash, and the chain's verdicts over them. */
export function makePass(pass: PassName, plan: Plan, intent: Intent, facts: JsonObject): Pass {
  return { pass, facts, facts_hash: kindHash('facts', facts), verdicts: runChain(plan, intent, facts) }
}
