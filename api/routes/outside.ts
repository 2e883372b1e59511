/** What effects outside the database may reach, and what they left in the object store. */
import { governed } from './controls.ts'
import { addRoute, type App } from '../route.ts'
import { egressRequest, listOf } from '../schemas.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { OBJECT_NAME } from '../../domain/stored.ts'

export function outsideRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/egress/targets',
      kind: 'read',
      summary: 'Origins that effects may reach',
      permissions: ['read'],
      answers: { 200: { description: 'All of them, by origin.', schema: listOf } },
    },
    async (c) => {
      const { policy } = await c.get('ports').reading.policy(c.get('caller').tenant_id)
      return c.json({ items: (policy as JsonObject)['egress'] ?? [], next_cursor: null })
    },
  )

  addRoute(
    app,
    {
      method: 'put',
      path: '/egress/targets',
      kind: 'control operation',
      summary: 'Allow effects to reach an origin, or change how',
      body: egressRequest,
      answers: {
        200: { description: 'Done; the target as it now stands.' },
        202: { description: 'Another person must vote; the operation.' },
      },
    },
    async (c, { body: { reason, ...target } }) => await governed(c, 'egress_target.put', target as JsonObject, reason),
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/objects/{name}',
      kind: 'read',
      summary: 'An object that an operation put',
      permissions: ['read'],
      answers: { 200: { description: 'Its bytes, as text/plain.' } },
    },
    async (c, { param }) => {
      const { objects } = c.get('ports')
      const name = param('name')
      const isName = OBJECT_NAME.test(name)
      const bytes = isName ? await objects.get(objects.objectKey(c.get('caller').tenant_id, name)) : null
      if (bytes === null) throw new ExoError('resource.not_found')
      return new Response(Buffer.from(bytes), {
        headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      })
    },
  )
}
