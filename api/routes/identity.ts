/** Who one is; tenants and operators' own keys. */
import { changeLeaf, governed, theResource } from './controls.ts'
import { answer } from './operations.ts'
import { handOut } from '../handing-out.ts'
import { openOperation } from '../opening.ts'
import { addRoute, type App } from '../route.ts'
import { reasonRequest } from '../schemas.ts'
import { operatorKeyCreate } from '../../actions/operator-key-create.ts'
import { tenantCreate } from '../../actions/tenant-create.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { effectivePermissions, narrowedBy, PLATFORM_PERMISSIONS, type Role } from '../../domain/permissions.ts'

export function identityRoutes(app: App): void {
  addRoute(app, { method: 'get', path: '/auth/me', kind: 'read', summary: 'Who this credential is' }, (c) => {
    const { principal, memberships, credential, tenant_id, permissions, on_behalf_of } = c.get('caller')
    const delegated = on_behalf_of.length > 0
    return c.json({
      principal: { id: principal.id, kind: principal.kind, name: principal.name },
      tenants: memberships
        .filter((row) => row.status === 'active' && (!delegated || row.tenant_id === tenant_id))
        .map((row) => ({
          id: row.tenant_id,
          role: row.role,
          permissions: delegated
            ? permissions
            : effectivePermissions(principal.kind, row.role as Role, row.permissions, credential.permissions),
        })),
      ...(delegated ? { on_behalf_of: on_behalf_of.map(({ id }) => id) } : {}),
      platform_role: principal.platform_role,
      ...(principal.platform_role === null
        ? {}
        : { permissions: narrowedBy(PLATFORM_PERMISSIONS, credential.permissions) }),
      credential: { id: credential.id, expires_at: credential.expires_at },
    })
  })

  addRoute(
    app,
    {
      method: 'post',
      path: '/tenants',
      kind: 'control operation',
      summary: 'Create a tenant',
      permissions: ['identity:write'],
      body: tenantCreate.input,
      answers: { 200: { description: 'Created.' }, 202: { description: 'The other platform operator must vote.' } },
    },
    async (c, { body }) => {
      const opened = await openOperation(c, {
        action: 'tenant.create',
        input: body as JsonObject,
        run: 'execute',
        reason: 'create a tenant',
      })
      const due = opened.row.status === 'executed' && c.get('ports').mode === 'lab'
      const keys = due ? await handOut(c, opened.row.id) : null
      return answer(c, opened, (view) => withKeys(theResource(view), keys))
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/operator-keys',
      kind: 'control operation',
      summary: "Register one's own signing key",
      permissions: ['decide'],
      body: operatorKeyCreate.input,
      answers: { 200: { description: 'Registered.' }, 202: { description: 'Another person must vote.' } },
    },
    async (c, { body }) => await governed(c, 'operator_key.create', body as JsonObject, "register one's own key"),
  )
  addRoute(
    app,
    {
      method: 'delete',
      path: '/operator-keys/{kid}',
      kind: 'record',
      summary: "Revoke a key: one's own, or anybody's with identity:write",
      anyOf: ['decide', 'identity:write'],
      body: reasonRequest,
      answers: { 200: { description: 'Revoked.' } },
    },
    async (c, { body, param }) => {
      const { tenant_id, now, principal, permissions } = c.get('caller')
      const kid = param('kid')
      const leaf = changeLeaf(c, 'operator_key.revoke', body.reason, { kid, state: 'revoked' })
      const onlyOf = permissions.includes('identity:write') ? null : principal.id
      const revoked = await c.get('ports').records.revokeOperatorKey(tenant_id, kid, onlyOf, c.get('requestId'), leaf)
      if (!revoked) throw new ExoError('resource.not_found')
      return c.json({ kid, revoked_at: now })
    },
  )
  addRoute(
    app,
    { method: 'get', path: '/operator-keys', kind: 'read', summary: "Operators' keys", permissions: ['read'] },
    async (c) =>
      c.json({ items: await c.get('ports').reading.operatorKeys(c.get('caller').tenant_id), next_cursor: null }),
  )
}

function withKeys(resource: JsonObject, keys: ((name: string) => string) | null): JsonObject {
  if (keys === null) return resource
  const members = resource.members as JsonObject[]
  return {
    ...resource,
    members: members.map((member) =>
      member.key_id === null ? member : { ...member, api_key: keys(String(member.name)) },
    ),
  }
}
