/**
 * Who is calling, in which tenant and from where, in the order of refusal that callers are promised: credential, shape
 * of the request, context, membership, and (when the route asks) permission and rate. One round trip to the database.
 */
import type { MiddlewareHandler } from 'hono'
import { checkShape, type KnownRoute } from './check-shape.ts'
import { type HeaderContext, placedByTicket, readHeaders } from './context-headers.ts'
import { readPresented, withoutSecret } from '../credential.ts'
import { callerActor, narrowedByAll, settleDelegation } from '../delegation.ts'
import type { Admission, RateClass } from '../ports.ts'
import type { Ctx, Env } from '../request.ts'
import { ExoError } from '../../domain/errors.ts'
import { leafRow, makeLeaf } from '../../domain/leaf.ts'
import { PLACE_KINDS, PLACES } from '../../domain/places.ts'
import { effectivePermissions, narrowedBy, PLATFORM_PERMISSIONS, type Role } from '../../domain/permissions.ts'
import { beginning } from '../../domain/text.ts'

/** What was read longer ago is read anew: a body may be long in coming, and its sender not be who they were. */
const FRESH_MS = 500

export function admitCaller(routes: () => readonly KnownRoute[]): MiddlewareHandler<Env> {
  return async function admitCaller(c, next) {
    const { admission: port } = c.get('ports')
    const { credential, countedAs } = await readPresented(c)
    if (countedAs !== null) c.set('presented', countedAs)
    // A secret can be guessed; a signature cannot, and who claims a subject need not know it.
    if (countedAs !== null && credential?.kind === 'key') c.get('refuseGuess')(countedAs)
    if (credential === null) throw new ExoError('auth.invalid')
    c.set('presentedAs', withoutSecret(credential))
    const headers = readHeaders(c, credential.kind === 'ticket')
    const rateClass = rateClassOf(c)
    const askedAt = performance.now()
    const admission = await port.admit({
      credential,
      tenant_id: headers.tenant_id,
      project_id: headers.project_id,
      surface_id: headers.surface_id,
      app_id: headers.app_id,
      rate_class: rateClass,
      votes_on: votesOn(c),
    })
    if (admission.principal === null) throw new ExoError('auth.invalid')
    c.set('accepted', true)
    // A call beyond the limit was not taken, so that there is none to give back.
    let counted = admission.rate?.limited === false
    const giveBack = async () => {
      if (!counted || admission.tenant_id === null || admission.principal === null || rateClass === null) return
      counted = false
      await port.returnCall(admission.tenant_id, admission.principal.id, rateClass)
    }
    try {
      await checkShape(c, routes())
      settleCaller(c, placedByTicket(c, headers, admission.asked_from), admission)
      c.set('voting', performance.now() - askedAt > FRESH_MS ? null : admission.voting)
      c.set('takeRate', () => {
        if (admission.rate?.limited === true)
          throw new ExoError('rate_limit.exceeded', undefined, {
            retry_after: admission.rate.retry_after,
            limit: admission.rate.limit,
          })
      })
      await next()
      if (c.error instanceof ExoError) await giveBack()
    } catch (error) {
      await giveBack()
      if (error instanceof ExoError) await recordRefusal(c, admission, error)
      throw error
    }
    const refused = c.error
    if (refused instanceof ExoError && c.get('refusalRecorded') !== true) await recordRefusal(c, admission, refused)
  }
}

function settleCaller(c: Ctx, headers: HeaderContext, admission: Admission): void {
  const { principal, tenant_id } = admission
  if (principal === null) throw new ExoError('auth.invalid')
  const platform = principal.platform_role !== null
  const contextFree = c.req.path === '/auth/me'
  if (!contextFree) settleContext(headers, platform)
  if (principal.status !== 'active') throw new ExoError('auth.principal_revoked')
  const named = tenant_id ?? (contextFree ? (admission.memberships[0]?.tenant_id ?? null) : null)
  if (named === null) {
    const meant = admission.memberships.filter(({ tenant_id: id }) => id === (headers.tenant_id ?? id))
    const revoked = meant.length > 0 && meant.every(({ status }) => status === 'revoked')
    if (headers.tenant_id === null && !revoked)
      throw new ExoError('context.missing', undefined, { field: 'X-Tenant-Id' })
    throw new ExoError(revoked ? 'auth.principal_revoked' : 'auth.tenant_mismatch')
  }
  const membership = admission.memberships.find((row) => row.tenant_id === named)
  const on_behalf_of = settleDelegation(admission)
  const own = platform
    ? narrowedBy(PLATFORM_PERMISSIONS, admission.credential.permissions)
    : membership === undefined
      ? []
      : effectivePermissions(
          principal.kind,
          membership.role as Role,
          membership.permissions,
          admission.credential.permissions,
        )
  c.set('caller', {
    now: admission.now,
    tenant_id: named,
    principal,
    credential: admission.credential,
    memberships: admission.memberships,
    permissions: narrowedByAll(own, on_behalf_of),
    on_behalf_of,
    train_ok: named === tenant_id && admission.train_ok === true,
  })
  if (contextFree) return
  for (const kind of PLACE_KINDS)
    if (admission.places?.[kind] !== true)
      throw new ExoError('context.not_found', undefined, { field: PLACES[kind].header })
  const { mode } = c.get('ports')
  c.set('context', {
    mode: headers.mode ?? mode,
    project_id: platform ? null : headers.project_id,
    surface_id: headers.surface_id,
    app_id: headers.app_id,
    ...(headers.run_id === null ? {} : { run_id: headers.run_id }),
    ...(headers.step_id === null ? {} : { step_id: headers.step_id }),
  })
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD' && headers.mode !== mode)
    throw new ExoError('mode.mismatch', undefined, { mode, given: headers.mode })
}

function settleContext(headers: HeaderContext, platform: boolean): void {
  if (headers.fault !== null) throw headers.fault
  if (platform) {
    if (headers.tenant_id !== null || headers.project_id !== null)
      throw new ExoError(
        'context.invalid',
        'A platform credential names neither tenant nor project: drop the header named in details.field.',
        {
          field: headers.tenant_id !== null ? 'X-Tenant-Id' : 'X-Project-Id',
        },
      )
    return
  }
  if (headers.project_id === null) throw new ExoError('context.missing', undefined, { field: 'X-Project-Id' })
}

/** The operation that a call votes on, whose row is read with the admission. */
function votesOn({ req }: Ctx): string | null {
  return req.method === 'POST' ? (/^\/operations\/(op_[0-9a-z]{1,64})\/decisions$/.exec(req.path)?.[1] ?? null) : null
}

/** Stopping is exempt, and so are votes' own and control changes' counting as mutations. */
function rateClassOf(c: Ctx): RateClass | null {
  const { path, method } = c.req
  if (method === 'GET' || method === 'HEAD') return path.endsWith('/events') ? null : 'read'
  if (path.endsWith('/decisions') || /^\/strategy-locks\/[^/]+\/(approve|reject)$/.test(path)) return 'decision'
  const control =
    /^\/(kill-switches|policy|tenants|operator-keys|api-keys|principals|memberships|firearms|privacy\/train-prefs\/tenant|registry\/firearms|strategy-lock\/policy|budget\/policy|kpi\/(corridors|definitions)|temperature\/(floors|ceilings|weights)|rate-limits|feature-flags|egress\/targets)(\/|$)/
  return control.test(path) ? null : 'mutation'
}

/** One leaf for each authenticated refusal of a mutation or of somebody without the right, in the credential's tenant. */
async function recordRefusal(c: Ctx, admission: Admission, error: ExoError): Promise<void> {
  const platform = admission.principal?.platform_role != null ? 't_system' : undefined
  const tenantId = admission.tenant_id ?? admission.memberships[0]?.tenant_id ?? platform
  const reading = c.req.method === 'GET' || c.req.method === 'HEAD'
  if (tenantId === undefined || error.code === 'rate_limit.exceeded' || (reading && !error.code.startsWith('auth.')))
    return
  const leaf = makeLeaf({
    kind: 'access.refused',
    tenant_id: tenantId,
    at: admission.now,
    actor:
      admission.principal === null
        ? { principal_id: null, kind: 'anonymous' }
        : callerActor({ principal: admission.principal, on_behalf_of: admission.on_behalf_of ?? [] }),
    code: error.code,
    request_id: c.get('requestId'),
    trace_id: c.get('traceId'),
    train_ok: tenantId === admission.tenant_id && admission.train_ok === true,
    after: { method: c.req.method, path: beginning(asWritten(c.req.path), 200) },
  })
  await c.get('ports').records.leaf(tenantId, null, c.get('requestId'), leafRow(leaf))
}

/** A path whose numbers and addresses stand as people write them, so that they are told for what they are. */
function asWritten(path: string): string {
  return path.replaceAll(/%(?:20|28|29|2b|40)/gi, (escaped) => decodeURIComponent(escaped))
}
