/**
 * Configuration of callers' own: the platform's for everybody, the tenant's, a surface's. It feeds no gate. Whoever replaces
 * a scope names the version they saw; another one is a conflict, and nothing changes.
 */
import { z } from '@hono/zod-openapi'
import { changeLeaf } from './controls.ts'
import { refuseUnknownPlaces } from '../places.ts'
import { type Ctx, demand } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { configRequest } from '../schemas.ts'
import { canonicalJson, type JsonObject } from '../../domain/canonical.ts'
import { CONFIG_SCOPES, type ConfigScope, effectiveConfig } from '../../domain/config-values.ts'
import { ExoError } from '../../domain/errors.ts'
import { sha256TextHex } from '../../domain/hash.ts'
import { namedPlaces } from '../../domain/places.ts'

const query = z.object({ surface_id: z.string().max(64).optional() })
const TAGGED = { ETag: z.string() }
const TAG = /^"?(0|[1-9]\d{0,8})"?$/

export function configRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/config/effective',
      kind: 'read',
      summary: 'The scopes laid over one another, and which value is from which',
      permissions: ['read'],
      query,
      answers: { 200: { description: 'All of them.', headers: TAGGED } },
    },
    async (c, { query: { surface_id } }) => {
      const { config } = c.get('ports')
      const effective = effectiveConfig(await config.read(c.get('caller').tenant_id, surfaceOf(c, surface_id)))
      c.header('ETag', `"${sha256TextHex(canonicalJson(effective)).slice(0, 32)}"`)
      return c.json({ surface_id: surfaceOf(c, surface_id), ...effective })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/config/{scope}',
      kind: 'read',
      summary: 'One scope; its version is the ETag',
      permissions: ['read'],
      query,
      answers: { 200: { description: 'The scope.', headers: TAGGED } },
    },
    async (c, { query: { surface_id }, param }) => {
      const scope = scopeOf(param('scope'))
      const surface = surfaceOf(c, surface_id)
      const rows = await c.get('ports').config.read(c.get('caller').tenant_id, surface)
      return told(c, scope, surface, rows[scope])
    },
  )

  addRoute(
    app,
    {
      method: 'put',
      path: '/config/{scope}',
      kind: 'record',
      summary: 'Replace one scope; If-Match names the version that was seen',
      body: configRequest,
      query,
      headers: { 'If-Match': z.string().regex(TAG) },
      answers: { 200: { description: 'The scope as it now stands.', headers: TAGGED } },
    },
    async (c, { body, query: { surface_id }, param }) => {
      const scope = scopeOf(param('scope'))
      const { tenant_id, principal } = demandScope(c, scope)
      const surface = surfaceOf(c, surface_id)
      const seen = seenVersion(c)
      if (scope === 'surface')
        await refuseUnknownPlaces(c.get('ports'), tenant_id, namedPlaces('/query', { surface_id: surface }))
      const place = { scope, surface_id: scope === 'surface' ? surface : '' }
      const answer = await c
        .get('ports')
        .config.put(
          tenant_id,
          place,
          { seen, values: body.values as JsonObject, by: principal.id },
          c.get('requestId'),
          (before, after) =>
            changeLeaf(
              c,
              'config.put',
              null,
              { ...place, version: after.version, values: after.values },
              {
                version: before.version,
                values: before.values,
              },
            ),
        )
      if ('stands' in answer) throw new ExoError('config.version_conflict', undefined, { version: answer.stands })
      return told(c, scope, surface, answer.row)
    },
  )
}

function scopeOf(word: string): ConfigScope {
  const scope = CONFIG_SCOPES.find((each) => each === word)
  if (scope === undefined) throw new ExoError('config.invalid_scope', undefined, { allowed: CONFIG_SCOPES })
  return scope
}

/** The platform's operators write what is everybody's, and nothing else; a tenant's owner and admins write its own. */
function demandScope(c: Ctx, scope: ConfigScope) {
  const platform = c.get('caller').tenant_id === 't_system'
  if ((scope === 'system') !== platform)
    throw new ExoError('auth.insufficient_role', undefined, {
      required: [platform ? 'a membership of the tenant' : 'platform_operator'],
    })
  return demand(c, platform ? 'identity:write' : 'configure:flags')
}

function surfaceOf(c: Ctx, named: string | undefined): string {
  return named ?? c.get('context').surface_id
}

function seenVersion(c: Ctx): number {
  const given = c.req.header('if-match')
  if (given === undefined) throw new ExoError('context.missing', undefined, { field: 'If-Match' })
  const [, version] = TAG.exec(given) ?? []
  if (version === undefined) throw new ExoError('context.invalid', undefined, { field: 'If-Match' })
  return Number(version)
}

function told(c: Ctx, scope: ConfigScope, surface: string, row: object & { version: number }): Response {
  c.header('ETag', `"${row.version}"`)
  return c.json({ scope, ...(scope === 'surface' ? { surface_id: surface } : {}), ...row } as unknown as JsonObject)
}
