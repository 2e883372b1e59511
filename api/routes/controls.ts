/** Controls: the policy document, measurements, and what every control answers. Tightening is a record; loosening another person votes on. */
import { z } from '@hono/zod-openapi'
import { answer } from './operations.ts'
import { Cursors, readLimit } from '../cursor.ts'
import { openOperation } from '../opening.ts'
import { refuseUnknownPlaces } from '../places.ts'
import type { OperationRequest } from '../planning.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, measurementRequest, reason } from '../schemas.ts'
import { policyDocument } from '../../actions/policy-document.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { leafRow, makeLeaf } from '../../domain/leaf.ts'
import { namedPlaces } from '../../domain/places.ts'
import { PERMISSIONS } from '../../domain/permissions.ts'

const policyRequest = z
  .strictObject({
    base_version: z.int().min(0),
    base_epoch: z
      .int()
      .min(0)
      .optional()
      .describe('The epoch of the document it was made from: no switch changed since'),
    reason,
    policy: policyDocument,
  })
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
      anyOf: ['resume', ...PERMISSIONS.filter((permission) => permission.startsWith('configure:'))],
      body: policyRequest,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => {
      const { reason, ...change } = body
      return await governed(c, 'policy.put', change as unknown as JsonObject, reason)
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
