/** How warm a surface is and was: a pure reading of what decisions read. Asking changes nothing. */
import { z } from '@hono/zod-openapi'
import { Cursors, readLimit } from '../cursor.ts'
import { addRoute, type App } from '../route.ts'
import { listOf } from '../schemas.ts'
import { readTemperature } from '../../domain/temperature-reading.ts'

const surface_id = z.string().max(64).optional()

export function temperatureRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/temperature/current',
      kind: 'read',
      summary: 'What a decision on this surface would read now',
      permissions: ['read'],
      query: z.object({ surface_id }),
    },
    async (c, { query }) => {
      const surface = query.surface_id ?? c.get('context').surface_id
      const { at, facts } = await c.get('ports').temperatures.current(c.get('caller').tenant_id, surface)
      return c.json({ surface_id: surface, at, ...readTemperature(facts, at) })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/temperature/history',
      kind: 'read',
      summary: 'What ended operations read of this surface, newest first',
      permissions: ['read'],
      query: z.object({ surface_id, cursor: z.string().max(500).optional(), limit: z.string().optional() }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id } = c.get('caller')
      const { temperatures, secret } = c.get('ports')
      const surface = query.surface_id ?? c.get('context').surface_id
      const limit = readLimit(query.limit)
      const cursors = new Cursors(secret, 'temperature')
      const before = cursors.open(tenant_id, surface, query.cursor)
      const rows = await temperatures.history(tenant_id, surface, before, limit + 1)
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return c.json({
        items: page.map(({ operation_id, pass, at, facts }) => ({
          surface_id: surface,
          operation_id,
          pass,
          at,
          ...readTemperature(facts, at),
        })),
        next_cursor: rows.length > limit && last !== undefined ? cursors.seal(tenant_id, surface, last.ordinal) : null,
      })
    },
  )
}
