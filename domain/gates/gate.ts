/** What a gate is: a pure function over recorded facts. A thrown fact becomes `<gate>.unavailable` in the chain. */
import type { JsonObject } from '../canonical.ts'
import type { ErrorCode, GateName } from '../errors.ts'
import type { Fact } from '../facts.ts'
import type { Intent, Plan } from '../plan.ts'
import type { Verdict } from '../verdict.ts'

export interface Gate {
  readonly name: GateName
  /** A released gate never changes meaning: a change is a new version, and the chain's version moves with it. */
  readonly version: number
  readonly evaluate: (plan: Plan, intent: Intent, facts: Fact) => Verdict
}

export const allow = (gate: GateName, evidence: JsonObject = {}): Verdict => ({
  gate,
  decision: 'allow',
  code: null,
  evidence,
})

export const block = (gate: GateName, code: ErrorCode, evidence: JsonObject = {}): Verdict => ({
  gate,
  decision: 'block',
  code,
  evidence,
})

export const notApplicable = (gate: GateName, evidence: JsonObject): Verdict => ({
  gate,
  decision: 'not_applicable',
  code: null,
  evidence,
})

/** An approved `not_required` entry for a metric gate, still running at `now`, or null. */
export function waiver(gate: 'budget' | 'kpi' | 'temperature', facts: Fact): JsonObject | null {
  const nowMs = facts.get('now').instantMs()
  for (const entry of facts.get('waivers').list())
    if (entry.get('gate').oneOf('budget', 'kpi', 'temperature') === gate && entry.get('until').instantMs() > nowMs)
      return {
        waived_by: entry.get('waived_by').string(),
        until: entry.get('until').string(),
        reason: entry.get('reason').string(),
      }
  return null
}

/** Whether an instant lies between so long ago and now, both included. One in the future is nobody's measurement. */
export function isFresh(atMs: number, nowMs: number, maxAgeMs: number): boolean {
  return atMs <= nowMs && nowMs - atMs <= maxAgeMs
}
