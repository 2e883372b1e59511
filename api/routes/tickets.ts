/** Tickets for event streams, which a browser opens without any header of its own: short, used once, for one stream. */
import { randomBytes } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { recordLeaf } from './controls.ts'
import { STREAM } from '../credential.ts'
import { readOperation } from '../opening.ts'
import { addRoute, type App } from '../route.ts'
import { sha256TextHex } from '../../domain/hash.ts'
import { LIMITS } from '../../domain/limits.ts'

const ticketRequest = z
  .strictObject({ stream: z.string().regex(STREAM, 'the path of an event stream, such as /events') })
  .openapi('TicketRequest')

export function ticketRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'post',
      path: '/auth/ticket',
      kind: 'record',
      summary: 'A ticket that opens one event stream once, as ?ticket=',
      permissions: ['read'],
      body: ticketRequest,
      answers: {
        201: {
          description: 'The ticket. It ends with the credential it was asked with, if that ends before it.',
          schema: z.object({ ticket: z.string(), expires_at: z.string() }),
        },
      },
    },
    async (c, { body: { stream } }) => {
      const ports = c.get('ports')
      const { tenant_id, principal, credential, now } = c.get('caller')
      const { project_id, surface_id, app_id } = c.get('context')
      const [, kind, operation = ''] = stream.split('/')
      if (kind === 'operations') await readOperation(ports, tenant_id, operation)
      const ticket = `xt_${randomBytes(32).toString('base64url')}`
      const expires_at = new Date(Date.parse(now) + LIMITS.streamTicketSeconds * 1000).toISOString()
      const told = { ticket_for: stream, credential_id: credential.id, expires_at }
      await ports.records.giveTicket(
        {
          tenant_id,
          secret_sha256: sha256TextHex(ticket),
          stream,
          principal_id: principal.id,
          credential: c.get('presentedAs'),
          project_id,
          surface_id,
          app_id,
          expires_at,
        },
        c.get('requestId'),
        recordLeaf(c, told),
      )
      return c.json({ ticket, expires_at }, 201)
    },
  )
}
