/** Single controls as they are read. What the control document says is read from it, so that there is one account of it. */
import { z } from '@hono/zod-openapi'
import { pageOf } from '../cursor.ts'
import { findAction } from '../planning.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, pageQuery } from '../schemas.ts'
import { budgetFor, type BudgetRow } from '../../domain/budget-scope.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { layeredFlags } from '../../domain/feature-flags.ts'
import type { PolicyDocument } from '../../domain/policy.ts'
import { USUAL_RATE } from '../../domain/limits.ts'

const place = z.string().max(64).optional()
const ALL = { 200: { description: 'All of them.', schema: listOf } }

async function policyOf(c: Ctx): Promise<Required<PolicyDocument>> {
  const { policy } = await c.get('ports').reading.policy(c.get('caller').tenant_id)
  return policy as unknown as Required<PolicyDocument>
}

/** Lists that are one section of the document. */
const SECTIONS = [
  ['/registry/firearms/license-types', 'license_types', 'Licence types'],
  ['/firearms/policy', 'firearms', 'Which licences actions are bound to'],
  ['/strategy-lock/policy', 'strategy_locks', 'Which actions need a strategy lock'],
  ['/egress/targets', 'egress', 'Origins that effects may reach'],
] as const

export function controlListRoutes(app: App): void {
  for (const [path, section, summary] of SECTIONS)
    addRoute(app, { method: 'get', path, kind: 'read', summary, permissions: ['read'], answers: ALL }, async (c) =>
      c.json({ items: (await policyOf(c))[section], next_cursor: null }),
    )

  addRoute(
    app,
    {
      method: 'get',
      path: '/firearms/grants',
      kind: 'read',
      summary: 'Grants with their state and use, newest first',
      permissions: ['read'],
      query: pageQuery.extend({ principal_id: place }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id } = c.get('caller')
      const of = query.principal_id ?? null
      const read = (before: string | null, limit: number) =>
        c.get('ports').controls.grants(tenant_id, of, before, limit)
      return c.json(await pageOf(c, query, JSON.stringify(['grants', of]), read))
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/registry/firearms/inspect',
      kind: 'read',
      summary: 'What an action asks of whoever would do it',
      permissions: ['read'],
      query: z.object({ action: z.string().min(1).max(200) }),
    },
    async (c, { query }) => {
      const { name } = findAction(query.action)
      const row = (await policyOf(c)).firearms?.find(({ action }) => action === name)
      const license_types = row?.license_types ?? []
      return c.json({
        action: name,
        requires_firearms: license_types.length > 0,
        license_types,
        strategy_lock_required: row?.strategy_lock_required ?? false,
      })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/budget/policy',
      kind: 'read',
      summary: 'The budget that holds in a scope, the most specific one, and all of them',
      permissions: ['read'],
      query: z.object({ surface_id: place, app_id: place, action: z.string().max(200).optional() }),
    },
    async (c, { query }) => {
      const { surface_id, app_id } = c.get('context')
      const items = (await policyOf(c)).budget as BudgetRow[]
      const found = budgetFor(items, { surface_id, app_id, ...query })
      if (found === null) throw new ExoError('resource.not_found')
      return c.json({ ...found, items } as unknown as JsonObject)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/kpi/config',
      kind: 'read',
      summary: 'Definitions and corridors of KPIs',
      permissions: ['read'],
      query: z.object({ surface_id: place }),
    },
    async (c, { query }) => {
      const { definitions, corridors } = (await policyOf(c)).kpi ?? { definitions: [], corridors: [] }
      const here = onSurface(query.surface_id)
      return c.json({ definitions: definitions.filter(here), corridors: corridors.filter(here) })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/temperature/config',
      kind: 'read',
      summary: 'Floors, ceilings and weights, surface by surface',
      permissions: ['read'],
      query: z.object({ surface_id: place }),
      answers: ALL,
    },
    async (c, { query }) => {
      const rows = (await policyOf(c)).temperature ?? []
      return c.json({ items: rows.filter(onSurface(query.surface_id)), next_cursor: null })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/rate-limits',
      kind: 'read',
      summary: 'How many calls of each class a principal may make',
      permissions: ['read'],
      answers: ALL,
    },
    async (c) => {
      const rows = (await policyOf(c)).rate_limits ?? []
      const items = (['mutation', 'read', 'decision'] as const).map((name) => {
        const row = rows.find((each) => each.class === name)
        return { class: name, ...(row ?? USUAL_RATE), source: row === undefined ? 'default' : 'tenant' }
      })
      return c.json({ items, next_cursor: null })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/feature-flags',
      kind: 'read',
      summary: 'Each flag, and the layer it comes from',
      permissions: ['read'],
    },
    async (c) => {
      const { tenant_id } = c.get('caller')
      return c.json(layeredFlags(tenant_id, await c.get('ports').controls.flagLayers(tenant_id)))
    },
  )
}

const onSurface =
  (surface: string | undefined) =>
  ({ surface_id }: { surface_id: string }): boolean =>
    surface === undefined || surface_id === surface
