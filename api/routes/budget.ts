/**
 * What was spent. Operations' costs are entered by their guards; an executor posts what it spent beside them, and both
 * count alike toward every threshold and cap. Posting is a record: it only makes less room.
 */
import { randomBytes } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { recordLeaf } from './controls.ts'
import { Cursors, readLimit } from '../cursor.ts'
import type { KeyedUsage } from '../measure-ports.ts'
import { readKey } from '../opening.ts'
import { refuseUnknownPlaces } from '../places.ts'
import { findAction } from '../planning.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, usageRequest } from '../schemas.ts'
import { canonicalJson } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { sha256TextHex } from '../../domain/hash.ts'
import { namedPlaces } from '../../domain/places.ts'

const windowDays = z
  .string()
  .regex(/^([1-9]|[1-8]\d|90)$/, 'an integer from 1 to 90')
  .optional()
const surface = z.string().max(64).optional()
const USUAL_WINDOW_DAYS = 7

export function budgetRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'post',
      path: '/budget/usage',
      kind: 'record',
      summary: 'Post what was spent',
      permissions: ['budget:record'],
      body: usageRequest,
      keep: ['surface_id'],
      keyed: true,
      answers: { 201: { description: 'Recorded.' } },
    },
    async (c, { body }) => {
      const { tenant_id, principal } = c.get('caller')
      const context = c.get('context')
      const { name: action } = findAction(body.action)
      const { usage: entries } = c.get('ports')
      const idempotency_key = readKey(c)
      const { mode, project_id, surface_id, app_id } = context
      const request_hash = sha256TextHex(canonicalJson({ body, mode, project_id, surface_id, app_id }))
      const answer = ({ entry, replayed, request_hash: asked }: KeyedUsage) => {
        if (asked !== request_hash) throw new ExoError('idempotency.conflict', undefined, { usage_id: entry['id'] })
        c.header('Idempotency-Key', idempotency_key)
        if (replayed) c.header('Idempotency-Replayed', 'true')
        return c.json(entry, replayed ? 200 : 201)
      }
      const known = await entries.byKey(tenant_id, principal.id, idempotency_key)
      if (known !== null) return answer(known)
      const usage = {
        id: `bu_${randomBytes(16).toString('hex')}`,
        operation_id: body.operation_id ?? null,
        action,
        surface_id: body.surface_id ?? surface_id,
        cost: body.cost,
      }
      await refuseUnknownPlaces(c.get('ports'), tenant_id, namedPlaces('', { surface_id: usage.surface_id }))
      const posted = await entries.post(
        tenant_id,
        {
          ...usage,
          principal_id: principal.id,
          project_id,
          app_id,
          request_id: c.get('requestId'),
          trace_id: c.get('traceId'),
          run_id: context.run_id ?? null,
          step_id: context.step_id ?? null,
          idempotency_key,
          request_hash,
        },
        recordLeaf(c, usage),
      )
      if (posted === null) throw new ExoError('resource.not_found')
      return answer(posted)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/budget/usage',
      kind: 'read',
      summary: 'What was spent, newest first',
      permissions: ['read'],
      query: z.object({
        surface_id: surface,
        action: z.string().max(200).optional(),
        operation_id: z.string().max(128).optional(),
        window_days: windowDays,
        cursor: z.string().max(500).optional(),
        limit: z.string().optional(),
      }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id } = c.get('caller')
      const { usage, secret } = c.get('ports')
      const { cursor, limit: limitText, window_days, ...filter } = query
      const limit = readLimit(limitText)
      const cursors = new Cursors(secret, 'budget')
      const sealed = JSON.stringify([filter, window_days])
      const rows = await usage.page(tenant_id, {
        ...filter,
        window_days: Number(window_days ?? USUAL_WINDOW_DAYS),
        before: cursors.open(tenant_id, sealed, cursor),
        limit: limit + 1,
      })
      const last = rows.slice(0, limit).at(-1)
      return c.json({
        items: rows.slice(0, limit).map((row) => row.item),
        next_cursor: rows.length > limit && last !== undefined ? cursors.seal(tenant_id, sealed, last.ordinal) : null,
      })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/budget/usage/summary',
      kind: 'read',
      summary: 'What was spent and what is held, in the window of the threshold',
      permissions: ['read'],
      query: z.object({ surface_id: surface, window_days: windowDays }),
    },
    async (c, { query }) => {
      const days = query.window_days === undefined ? null : Number(query.window_days)
      const { tenant_id } = c.get('caller')
      const { app_id } = c.get('context')
      return c.json(await c.get('ports').usage.summary(tenant_id, query.surface_id ?? null, app_id, days))
    },
  )
}
