/** Uploads: a ticket for exactly these bytes, their registration as an operation, and what was registered. */
import { randomBytes } from 'node:crypto'
import { recordLeaf } from './controls.ts'
import { answer } from './operations.ts'
import { openOperation } from '../opening.ts'
import { demand } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { refuseStopped } from '../stopped.ts'
import { presignRequest, registerRequest } from '../schemas.ts'
import { ExoError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import { ASSET_ID } from '../../domain/stored.ts'

export function rawRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'post',
      path: '/nexus/raw/presign-upload',
      kind: 'record',
      summary: 'A ticket to upload exactly these bytes, once',
      permissions: ['execute:contained'],
      body: presignRequest,
      answers: { 201: { description: 'The ticket: post the fields and then the file to its URL.' } },
    },
    async (c, { body: { filename, content_type, sha256, size_bytes } }) => {
      const { records, objects } = c.get('ports')
      const { tenant_id, principal, now } = c.get('caller')
      await refuseStopped(c, { action: 'raw.register', class: 'contained' }, { changes: true })
      const asset = {
        asset_id: `ra_${randomBytes(16).toString('hex')}`,
        filename,
        content_type,
        sha256,
        size: size_bytes,
      }
      const seconds = LIMITS.uploadTicketSeconds
      const expires_at = new Date(Date.parse(now) + seconds * 1000).toISOString()
      const ticket = await objects.presign(tenant_id, asset, seconds)
      const row = { ...asset, asked_by: principal.id, expires_at }
      await records.askUpload(tenant_id, row, c.get('requestId'), recordLeaf(c, row))
      const key = objects.rawKey(tenant_id, asset)
      return c.json(
        { asset_id: asset.asset_id, key, url: ticket.url, method: 'POST', fields: ticket.fields, expires_at },
        201,
      )
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/nexus/raw/register',
      kind: 'operation',
      summary: 'Register what was uploaded under a ticket',
      body: registerRequest,
      answers: {
        201: { description: 'Registered.' },
        202: { description: 'It goes on, or waits for people.' },
      },
    },
    async (c, { body: { asset_id, reason } }) => {
      demand(c, 'execute:contained')
      const request = { action: 'raw.register', input: { asset_id }, run: 'execute' as const }
      return answer(c, await openOperation(c, reason === undefined ? request : { ...request, reason }))
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/nexus/raw/{asset_id}',
      kind: 'read',
      summary: 'A registered upload',
      permissions: ['read'],
      answers: { 200: { description: 'Where its bytes lie, and which they are.' } },
    },
    async (c, { param }) => {
      const { reading, objects } = c.get('ports')
      const { tenant_id } = c.get('caller')
      const id = param('asset_id')
      const asset = ASSET_ID.test(id) ? await reading.rawAsset(tenant_id, id) : null
      const there = asset === null ? null : await objects.registered(tenant_id, asset)
      if (asset === null || there === null) throw new ExoError('resource.not_found')
      return c.json({ asset_id: id, filename: asset.filename, content_type: asset.content_type, ...there })
    },
  )
}
