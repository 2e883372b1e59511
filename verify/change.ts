/**
 * What is asked of a what-if. The change is a JSON document: `{"facts": {"budget.policy.threshold": "1",
 * "switches[0].state": "stopped"}}` names facts by their dotted place, `{"policy": {…}}` is a control document as
 * `GET /policy` answers it. Whatever is asked that no operation could answer is refused here, before anything is decided.
 */
import type { JsonObject } from '../domain/canonical.ts'
import type { Facts } from '../domain/facts.ts'
import type { PolicyDocument } from '../domain/policy.ts'
import { readPolicy } from './policy-shape.ts'
import { ensure } from './report.ts'
import { object, readJson, readText } from './shape.ts'

export type Change = { facts: JsonObject } | { policy: PolicyDocument }

const FACTS: Readonly<Record<keyof Facts, true>> = Object.freeze({
  v: true,
  now: true,
  principal: true,
  on_behalf_of: true,
  places: true,
  switches: true,
  firearms: true,
  strategy_lock: true,
  budget: true,
  kpi: true,
  temperature: true,
  waivers: true,
  audit: true,
})

/** What `GET /policy` answers beside the document; none of it is decided under. */
const BESIDE_POLICY: readonly string[] = ['version', 'base_version', 'epoch', 'base_epoch', 'changed_by', 'changed_at']

const PLACE = /^[^.[\]]+(\.[^.[\]]+|\[\d{1,6}\])*$/

/** Throws `Divergence` for a document that is neither, or that names what there is not. */
export function readChange(bytes: Uint8Array): Change {
  const document = object(readJson(readText(bytes, 'the change'), 'the change'), 'the change')
  const { facts, policy, ...rest } = document
  ensure((facts === undefined) !== (policy === undefined), 'the change holds facts or policy')
  for (const name of Object.keys(rest))
    ensure(policy !== undefined && BESIDE_POLICY.includes(name), `the change holds ${name}, which is unknown`)
  if (policy !== undefined) return { policy: readPolicy(policy) }
  const changes = object(facts, 'facts')
  for (const place of Object.keys(changes)) checkPlace(place)
  return { facts: changes }
}

/** The members and indexes that lead to a place. */
export function stepsTo(place: string): (string | number)[] {
  return [...place.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index))
}

function checkPlace(place: string): void {
  ensure(PLACE.test(place), `facts holds ${JSON.stringify(place)}, which is no place such as switches[0].state`)
  const [first = ''] = stepsTo(place)
  const known = Object.keys(FACTS).join(', ')
  ensure(Object.hasOwn(FACTS, first), `facts holds ${place}, but there is no fact ${first}; the facts are ${known}`)
}
