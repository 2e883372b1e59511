/** Controls: the policy document, kill switches, measurements. Tightening is a record; loosening another person votes on. */
import { z } from '@hono/zod-openapi'
import { answer } from './operations.ts'
import { Cursors, readLimit } from '../cursor.ts'
import { openOperation } from '../opening.ts'
import { refuseUnknownPlaces } from '../places.ts'
import type { OperationRequest } from '../planning.ts'
import { type Ctx, demand } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, measurementRequest, reason, switchRequest } from '../schemas.ts'
import { policyDocument } from '../../actions/policy-document.ts'
import { ACTIONS } from '../../actions/registry.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { leafRow, makeLeaf } from '../../domain/leaf.ts'
import { namedPlaces } from '../../domain/places.ts'

const policyRequest = z
  .strictObject({ base_version: z.int().min(0), reason, policy: policyDocument })
  .openapi('PolicyRequest')

/** What a control operation answers once it ended well: the resource itself. */
export const theResource = (view: JsonObject): JsonObject => (view.effect as { result: JsonObject }).result

export async function governed(c: Ctx, action: string, input: JsonObject, why: string): Promise<Response> {
  const request: OperationRequest = { action, input, run: 'execute', reason: why }
  return answer(c, await openOperation(c, request), theResource)
}

export const CONTROL_ANSWERS = {
  200: { description: 'Done; the resource as it now stands.' },
  202: { description: 'Another person must vote; the operation.' },
}

export function controlRoutes(app: App): void {
  addRoute(
    app,
    { method: 'get', path: '/policy', kind: 'read', summary: 'The control document', permissions: ['read'] },
    async (c) => c.json(await c.get('ports').reading.policy(c.get('caller').tenant_id)),
  )

  addRoute(
    app,
    {
      method: 'put',
      path: '/policy',
      kind: 'control operation',
      summary: 'Replace sections of the control document',
      body: policyRequest,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => {
      const { base_version, policy } = body
      return await governed(c, 'policy.put', { base_version, policy: policy as unknown as JsonObject }, body.reason)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/kill-switches',
      kind: 'read',
      summary: 'Switches and what they come to',
      permissions: ['read'],
    },
    async (c) => c.json(await switchesOf(c)),
  )

  addRoute(
    app,
    {
      method: 'put',
      path: '/kill-switches',
      kind: 'record',
      summary: 'Stop at once, or ask to resume',
      body: switchRequest,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => {
      const caller = demand(c, body.state === 'stopped' ? 'stop' : 'resume')
      const platform = caller.tenant_id === 't_system'
      if ((body.scope === 'global') !== platform)
        throw new ExoError('auth.insufficient_role', undefined, {
          required: [platform ? 'a membership of the tenant' : 'platform_operator'],
        })
      const selectors = selectorsOf(body)
      const hold = holdOf(c, body.hold ?? null)
      if (body.state === 'running')
        return await governed(c, 'kill_switch.resume', { selectors, ...(hold === null ? {} : { hold }) }, body.reason)
      return await stop(c, selectors, hold, body.reason)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/kill-switches/drain',
      kind: 'read',
      summary: 'What was still on its way when the last stop was made',
      permissions: ['read'],
      query: z.object({ scope: z.enum(['global', 'tenant']).optional() }),
    },
    async (c, { query }) => {
      const tenant = c.get('caller').tenant_id
      const scope = query.scope ?? (tenant === 't_system' ? 'global' : 'tenant')
      if ((scope === 'global') !== (tenant === 't_system')) throw new ExoError('resource.not_found')
      const drain = await c.get('ports').reading.drain(tenant)
      if (drain === null) throw new ExoError('resource.not_found')
      return c.json({ scope, ...drain })
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/kpi/raw',
      kind: 'record',
      summary: 'Post a measurement',
      permissions: ['measure'],
      body: measurementRequest,
      keep: ['surface_id'],
      answers: { 201: { description: 'Recorded.' } },
    },
    async (c, { body }) => {
      const { records } = c.get('ports')
      const caller = c.get('caller')
      const measured_at = body.measured_at ?? caller.now
      if (Date.parse(measured_at) > Date.parse(caller.now))
        throw new ExoError('validation.error', undefined, {
          errors: [{ path: '/measured_at', message: 'lies in the future of the database clock' }],
        })
      const surface_id = body.surface_id ?? c.get('context').surface_id
      await refuseUnknownPlaces(c.get('ports'), caller.tenant_id, namedPlaces('', { surface_id }))
      const measurement = { surface_id, kpi: body.kpi, value: body.value, measured_at, by: caller.principal.id }
      await records.measure(caller.tenant_id, measurement, c.get('requestId'), recordLeaf(c, measurement))
      return c.json(
        { surface_id, kpi: body.kpi, value: body.value, measured_at, measured_by: caller.principal.id },
        201,
      )
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/kpi/raw',
      kind: 'read',
      summary: 'Measurements, newest first',
      permissions: ['read'],
      query: z.object({
        surface_id: z.string().max(64).optional(),
        kpi: z.string().max(64).optional(),
        cursor: z.string().max(500).optional(),
        limit: z.string().optional(),
      }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id } = c.get('caller')
      const { reading, secret } = c.get('ports')
      const surface = query.surface_id ?? c.get('context').surface_id
      const limit = readLimit(query.limit)
      const cursors = new Cursors(secret, 'kpi')
      const sealed = JSON.stringify([surface, query.kpi])
      const rows = await reading.kpiRaw(
        tenant_id,
        surface,
        query.kpi ?? null,
        cursors.open(tenant_id, sealed, query.cursor),
        limit + 1,
      )
      const last = rows.slice(0, limit).at(-1)
      return c.json({
        items: rows.slice(0, limit).map((row) => row.item),
        next_cursor: rows.length > limit && last !== undefined ? cursors.seal(tenant_id, sealed, last.id) : null,
      })
    },
  )
}

/** A leaf that says that one person tightened a control. */
export function changeLeaf(
  c: Ctx,
  action: string,
  why: string | null,
  after: JsonObject,
  before: Json = null,
  train_ok = c.get('caller').train_ok,
) {
  const { tenant_id, now, principal } = c.get('caller')
  return leafRow(
    makeLeaf({
      kind: 'control.changed',
      tenant_id,
      at: now,
      actor: { principal_id: principal.id, kind: principal.kind },
      action,
      reason: why,
      request_id: c.get('requestId'),
      trace_id: c.get('traceId'),
      train_ok,
      before,
      after,
    }),
  )
}

/** A leaf that says a record was written. */
export function recordLeaf(c: Ctx, after: JsonObject) {
  const { tenant_id, now, principal, train_ok } = c.get('caller')
  return leafRow(
    makeLeaf({
      kind: 'record.written',
      tenant_id,
      at: now,
      actor: { principal_id: principal.id, kind: principal.kind },
      request_id: c.get('requestId'),
      trace_id: c.get('traceId'),
      train_ok,
      after,
    }),
  )
}

async function stop(
  c: Ctx,
  selectors: { kind: string; value: string | null }[],
  hold: string | null,
  why: string,
): Promise<Response> {
  const { records } = c.get('ports')
  const { tenant_id, principal } = c.get('caller')
  const scope = tenant_id === 't_system' ? 'global' : 'tenant'
  const leaf = changeLeaf(c, 'kill_switch.stop', why, { scope, selectors, state: 'stopped', hold })
  const { epoch } = await records.stop({
    tenant_id,
    selectors,
    hold,
    reason: why,
    changed_by: principal.id,
    leaf_hash: leaf.leaf_hash,
    request_id: c.get('requestId'),
    leaves: [leaf],
  })
  const drain = await records.drain(tenant_id, epoch)
  return c.json({ ...(await switchesOf(c)), epoch, drain: { scope, epoch, ...drain } })
}

async function switchesOf(c: Ctx): Promise<JsonObject> {
  const { tenant_id } = c.get('caller')
  const switches = await c.get('ports').reading.switches(tenant_id)
  const all = (scope: 'global' | 'tenant') => switches.find((row) => row.scope === scope && row.selector.kind === 'all')
  const scopes = tenant_id === 't_system' ? (['global'] as const) : (['global', 'tenant'] as const)
  const closed = scopes.find((scope) => all(scope)?.state !== 'running')
  return {
    switches: switches as unknown as JsonObject[],
    effective:
      closed === undefined
        ? { state: 'running', scope: null, reason: null }
        : { state: 'stopped', scope: closed, reason: all(closed)?.reason ?? null },
  }
}

function selectorsOf(body: z.output<typeof switchRequest>): { kind: string; value: string | null }[] {
  const unknown = (body.actions ?? []).filter((action) => !ACTIONS.has(action))
  if (unknown.length > 0)
    throw new ExoError('validation.error', undefined, {
      errors: unknown.map((action) => ({ path: '/actions', message: `${action} is not an action` })),
    })
  const named = [
    ...(body.actions ?? []).map((value) => ({ kind: 'action', value })),
    ...(body.providers ?? []).map((value) => ({ kind: 'provider', value })),
    ...(body.classes ?? []).map((value) => ({ kind: 'class', value })),
  ]
  const lists = [body.actions, body.providers, body.classes]
  if (lists.every((list) => list === undefined)) return [{ kind: 'all', value: null }]
  if (named.length === 0)
    throw new ExoError('validation.error', undefined, { errors: [{ path: '/', message: 'the lists are empty' }] })
  return named
}

/** A hold is set by the role it names and nobody else. */
function holdOf(c: Ctx, hold: 'owner' | 'platform' | null): 'owner' | 'platform' | null {
  if (hold === null) return null
  const { principal, memberships, tenant_id } = c.get('caller')
  const role = memberships.find((row) => row.tenant_id === tenant_id)?.role
  const may = hold === 'platform' ? principal.platform_role !== null : role === 'owner'
  if (!may) throw new ExoError('auth.insufficient_role', undefined, { required: [hold] })
  return hold
}
