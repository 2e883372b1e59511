/** Facts as of now: the good facts of the domain's tests, moved in time, about this operation, with a real global switch leaf. */
import type { Deployment } from './deployment.ts'
import { now, type Operation } from './memory-rows.ts'
import type { Json, JsonObject } from '../../../domain/canonical.ts'
import type { Facts } from '../../../domain/facts.ts'
import { makeLeaf } from '../../../domain/leaf.ts'
import { goodFacts, NOW } from '../../support/domain.ts'

export function currentFacts(
  deployment: Deployment,
  operation: Operation,
  change: (facts: Facts) => void = () => undefined,
): JsonObject {
  const facts = goodFacts()
  const { intent, plan } = operation
  const leaf_hash = globalLeaf(deployment)
  for (const row of facts.switches) if (row.scope === 'global') row.leaf_hash = leaf_hash
  for (const grant of facts.firearms.grants) {
    grant.actions = [intent.action]
    grant.principal_id = intent.principal_id
    if (grant.standing !== null) grant.standing.targets = null
  }
  for (const lock of facts.strategy_lock.locks) {
    lock.allowed_actions = [intent.action]
    if (lock.three_wise !== null) lock.three_wise.binding_hash = plan.binding_hash
  }
  if (facts.principal !== null) facts.principal.id = intent.principal_id
  facts.now = NOW
  change(facts)
  const moved = moveInstants(facts as unknown as Json, Date.now() - Date.parse(NOW)) as JsonObject
  return { ...moved, now: now() }
}

const leaves = new WeakMap<Deployment, string>()

/** The platform's leaf of the change that set the global switch running; written once a deployment. */
function globalLeaf(deployment: Deployment): string {
  const known = leaves.get(deployment)
  if (known !== undefined) return known
  const hash = deployment.log.add(
    makeLeaf({
      kind: 'control.changed',
      tenant_id: 't_system',
      at: now(),
      actor: { principal_id: 'p_system_platform_operator', kind: 'user' },
      operation_id: 'op_global',
      action: 'policy.put',
      after: {
        base_version: 0,
        policy: {
          kill_switches: [{ scope: 'global', selector: { kind: 'all', value: null }, state: 'running', hold: null }],
        },
      },
    }),
  )
  leaves.set(deployment, hash)
  return hash
}

function moveInstants(value: Json, byMs: number): Json {
  if (typeof value === 'string') return /^\d{4}-\d{2}-\d{2}T/.test(value) ? shifted(value, byMs) : value
  if (Array.isArray(value)) return value.map((item) => moveInstants(item, byMs))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, moveInstants(member, byMs)]))
}

const shifted = (instant: string, byMs: number) => new Date(Date.parse(instant) + byMs).toISOString()
