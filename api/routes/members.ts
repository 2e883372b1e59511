/** Principals and what they are in the tenant: made by another person's vote, revoked at once. */
import { CONTROL_ANSWERS, changeLeaf, governed } from './controls.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, reasonRequest } from '../schemas.ts'
import { membershipPut } from '../../actions/membership-put.ts'
import { principalCreate } from '../../actions/principal-create.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'

const PAGE = { 200: { description: 'All of them.', schema: listOf } }

export function memberRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/principals',
      kind: 'read',
      summary: 'Who belongs to the tenant',
      permissions: ['read'],
      answers: PAGE,
    },
    async (c) =>
      c.json({ items: await c.get('ports').reading.principals(c.get('caller').tenant_id), next_cursor: null }),
  )
  addRoute(
    app,
    {
      method: 'post',
      path: '/principals',
      kind: 'control operation',
      summary: 'Create an agent, a service or a user',
      permissions: ['identity:write'],
      body: principalCreate.input,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => await governed(c, 'principal.create', body as JsonObject, 'create a principal'),
  )
  addRoute(
    app,
    {
      method: 'delete',
      path: '/principals/{principal_id}',
      kind: 'record',
      summary: 'Revoke a principal that this tenant made, everywhere',
      permissions: ['identity:write'],
      body: reasonRequest,
      answers: { 200: { description: 'Revoked.' } },
    },
    async (c, { body, param }) => await revoke(c, 'principal', param('principal_id'), body.reason),
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/memberships',
      kind: 'read',
      summary: 'Roles in the tenant',
      permissions: ['read'],
      answers: PAGE,
    },
    async (c) =>
      c.json({ items: await c.get('ports').reading.memberships(c.get('caller').tenant_id), next_cursor: null }),
  )
  addRoute(
    app,
    {
      method: 'put',
      path: '/memberships',
      kind: 'control operation',
      summary: 'Make somebody a member, or change a role',
      permissions: ['identity:write'],
      body: membershipPut.input,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => await governed(c, 'membership.put', body as JsonObject, 'change a membership'),
  )
  addRoute(
    app,
    {
      method: 'delete',
      path: '/memberships/{principal_id}',
      kind: 'record',
      summary: 'End a membership',
      permissions: ['identity:write'],
      body: reasonRequest,
      answers: { 200: { description: 'Revoked.' } },
    },
    async (c, { body, param }) => await revoke(c, 'membership', param('principal_id'), body.reason),
  )
}

async function revoke(c: Ctx, what: 'principal' | 'membership', id: string, why: string): Promise<Response> {
  const { tenant_id, now } = c.get('caller')
  const leaf = changeLeaf(c, `${what}.revoke`, why, { principal_id: id, state: 'revoked' })
  const revoked = await c.get('ports').records.revoke(what, tenant_id, id, null, c.get('requestId'), leaf)
  if (revoked === 'required') throw new ExoError('resource.required', undefined, { principal_id: id })
  if (revoked === 'absent') throw new ExoError('resource.not_found')
  return c.json({ principal_id: id, status: 'revoked', revoked_at: now })
}
