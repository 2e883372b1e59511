/**
 * Strategy lock: where policy or the firearms binding requires one, an approved lock must allow this action, here and
 * now. A lock of one surface never matches another; only an explicit `*` is everywhere. A lock with constraints matches what
 * they hold for.
 */
import { constraintHolds, type Work, workOfAPass } from '../constraint.ts'
import { allow, block, type Gate, notApplicable } from './gate.ts'
import type { Fact } from '../facts.ts'
import type { Intent, Plan } from '../plan.ts'

export const strategyLock: Gate = {
  name: 'strategy_lock',
  version: 1,
  evaluate(plan, intent, facts) {
    if (!lockRequired(facts)) return notApplicable('strategy_lock', { required: false })
    const locks = matchingLocks(plan, intent, facts)
    if (locks.length === 0) {
      const unsatisfied = coveringLocks(intent, facts).map((lock) => lock.get('id').string())
      return block('strategy_lock', 'strategy_lock.approval_required', {
        action: intent.action,
        ...(unsatisfied.length === 0 ? {} : { unsatisfied: unsatisfied.sort() }),
      })
    }
    return allow('strategy_lock', { locks: locks.map((lock) => lock.get('id').string()).sort() })
  },
}

export function lockRequired(facts: Fact): boolean {
  const byPolicy = facts.get('strategy_lock').get('required').boolean()
  return facts.get('firearms').get('strategy_lock_required').boolean() || byPolicy
}

/** Approved locks that allow this action in this project and on this surface at `now`, and whose constraints hold. */
export function matchingLocks(plan: Plan, intent: Intent, facts: Fact): Fact[] {
  const work = workOfAPass()
  return coveringLocks(intent, facts).filter((lock) => holds(lock.get('constraints'), plan, intent, work))
}

/** What is neither null nor an expression holds for nothing; an expression speaks of one input, and holds for no more. */
function holds(constraints: Fact, plan: Plan, intent: Intent, work: Work): boolean {
  if (constraints.isNull) return true
  const { value } = constraints
  return plan.batch === undefined && typeof value === 'string' && constraintHolds(value, intent, work)
}

/** The same, whatever their constraints say. */
function coveringLocks(intent: Intent, facts: Fact): Fact[] {
  const nowMs = facts.get('now').instantMs()
  return facts
    .get('strategy_lock')
    .get('locks')
    .list()
    .filter((lock) => {
      const surface = lock.get('surface_id').string()
      const project = lock.get('project_id').stringOrNull()
      return (
        lock.get('status').oneOf('draft', 'approved', 'rejected', 'expired', 'revoked') === 'approved' &&
        lock.get('allowed_actions').strings().includes(intent.action) &&
        (surface === '*' || surface === intent.surface_id) &&
        (project === null || project === intent.project_id) &&
        lock.get('valid_from').instantMs() <= nowMs &&
        lock.get('valid_until').instantMs() > nowMs
      )
    })
}
