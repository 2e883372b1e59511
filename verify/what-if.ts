/**
 * Step 7: the same operation under other facts or another policy. Decides again over the recorded facts with the named ones
 * changed, and says which gate first decides otherwise, what the end would have been, and what nobody recorded that would be
 * needed to know. A guess is never made: an input that is missing blocks, as it would have.
 *
 * The change is a JSON document: `{"facts": {"budget.policy.threshold": "1", "switches[0].state": "stopped"}}` sets facts by
 * their dotted place, `{"policy": {…}}` is a control document as `GET /policy` answers it.
 */
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import type { PolicyDocument } from '../domain/policy.ts'
import type { PassName, Verdict } from '../domain/verdict.ts'
import type { BundleFiles } from './bundle-shape.ts'
import type { Decider } from './decisions.ts'
import { factsUnderPolicy } from './policy-facts.ts'
import { Divergence, ensure } from './report.ts'
import { object, readJson, readText } from './shape.ts'
import { ensureStandingGrant } from './standing-grant.ts'
import { Subject } from './subject.ts'
import type { Receipt } from '../domain/receipt.ts'

export type Change = { facts: JsonObject } | { policy: PolicyDocument }

export interface WhatIf {
  operation_id: string
  /** The pass in which a verdict first changes, or null. */
  pass: PassName | null
  /** The first gate that decides otherwise there. */
  gate: { name: string; was: string; becomes: string } | null
  outcome: { was: string; becomes: string }
  /** Inputs nobody recorded, by dotted place, sorted. */
  missing: string[]
}

/** Throws `Divergence` for a document that is neither. */
export function readChange(bytes: Uint8Array): Change {
  const document = object(readJson(readText(bytes, 'the change'), 'the change'), 'the change')
  const { facts, policy } = document
  ensure((facts === undefined) !== (policy === undefined), 'the change holds facts or policy')
  if (facts !== undefined) return { facts: object(facts, 'facts') }
  return { policy: object(policy, 'policy') as PolicyDocument }
}

export function whatIf(files: BundleFiles, change: Change, deciders: readonly Decider[]): WhatIf {
  const { value: receipt } = new Subject(files, null).receipt
  const { plan, intent, passes, operation_id } = receipt
  const decider = deciders.find(({ chainVersion }) => chainVersion === plan.chain_version)
  ensure(decider !== undefined, `this checkout has no chain of version ${plan.chain_version}`)
  const missing = new Set<string>()
  const was = outcomeOf(receipt)
  for (const { pass, facts, verdicts } of passes) {
    const changed =
      'facts' in change
        ? setFacts(facts, change.facts, missing)
        : factsUnderPolicy(intent, plan, facts, change.policy, missing)
    const again = decider.makePass(pass, plan, intent, changed)
    for (const { code, evidence } of again.verdicts)
      if (code?.endsWith('.unavailable') === true && typeof evidence['field'] === 'string')
        missing.add(evidence['field'])
    const at = again.verdicts.findIndex((verdict, index) => decisionOf(verdict) !== decisionOf(verdicts[index]))
    const gate = again.verdicts[at]
    const block = again.verdicts.find(({ decision }) => decision === 'block')
    const blocked = verdicts.find(({ decision }) => decision === 'block')
    const approved = stillApproved(receipt, pass, changed)
    if (gate === undefined && approved) continue
    const becomes =
      block !== undefined
        ? `blocked ${block.code}`
        : blocked !== undefined
          ? `not blocked in pass ${pass}`
          : approved
            ? was
            : 'votes are needed'
    return {
      operation_id,
      pass,
      gate: gate === undefined ? null : { name: gate.gate, was: decisionOf(verdicts[at]), becomes: decisionOf(gate) },
      outcome: { was, becomes },
      missing: [...missing].sort(),
    }
  }
  return { operation_id, pass: null, gate: null, outcome: { was, becomes: was }, missing: [...missing].sort() }
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

/** Sets values by dotted place; a place whose surroundings were not recorded is missing. */
function setFacts(facts: JsonObject, changes: JsonObject, missing: Set<string>): JsonObject {
  const copy = JSON.parse(canonicalJson(facts)) as JsonObject
  for (const [place, value] of Object.entries(changes)) {
    const steps = [...place.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index))
    const last = steps.pop()
    let holder: Json | undefined = copy
    for (const step of steps) holder = memberOf(holder, step)
    const fits = Array.isArray(holder) ? typeof last === 'number' && last < holder.length : typeof last === 'string'
    if (last === undefined || !fits || typeof holder !== 'object' || holder === null) missing.add(place)
    else Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true })
  }
  return copy
}

function memberOf(holder: Json | undefined, step: string | number): Json | undefined {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, step)) return undefined
  return (holder as Record<string | number, Json>)[step]
}
