/**
 * Step 7: the same operation under other facts or another policy. Decides again over the recorded facts with the named ones
 * changed, and says which gate first decides otherwise, what the end would have been, and what nobody recorded that was
 * asked about or would be needed to know. A guess is never made: a gate that needs what is missing blocks, as it would have.
 */
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import type { PassName, Verdict } from '../domain/verdict.ts'
import type { BundleFiles } from './bundle-shape.ts'
import { type Change, stepsTo } from './change.ts'
import type { Decider } from './decisions.ts'
import { factsUnderPolicy } from './policy-facts.ts'
import { Divergence, ensure } from './report.ts'
import { ensureStandingGrant } from './standing-grant.ts'
import { Subject } from './subject.ts'
import type { Receipt } from '../domain/receipt.ts'

export interface WhatIf {
  operation_id: string
  /** The pass in which a verdict first changes, or null. */
  pass: PassName | null
  /** The first gate that decides otherwise there. */
  gate: { name: string; was: string; becomes: string } | null
  outcome: { was: string; becomes: string }
  /** Inputs nobody recorded, by dotted place, sorted. What is among them alone changes nothing. */
  missing: string[]
  /** Those of them that a gate needs: it blocks without. */
  needed: string[]
}

export function whatIf(files: BundleFiles, change: Change, deciders: readonly Decider[]): WhatIf {
  const { value: receipt } = new Subject(files, null).receipt
  const { plan, intent, passes, operation_id } = receipt
  const decider = deciders.find(({ chainVersion }) => chainVersion === plan.chain_version)
  ensure(decider !== undefined, `this checkout has no chain of version ${plan.chain_version}`)
  const missing = new Set<string>()
  const needed = new Set<string>()
  const was = outcomeOf(receipt)
  let first: Pick<WhatIf, 'pass' | 'gate'> = { pass: null, gate: null }
  let becomes: string | null = null
  for (const { pass, facts, verdicts } of passes) {
    const changed =
      'facts' in change
        ? setFacts(facts, change.facts, missing)
        : factsUnderPolicy(intent, plan, facts, change.policy, missing)
    const again = decider.makePass(pass, plan, intent, changed).verdicts
    for (const { code, evidence } of again)
      if (code?.endsWith('.unavailable') === true && typeof evidence['field'] === 'string')
        missing.add(evidence['field'])
    for (const place of missing) if (again.some((verdict) => lacks(verdict, place))) needed.add(place)
    const gate = firstChange(verdicts, again)
    if (first.pass === null && gate !== null) first = { pass, gate }
    // A verdict may change and the pass still go on: what a later pass makes of it is the end.
    becomes = otherEnd(pass, verdicts, again) ?? (stillApproved(receipt, pass, changed) ? null : 'votes are needed')
    if (becomes === null) continue
    if (first.pass === null) first = { pass, gate: null }
    break
  }
  return {
    operation_id,
    ...first,
    outcome: { was, becomes: becomes ?? was },
    missing: [...missing].sort(),
    needed: [...needed].sort(),
  }
}

function firstChange(recorded: readonly Verdict[], again: readonly Verdict[]): WhatIf['gate'] {
  const at = again.findIndex((verdict, index) => decisionOf(verdict) !== decisionOf(recorded[index]))
  const verdict = again[at]
  return verdict === undefined
    ? null
    : { name: verdict.gate, was: decisionOf(recorded[at]), becomes: decisionOf(verdict) }
}

/** How a pass ends the operation otherwise than it did, or null. What came after a block that is gone, nobody knows. */
function otherEnd(pass: PassName, recorded: readonly Verdict[], again: readonly Verdict[]): string | null {
  const [was, becomes] = [recorded, again].map((verdicts) => verdicts.find(({ decision }) => decision === 'block'))
  if (becomes === undefined) return was === undefined ? null : `not blocked in pass ${pass}`
  return was !== undefined && decisionOf(was) === decisionOf(becomes) ? null : `blocked ${becomes.code}`
}

function outcomeOf({ status, error_code }: Receipt): string {
  return error_code === null ? status : `${status} ${error_code}`
}

function decisionOf(verdict: Verdict | undefined): string {
  return verdict === undefined
    ? 'nothing'
    : verdict.code === null
      ? verdict.decision
      : `${verdict.decision} ${verdict.code}`
}

/** Whether the grant that stood in for votes still would, over these facts. */
function stillApproved({ approval, plan, intent }: Receipt, pass: PassName, facts: JsonObject): boolean {
  if (pass !== 'guard' || approval.satisfied_by !== 'license') return true
  try {
    ensureStandingGrant(plan, intent, facts, approval.license_id)
    return true
  } catch (error) {
    if (error instanceof Divergence) return false
    throw error
  }
}

/** Whether a gate blocks because it has no value there. A measurement that is missing has codes of its own. */
function lacks({ gate, decision, code, evidence }: Verdict, place: string): boolean {
  if (decision !== 'block') return false
  if (code?.endsWith('.unavailable') === true) return evidence['field'] === place
  const blind = code === 'kpi.measurement_missing' || (code === 'temperature.breach' && evidence['value'] === null)
  return blind && stepsTo(place)[0] === gate
}

/** Sets values by dotted place. A place that was not recorded is missing and stays so; only a whole fact may be added. */
function setFacts(facts: JsonObject, changes: JsonObject, missing: Set<string>): JsonObject {
  const copy = JSON.parse(canonicalJson(facts)) as JsonObject
  for (const [place, value] of Object.entries(changes)) {
    const steps = stepsTo(place)
    const last = steps.pop()
    let holder: Json | undefined = copy
    for (const step of steps) holder = memberOf(holder, step)
    const fits = last !== undefined && (memberOf(holder, last) !== undefined || steps.length === 0)
    if (!fits || typeof holder !== 'object' || holder === null) missing.add(place)
    else Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true })
  }
  return copy
}

function memberOf(holder: Json | undefined, step: string | number): Json | undefined {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, step)) return undefined
  if (Array.isArray(holder) !== (typeof step === 'number')) return undefined
  return (holder as Record<string | number, Json>)[step]
}
