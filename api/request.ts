/** What each request carries through the middleware, and the words every route uses to ask about it. */
import type { Context } from 'hono'
import type { Admission, ApiPorts, RateClass } from './ports.ts'
import type { JsonObject } from '../domain/canonical.ts'
import type { Represented } from '../domain/delegation.ts'
import { ExoError } from '../domain/errors.ts'
import type { Permission } from '../domain/permissions.ts'

export interface RequestContext {
  mode: 'lab' | 'saas' | 'enterprise'
  project_id: string | null
  surface_id: string
  app_id: string
  /** Where the caller says that it is, in a run of its own; they decide nothing. */
  run_id?: string
  step_id?: string
}

export interface Caller {
  now: string
  tenant_id: string
  principal: NonNullable<Admission['principal']>
  credential: Admission['credential']
  memberships: Admission['memberships']
  permissions: readonly string[]
  /** In whose name it calls, nearest first; empty where that is its own. */
  on_behalf_of: readonly Represented[]
  /** Whether what the caller does in this tenant may be learned from. */
  train_ok: boolean
}

export interface Variables {
  ports: ApiPorts
  requestId: string
  traceId: string | null
  /** What failures of the presented credential are counted under, when it names anything. */
  presented: string | undefined
  /** Throws when this source was wrong about the name too often; asked before anything is looked up. */
  refuseGuess: (name: string) => void
  /** Set once somebody was found by the credential. */
  accepted: boolean
  /** The credential that speaks for the caller, without a secret. */
  presentedAs: JsonObject
  /** Set once the credential was accepted. */
  caller: Caller
  context: RequestContext
  /** Of a vote, what was read with the admission. */
  voting: Admission['voting']
  /** The body of a mutating request; null when it is not UTF-8. */
  bodyText: string | null
  /** Raises the per-principal limit when it is due; called after permissions were checked. */
  takeRate: () => void
  rateClass: RateClass | null
  /** Counts one observing call; the counts are written as one leaf a principal, action and minute. */
  count: (action: string) => void
  /** A refusal whose leaf was written by its route already. */
  refusalRecorded: boolean
}

export type Env = { Variables: Variables }
export type Ctx = Context<Env>

/** Refuses with what is missing; then the caller's rate applies. Call it before anything of the body is looked at. */
export function demand(c: Ctx, ...permissions: (Permission | string)[]): Caller {
  const caller = c.get('caller')
  const missing = permissions.filter((permission) => !caller.permissions.includes(permission))
  if (missing.length > 0) throw new ExoError('auth.insufficient_role', undefined, { required: missing })
  c.get('takeRate')()
  return caller
}

/** At least one of them. */
export function demandAny(c: Ctx, ...permissions: (Permission | string)[]): Caller {
  const caller = c.get('caller')
  if (!permissions.some((permission) => caller.permissions.includes(permission)))
    throw new ExoError('auth.insufficient_role', undefined, { required: permissions })
  c.get('takeRate')()
  return caller
}

/** A platform operator, in the platform's own tenant. */
export function demandPlatform(c: Ctx): void {
  if (c.get('caller').tenant_id !== 't_system')
    throw new ExoError('auth.insufficient_role', undefined, { required: ['platform_operator'] })
}
