/**
 * Strategy lock: where policy or the firearms binding requires one, an approved lock must allow this action, here and
 * now. A lock of one surface never matches another; only an explicit `*` is everywhere. A lock with constraints this
 * version cannot evaluate does not match.
 */
import { allow, block, type Gate, notApplicable } from './gate.ts'
import type { Fact } from '../facts.ts'
import type { Intent } from '../plan.ts'

export const strategyLock: Gate = {
  name: 'strategy_lock',
  version: 1,
  evaluate(_plan, intent, facts) {
    if (!lockRequired(facts)) return notApplicable('strategy_lock', { required: false })
    const locks = matchingLocks(intent, facts)
    if (locks.length === 0) return block('strategy_lock', 'strategy_lock.approval_required', { action: intent.action })
    return allow('strategy_lock', { locks: locks.map((lock) => lock.get('id').string()).sort() })
  },
}

export function lockRequired(facts: Fact): boolean {
  const byPolicy = facts.get('strategy_lock').get('required').boolean()
  return facts.get('firearms').get('strategy_lock_required').boolean() || byPolicy
}

/** Approved locks that allow this action in this project and on this surface at `now`. */
export function matchingLocks(intent: Intent, facts: Fact): Fact[] {
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
        lock.get('valid_until').instantMs() > nowMs &&
        lock.get('constraints').isNull
      )
    })
}
