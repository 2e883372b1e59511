/**
 * Who stands behind what is asked: the requester, and everybody in whose name it asks (RFC 8693, 4.1). All of them have to be
 * allowed it, and none of them has a vote on it.
 */
import { FactUnreadable, type PrincipalFact } from './facts.ts'
import type { Intent } from './plan.ts'
import { LIMITS } from './limits.ts'

/** Somebody in whose name a call is made, as a member of the tenant that it is made in. */
export interface Represented extends PrincipalFact {
  role: string | null
  permissions: string[]
}

/** Requester first, then as the intent lists them. Throws {@link FactUnreadable} for a list that is none, or too long. */
export function askersOf({ principal_id, on_behalf_of }: Pick<Intent, 'principal_id' | 'on_behalf_of'>): string[] {
  if (on_behalf_of === null) return [principal_id]
  const behind: unknown = on_behalf_of
  const isList = Array.isArray(behind) && behind.length > 0 && behind.length <= LIMITS.delegationActors
  if (!isList || !behind.every((id) => typeof id === 'string' && id !== '')) throw new FactUnreadable('on_behalf_of')
  const askers = [principal_id, ...(behind as string[])]
  if (new Set(askers).size !== askers.length) throw new FactUnreadable('on_behalf_of')
  return askers
}

/** Whether this principal asks, or is one in whose name it is asked. */
export function asks(intent: Pick<Intent, 'principal_id' | 'on_behalf_of'>, principalId: string): boolean {
  return principalId === intent.principal_id || (intent.on_behalf_of !== null && askersOf(intent).includes(principalId))
}
