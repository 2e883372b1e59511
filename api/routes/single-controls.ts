/**
 * The routes that change one control: sugar over `PUT /policy`. Each asks for the right to configure before it looks at the
 * body, opens the governing action of its row, and answers the row once another person has voted. Ending a grant only
 * tightens: it is a record.
 */
import type { z } from '@hono/zod-openapi'
import { CONTROL_ANSWERS, changeLeaf, governed } from './controls.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { reason, reasonRequest } from '../schemas.ts'
import { ROWS } from '../../actions/policy-document.ts'
import { ROW_RULES, type RuledSection } from '../../actions/policy-rows.ts'
import { TEMPERATURE_PARTS, temperaturePart } from '../../actions/single-controls.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'

interface Put {
  method: 'put' | 'post'
  path: string
  action: string
  section: RuledSection
  /** The row as callers write it; a reason comes beside it. */
  row: z.ZodObject
  summary: string
  /** Where nobody is asked why: what a licence type or a definition is called tells nothing by itself. */
  reasonless?: true
  /** What the path says besides. */
  more?: JsonObject
}

const PUTS: readonly Put[] = [
  {
    method: 'post',
    path: '/registry/firearms/license-types',
    action: 'license_type.create',
    section: 'license_types',
    row: ROWS.license_types,
    summary: 'Create a licence type',
    reasonless: true,
  },
  {
    method: 'put',
    path: '/firearms/policy',
    action: 'license_policy.put',
    section: 'firearms',
    row: ROWS.firearms,
    summary: 'Bind an action to licence types, all of them required; an empty list unbinds it',
  },
  {
    method: 'put',
    path: '/firearms/grants',
    action: 'grant.put',
    section: 'grants',
    row: ROWS.grants,
    summary: 'Grant a licence to somebody else',
  },
  {
    method: 'put',
    path: '/strategy-lock/policy',
    action: 'strategy_lock_policy.put',
    section: 'strategy_locks',
    row: ROWS.strategy_locks,
    summary: 'Say whether an action needs a strategy lock',
  },
  {
    method: 'put',
    path: '/budget/policy',
    action: 'budget_policy.put',
    section: 'budget',
    row: ROWS.budget,
    summary: 'Set the threshold of a scope, or the daily cap of an action',
  },
  {
    method: 'post',
    path: '/kpi/definitions',
    action: 'kpi_definition.create',
    section: 'kpi.definitions',
    row: ROWS.kpi_definitions,
    summary: 'Define a KPI',
    reasonless: true,
  },
  {
    method: 'put',
    path: '/kpi/corridors',
    action: 'kpi_corridor.put',
    section: 'kpi.corridors',
    row: ROWS.kpi_corridors,
    summary: 'Set the corridor of a KPI',
  },
  ...TEMPERATURE_PARTS.map(
    (part): Put => ({
      method: 'put',
      path: `/temperature/${part}`,
      action: 'temperature.put',
      section: 'temperature',
      row: temperaturePart,
      summary: `Set the ${part} of a surface's temperature`,
      more: { part },
    }),
  ),
  {
    method: 'put',
    path: '/rate-limits',
    action: 'rate_limit.put',
    section: 'rate_limits',
    row: ROWS.rate_limits,
    summary: 'Limit the calls of a class, for each principal',
  },
  {
    method: 'put',
    path: '/egress/targets',
    action: 'egress_target.put',
    section: 'egress',
    row: ROWS.egress,
    summary: 'Allow effects to reach an origin, or change how',
  },
  {
    method: 'put',
    path: '/feature-flags',
    action: 'feature_flags.put',
    section: 'feature_flags',
    row: ROWS.feature_flags,
    summary: 'Set some of the tenant’s flags; the others stay',
    reasonless: true,
  },
]

export function singleControlRoutes(app: App): void {
  for (const { method, path, action, section, row, summary, reasonless, more } of PUTS)
    addRoute(
      app,
      {
        method,
        path,
        kind: 'control operation',
        summary,
        permissions: [ROW_RULES[section].permission({})],
        body: withReason(row, reasonless === true).openapi(schemaName(action, more)),
        keep: ['surface_id', 'project_id'].filter((member) => member in row.shape),
        answers: CONTROL_ANSWERS,
      },
      async (c, { body }) => await put(c, action, { ...(body as JsonObject), ...more }, summary),
    )

  addRoute(
    app,
    {
      method: 'put',
      path: '/feature-flags/global',
      kind: 'control operation',
      summary: 'Set some of the flags that lie under every tenant’s; the platform’s alone',
      platform: true,
      body: withReason(ROWS.feature_flags, true).openapi('GlobalFlagsRequest'),
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) => await put(c, 'feature_flags.put_global', body as JsonObject, 'set flags for every tenant'),
  )

  addRoute(
    app,
    {
      method: 'delete',
      path: '/firearms/grants/{id}',
      kind: 'record',
      summary: 'Revoke a grant, at once',
      permissions: ['configure:firearms'],
      body: reasonRequest,
      answers: { 200: { description: 'Revoked; the grant as it now stands.' } },
    },
    async (c, { body, param }) => {
      const { tenant_id, principal } = c.get('caller')
      const id = param('id')
      const tell = (before: JsonObject, after: JsonObject) => changeLeaf(c, 'grant.revoke', body.reason, after, before)
      const revoked = /^gr_[a-z0-9_-]{1,60}$/.test(id)
        ? await c.get('ports').controls.revokeGrant(tenant_id, id, principal.id, c.get('requestId'), tell)
        : null
      if (revoked === null) throw new ExoError('resource.not_found')
      return c.json(revoked)
    },
  )
}

/** What the row's schema checks between members stays checked. */
function withReason(row: z.ZodObject, optional: boolean): z.ZodObject {
  return row.safeExtend({ reason: optional ? reason.optional() : reason }) as z.ZodObject
}

async function put(c: Ctx, action: string, body: JsonObject, usual: string): Promise<Response> {
  const { reason: why, ...input } = body
  return await governed(c, action, input, typeof why === 'string' ? why : usual)
}

function schemaName(action: string, more: JsonObject | undefined): string {
  const words = [...action.split(/[._]/), ...Object.values(more ?? {}), 'request']
  return words.map((word) => `${String(word)[0]?.toUpperCase()}${String(word).slice(1)}`).join('')
}
