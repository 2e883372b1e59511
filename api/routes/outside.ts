/** What effects outside the database left in the object store. */
import { addRoute, type App } from '../route.ts'
import { ExoError } from '../../domain/errors.ts'
import { OBJECT_NAME } from '../../domain/stored.ts'

export function outsideRoutes(app: App): void {
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
