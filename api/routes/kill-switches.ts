/** Kill switches: stopping is a record, immediate and one person's; resuming is a control operation that another person votes on. */
import { z } from '@hono/zod-openapi'
import { changeLeaf, CONTROL_ANSWERS, governed } from './controls.ts'
import { pageOf } from '../cursor.ts'
import { type Ctx, demand } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, pageQuery, switchRequest } from '../schemas.ts'
import { ACTIONS } from '../../actions/registry.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'

export function killSwitchRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/kill-switches',
      kind: 'read',
      summary: 'Switches and what they come to',
      permissions: ['read'],
    },
    async (c) => c.json(await switchesOf(c)),
  )

  addRoute(
    app,
    {
      method: 'put',
      path: '/kill-switches',
      kind: 'record',
      summary: 'Stop at once, or ask to resume',
      loosens: true,
      body: switchRequest,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => {
      const caller = demand(c, body.state === 'stopped' ? 'stop' : 'resume')
      const platform = caller.tenant_id === 't_system'
      if ((body.scope === 'global') !== platform)
        throw new ExoError('auth.insufficient_role', undefined, {
          required: [platform ? 'a membership of the tenant' : 'platform_operator'],
        })
      const selectors = selectorsOf(body)
      const hold = holdOf(c, body.hold ?? null)
      if (body.state === 'running')
        return await governed(c, 'kill_switch.resume', { selectors, ...(hold === null ? {} : { hold }) }, body.reason)
      return await stop(c, selectors, hold, body.reason)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/kill-switches/drain',
      kind: 'read',
      summary: 'What was still on its way when the last stop was made',
      permissions: ['read'],
      query: z.object({ scope: z.enum(['global', 'tenant']).optional() }),
    },
    async (c, { query }) => {
      const tenant = c.get('caller').tenant_id
      const scope = query.scope ?? (tenant === 't_system' ? 'global' : 'tenant')
      if ((scope === 'global') !== (tenant === 't_system')) throw new ExoError('resource.not_found')
      const drain = await c.get('ports').reading.drain(tenant)
      if (drain === null) throw new ExoError('resource.not_found')
      return c.json({ scope, ...drain })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/kill-switches/history',
      kind: 'read',
      summary: 'Who stopped and resumed what, newest first',
      permissions: ['read'],
      query: pageQuery,
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id } = c.get('caller')
      const read = (before: string | null, limit: number) =>
        c.get('ports').controls.switchChanges(tenant_id, before, limit)
      return c.json(await pageOf(c, query, 'switches', read))
    },
  )
}

async function stop(
  c: Ctx,
  selectors: { kind: string; value: string | null }[],
  hold: string | null,
  why: string,
): Promise<Response> {
  const { records, crashPoint } = c.get('ports')
  const { tenant_id, principal } = c.get('caller')
  const scope = tenant_id === 't_system' ? 'global' : 'tenant'
  const leaf = changeLeaf(c, 'kill_switch.stop', why, { scope, selectors, state: 'stopped', hold })
  const { epoch } = await records.stop({
    tenant_id,
    selectors,
    hold,
    reason: why,
    changed_by: principal.id,
    leaf_hash: leaf.leaf_hash,
    request_id: c.get('requestId'),
    leaves: [leaf],
  })
  crashPoint('K1')
  const drain = await records.drain(tenant_id, epoch)
  crashPoint('K3')
  return c.json({ ...(await switchesOf(c)), epoch, drain: { scope, epoch, ...drain } })
}

async function switchesOf(c: Ctx): Promise<JsonObject> {
  const { tenant_id } = c.get('caller')
  const switches = await c.get('ports').reading.switches(tenant_id)
  const all = (scope: 'global' | 'tenant') => switches.find((row) => row.scope === scope && row.selector.kind === 'all')
  const scopes = tenant_id === 't_system' ? (['global'] as const) : (['global', 'tenant'] as const)
  const closed = scopes.find((scope) => all(scope)?.state !== 'running')
  return {
    switches: switches as unknown as JsonObject[],
    effective:
      closed === undefined
        ? { state: 'running', scope: null, reason: null }
        : { state: 'stopped', scope: closed, reason: all(closed)?.reason ?? null },
  }
}

function selectorsOf(body: z.output<typeof switchRequest>): { kind: string; value: string | null }[] {
  const unknown = (body.actions ?? []).filter((action) => !ACTIONS.has(action))
  if (unknown.length > 0)
    throw new ExoError('validation.error', undefined, {
      errors: unknown.map((action) => ({ path: '/actions', message: `${action} is not an action` })),
    })
  const each = (kind: string, values: readonly string[] = []) => [...new Set(values)].map((value) => ({ kind, value }))
  const named = [...each('action', body.actions), ...each('provider', body.providers), ...each('class', body.classes)]
  const lists = [body.actions, body.providers, body.classes]
  if (lists.every((list) => list === undefined)) return [{ kind: 'all', value: null }]
  if (named.length === 0)
    throw new ExoError('validation.error', undefined, { errors: [{ path: '/', message: 'the lists are empty' }] })
  return named
}

/** A hold is set by the role it names and nobody else. */
function holdOf(c: Ctx, hold: 'owner' | 'platform' | null): 'owner' | 'platform' | null {
  if (hold === null) return null
  const { principal, memberships, tenant_id } = c.get('caller')
  const role = memberships.find((row) => row.tenant_id === tenant_id)?.role
  const may = hold === 'platform' ? principal.platform_role !== null : role === 'owner'
  if (!may) throw new ExoError('auth.insufficient_role', undefined, { required: [hold] })
  return hold
}
