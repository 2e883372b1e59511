/**
 * Step 3: the decision made again. The chain is an argument: whoever verifies brings their own gates, and every verdict of every
 * pass must come out as recorded, from the recorded facts, down to the decision's hash.
 */
import { canonicalJson, type JsonObject } from '../domain/canonical.ts'
import { kindHash } from '../domain/hash.ts'
import type { Intent, Plan } from '../domain/plan.ts'
import type { DecisionInput } from '../domain/receipt.ts'
import type { Pass, PassName } from '../domain/verdict.ts'
import type { Check } from './check.ts'
import { ensure } from './report.ts'
import type { Subject } from './subject.ts'

/** The pure core that decides, of one chain version. */
export interface Decider {
  readonly chainVersion: number
  makePass(pass: PassName, plan: Plan, intent: Intent, facts: JsonObject): Pass
  decisionHash(decision: DecisionInput): string
}

export function decisionChecks(deciders: readonly Decider[]): readonly Check[] {
  return [
    { name: 'decisions.hashes', run: hashes },
    { name: 'decisions.passes', run: (subject) => passes(subject, deciderOf(subject, deciders)) },
    { name: 'decisions.outcome', run: (subject) => outcome(subject, deciderOf(subject, deciders)) },
  ]
}

function deciderOf({ receipt }: Subject, deciders: readonly Decider[]): Decider {
  const { plan, code } = receipt.value
  const decider = deciders.find(({ chainVersion }) => chainVersion === plan.chain_version)
  ensure(decider !== undefined, `this checkout has no chain of version ${plan.chain_version}`)
  ensure(code.chain === plan.chain_version, 'receipt and plan name another chain version')
  return decider
}

function hashes({ receipt }: Subject): string {
  const { intent, intent_hash, plan, plan_hash, passes: given, operation_id, tenant_id } = receipt.value
  ensure(kindHash('intent', intent) === intent_hash, 'the intent has another hash')
  ensure(kindHash('plan', plan) === plan_hash, 'the plan has another hash')
  for (const { pass, facts, facts_hash } of given)
    ensure(kindHash('facts', facts) === facts_hash, `pass ${pass}: the facts have another hash`)
  ensure(intent.operation_id === operation_id, 'the intent is of another operation')
  ensure(intent.tenant_id === tenant_id, 'the intent is of another tenant')
  for (const member of ['action', 'action_version', 'class'] as const)
    ensure(intent[member] === plan[member], `intent and plan name another ${member}`)
  return 'intent, plan and facts agree with their hashes'
}

const ORDER: readonly PassName[] = ['propose', 'resume', 'guard']

function passes({ receipt }: Subject, decider: Decider): string {
  const { intent, plan, passes: recorded } = receipt.value
  const names = recorded.map(({ pass }) => pass)
  ensure(names.join() === ORDER.filter((name) => names.includes(name)).join(), `passes are ${names.join()}`)
  for (const { pass, facts, verdicts } of recorded) {
    const again = decider.makePass(pass, plan, intent, facts).verdicts
    ensure(again.length === verdicts.length, `pass ${pass} lists ${verdicts.length} verdicts`)
    again.forEach((verdict, index) => {
      const was = verdicts[index]
      const same = was !== undefined && canonicalJson(was) === canonicalJson(verdict)
      ensure(same, `pass ${pass}, gate ${verdict.gate}: recorded ${told(was)}, decided ${told(verdict)}`)
    })
  }
  return `${recorded.length} passes decided the same`
}

function outcome({ receipt }: Subject, decider: Decider): string {
  const { intent_hash, plan_hash, passes: recorded, votes, status, error_code, decision_hash } = receipt.value
  const again = decider.decisionHash({ intent_hash, plan_hash, passes: recorded, votes, status, error_code })
  ensure(again === decision_hash, 'the decision has another hash')
  return `decision ${decision_hash.slice(0, 16)}`
}

function told(verdict: { decision: string; code: string | null } | undefined): string {
  return verdict === undefined
    ? 'nothing'
    : verdict.code === null
      ? verdict.decision
      : `${verdict.decision} ${verdict.code}`
}
