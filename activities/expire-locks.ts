/**
 * Strategy locks whose time is over become `expired`, a bounded number each round, each with its leaf. The gate looks at the
 * time itself, so a lock that waits for this round covers nothing already.
 */
import type { Json } from '../domain/canonical.ts'
import { type LeafRow, leafRow, makeLeaf } from '../domain/leaf.ts'

interface Due {
  tenant_id: string
  id: string
}

export interface ExpiryTools {
  locks: {
    due(limit: number): Promise<Due[]>
    /** False when somebody came before. */
    expire(lock: Due, leaf: (before: Json, after: Json, at: string) => LeafRow): Promise<boolean>
  }
}

const AT_MOST = 100

/** Answers how many expired. */
export async function expireLocks({ locks }: ExpiryTools): Promise<number> {
  let expired = 0
  for (const lock of await locks.due(AT_MOST))
    if (await locks.expire(lock, (before, after, at) => expiryLeaf(lock, before, after, at))) expired++
  return expired
}

function expiryLeaf({ tenant_id }: Due, before: Json, after: Json, at: string): LeafRow {
  return leafRow(
    makeLeaf({
      kind: 'control.changed',
      tenant_id,
      at,
      actor: { principal_id: null, kind: 'system' },
      action: 'strategy_lock.expire',
      reason: 'its time is over',
      before,
      after,
    }),
  )
}
