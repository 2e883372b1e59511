/** Projects, surfaces and apps: registered and ended at once by one person, since nothing becomes allowed by their being there. */
import { changeLeaf, recordLeaf } from './controls.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, placeRequest, reasonRequest } from '../schemas.ts'
import { ExoError } from '../../domain/errors.ts'
import { type PlaceKind, PLACE_KINDS, PLACES } from '../../domain/places.ts'

const MAY_REGISTER = ['identity:write', 'configure:flags'] as const

export function placeRoutes(app: App): void {
  for (const kind of PLACE_KINDS) routesOf(app, kind)
}

function routesOf(app: App, kind: PlaceKind): void {
  const one = kind === 'app' ? 'an app' : `a ${kind}`
  addRoute(
    app,
    {
      method: 'get',
      path: `/${kind}s`,
      kind: 'read',
      summary: `The tenant's ${kind}s`,
      permissions: ['read'],
      answers: { 200: { description: 'All of them.', schema: listOf } },
    },
    async (c) =>
      c.json({ items: await c.get('ports').reading.places(c.get('caller').tenant_id, kind), next_cursor: null }),
  )

  addRoute(
    app,
    {
      method: 'post',
      path: `/${kind}s`,
      kind: 'record',
      summary: `Register ${one}, or one that was ended anew`,
      anyOf: MAY_REGISTER,
      body: placeRequest(kind),
      answers: { 201: { description: 'Registered.' } },
    },
    async (c, { body }) => {
      const { tenant_id } = c.get('caller')
      const place = { kind, ...body }
      const added = await c.get('ports').records.addPlace(tenant_id, place, c.get('requestId'), recordLeaf(c, place))
      if (!added) throw new ExoError('resource.conflict', undefined, { id: body.id })
      return c.json({ ...body, status: 'active' }, 201)
    },
  )

  addRoute(
    app,
    {
      method: 'delete',
      path: `/${kind}s/{id}`,
      kind: 'record',
      summary: `End ${one}: requests that name it are refused from then on`,
      anyOf: MAY_REGISTER,
      body: reasonRequest,
      answers: { 200: { description: 'Ended.' } },
    },
    async (c, { body, param }) => {
      const { tenant_id } = c.get('caller')
      const place = { kind, id: param('id') }
      // Where a request acts that names no place; without it nobody could come in to register another.
      if (place.id === PLACES[kind].main) throw new ExoError('resource.required', undefined, { id: place.id })
      const leaf = changeLeaf(c, `${kind}.end`, body.reason, { ...place, status: 'inactive' })
      const ended = await c.get('ports').records.endPlace(tenant_id, place, c.get('requestId'), leaf)
      if (!ended) throw new ExoError('resource.not_found')
      return c.json({ id: place.id, status: 'inactive' })
    },
  )
}
