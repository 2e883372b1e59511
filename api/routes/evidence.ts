/** What an operation leaves behind: receipt at once, sealed history and bundle after; and the keys to check them by. */
import { z } from '@hono/zod-openapi'
import { readOperation } from '../opening.ts'
import { demandAny, type Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'

export function evidenceRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/operations/{id}/receipt',
      kind: 'read',
      summary: 'The signed receipt',
      permissions: ['read'],
    },
    async (c, { param }) => {
      const ports = c.get('ports')
      const { tenant_id } = c.get('caller')
      const row = await readOperation(ports, tenant_id, param('id'))
      const receipt = await ports.reading.receipt(tenant_id, row.id)
      if (receipt === null) throw new ExoError('resource.not_found')
      return c.json({ receipt: JSON.parse(receipt.receipt) as JsonObject, jws: receipt.jws })
    },
  )

  const sealed = (what: 'history' | 'bundle', type: string) =>
    addRoute(
      app,
      {
        method: 'get',
        path: `/operations/{id}/${what}`,
        kind: 'read',
        summary: what === 'history' ? 'The sealed history, byte for byte' : 'The bundle anybody can verify offline',
        permissions: ['read'],
        answers: {
          200: { description: 'Sealed.', type },
          202: { description: 'Not sealed yet.', headers: { 'Retry-After': z.string() } },
        },
      },
      async (c, { param }) => {
        if (what === 'bundle') demandAny(c, 'audit:read', 'decide', 'execute:contained')
        const ports = c.get('ports')
        const { tenant_id } = c.get('caller')
        const row = await readOperation(ports, tenant_id, param('id'))
        const seal = await ports.seals.delivered(tenant_id, row.id)
        if (seal === null) return waiting(c, row.id)
        const bundle = await ports.objects.get(seal.bundle_key)
        const body = bundle !== null && what === 'history' ? ports.readFromBundle(bundle, 'history.json') : bundle
        if (body === null) throw new ExoError('internal.error')
        return c.body(new Uint8Array(body), 200, { 'Content-Type': type })
      },
    )
  sealed('history', 'application/json')
  sealed('bundle', 'application/zip')

  addRoute(app, { method: 'get', path: '/trust', kind: 'open', summary: 'The trust root of this deployment' }, (c) =>
    c.json(c.get('ports').trust),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/.well-known/exo-note-key',
      kind: 'open',
      summary: 'The verifier key of the log',
      answers: { 200: { description: 'One line.', type: 'text/plain' } },
    },
    (c) => c.text(`${c.get('ports').noteKey}\n`),
  )
}

function waiting(c: Ctx, operationId: string): Response {
  c.header('Retry-After', '1')
  return c.json({ operation_id: operationId, state: 'sealing' }, 202)
}
