/**
 * Calls that a principal makes in somebody's name, by a token that says so (RFC 8693). All of them are members here,
 * the call may do what all of them may, and it looks and proposes: what takes a person's own word is asked by that person.
 */
import type { Admission, ApiPorts } from './ports.ts'
import type { Caller, Ctx } from './request.ts'
import type { RouteKind } from './route.ts'
import type { Represented } from '../domain/delegation.ts'
import { ExoError } from '../domain/errors.ts'
import { type Actor, actorOf } from '../domain/leaf.ts'
import { effectivePermissions, type Permission, type Role, sharedPermissions } from '../domain/permissions.ts'

/** In whose name it is; refuses for any of them as it would for the caller. */
export function settleDelegation({ on_behalf_of = [] }: Admission): readonly Represented[] {
  if (on_behalf_of.some(({ status, membership }) => status !== 'active' || membership === 'revoked'))
    throw new ExoError('auth.principal_revoked')
  if (on_behalf_of.some(({ membership }) => membership !== 'active')) throw new ExoError('auth.tenant_mismatch')
  return on_behalf_of
}

/** What the caller may, narrowed by everybody in whose name it calls. */
export function narrowedByAll(own: Permission[], behind: readonly Represented[]): Permission[] {
  if (behind.length === 0) return own
  const ofEach = behind.map(({ kind, role, permissions }) =>
    role === null ? [] : effectivePermissions(kind, role as Role, permissions, null),
  )
  return sharedPermissions([own, ...ofEach])
}

/** The ids as an intent and a leaf carry them. */
export function namesOf({ on_behalf_of }: Pick<Caller, 'on_behalf_of'>): string[] | null {
  return on_behalf_of.length === 0 ? null : on_behalf_of.map(({ id }) => id)
}

/** The caller as leaves tell it. */
export function callerActor(caller: Pick<Caller, 'principal' | 'on_behalf_of'>): Actor {
  return actorOf(caller.principal.id, caller.principal.kind, namesOf(caller))
}

/** Whether nobody who asks, or in whose name it is, has said that it may not be learned from. */
export async function mayBeLearnedFrom(
  privacy: ApiPorts['privacy'],
  tenantId: string,
  principal_id: string | null,
  on_behalf_of: readonly string[] | null | undefined,
): Promise<boolean> {
  for (const id of [principal_id ?? '', ...(on_behalf_of ?? [])])
    if (!(await privacy.trainOk(tenantId, id))) return false
  return true
}

/** A record is somebody's own word, and controls are changed by people in their own name. */
export function refuseDelegated(c: Ctx, kind: RouteKind, required: readonly string[]): void {
  if (c.get('caller').on_behalf_of.length === 0 || kind === 'read' || kind === 'operation') return
  throw new ExoError('auth.insufficient_role', 'This is asked in one’s own name, not in that of somebody else.', {
    required,
    delegated: true,
  })
}
