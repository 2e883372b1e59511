/** API keys: listed without their secrets, made and rotated by another person's vote, revoked at once. */
import { z } from '@hono/zod-openapi'
import { CONTROL_ANSWERS, changeLeaf, theResource } from './controls.ts'
import { answer } from './operations.ts'
import { handOut } from '../handing-out.ts'
import { openOperation } from '../opening.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, reasonRequest } from '../schemas.ts'
import { apiKeyCreate, overlapSeconds } from '../../actions/api-key-create.ts'
import { instant } from '../../actions/policy-document.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'

/** When the new key ends is said anew, so that a repeat of the call says the same. */
const rotateRequest = z
  .strictObject({ overlap_seconds: overlapSeconds.default(0), expires_at: instant })
  .openapi('RotateRequest')

export function apiKeyRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/api-keys',
      kind: 'read',
      summary: 'API keys of the tenant, without their secrets',
      permissions: ['read'],
      answers: { 200: { description: 'All of them.', schema: listOf } },
    },
    async (c) => c.json({ items: await keysOf(c), next_cursor: null }),
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/api-keys',
      kind: 'control operation',
      summary: "Create an API key for one's own principal, or anybody's with identity:write",
      anyOf: ['read', 'identity:write'],
      body: apiKeyCreate.input,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => await keyMade(c, body as JsonObject, 'create an API key'),
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/api-keys/{id}/rotate',
      kind: 'control operation',
      summary: 'Replace a key by a new one; the old one ends after the overlap',
      anyOf: ['read', 'identity:write'],
      body: rotateRequest,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body, param }) => {
      const old = (await keysOf(c)).find((key) => key.id === param('id'))
      if (old === undefined) throw new ExoError('resource.not_found')
      const { principal_id, permissions } = old
      const input = {
        principal_id,
        ...(permissions === null ? {} : { permissions }),
        expires_at: body.expires_at,
        replaces: { id: param('id'), overlap_seconds: body.overlap_seconds },
      }
      return await keyMade(c, input as JsonObject, 'rotate an API key')
    },
  )

  addRoute(
    app,
    {
      method: 'delete',
      path: '/api-keys/{id}',
      kind: 'record',
      summary: "Revoke a key: one's own, or anybody's with identity:write",
      anyOf: ['read', 'identity:write'],
      body: reasonRequest,
      answers: { 200: { description: 'Revoked.' } },
    },
    async (c, { body, param }) => {
      const { tenant_id, now, principal, permissions } = c.get('caller')
      const id = param('id')
      const leaf = changeLeaf(c, 'api_key.revoke', body.reason, { id, state: 'revoked' })
      const onlyOf = permissions.includes('identity:write') ? null : principal.id
      const revoked = await c.get('ports').records.revoke('api_key', tenant_id, id, onlyOf, c.get('requestId'), leaf)
      if (revoked !== 'done') throw new ExoError('resource.not_found')
      return c.json({ id, revoked_at: now })
    },
  )
}

const keysOf = async (c: Ctx) => await c.get('ports').reading.apiKeys(c.get('caller').tenant_id)

async function keyMade(c: Ctx, input: JsonObject, why: string): Promise<Response> {
  const opened = await openOperation(c, { action: 'api_key.create', input, run: 'execute', reason: why })
  const keys = opened.row.status === 'executed' ? await handOut(c, opened.row.id) : null
  return answer(c, opened, (view) => ({ ...theResource(view), ...(keys === null ? {} : { api_key: keys('key') }) }))
}
