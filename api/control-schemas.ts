/** The shapes of controls and identities as they are answered, for the document: rows of the control document, and who was made. */
import { z } from '@hono/zod-openapi'
import { decimal, instant, kind, maybe, maybeInstant, scope, state, text, texts } from './answer-words.ts'
import { resource } from './schemas.ts'

const selector = z.object({ kind: z.enum(['all', 'action', 'provider', 'class']), value: maybe })
const hold = z.enum(['owner', 'platform']).nullable()
const unset = z.enum(['running', 'stopped', 'unset'])
export const switchChange = z.object({
  scope,
  selector,
  was: unset,
  state: unset,
  hold,
  epoch: z.int(),
  reason: maybe,
  changed_by: text,
  changed_at: instant,
})

export const licenseType = z.object({ id: text, name: text }).openapi('LicenceType')
export const licensePolicy = z
  .object({ action: text, license_types: texts, strategy_lock_required: z.boolean() })
  .openapi('LicencePolicy')
const heldGrant = z.object({
  id: text,
  principal_id: text,
  license_type: text,
  actions: texts,
  project_id: maybe,
  surface_id: maybe,
  expires_at: instant,
  standing: z.object({ max_count: z.int(), max_amount: decimal, targets: texts.optional() }).nullable(),
})
export const grant = heldGrant
  .extend({
    granted_by_person: text,
    revoked_at: maybeInstant,
    state: z.enum(['active', 'expired', 'revoked', 'exhausted']),
    used: z.object({ count: z.int(), amount: decimal }),
  })
  .openapi('Grant')
export const lockPolicy = z
  .object({ action: text, surface_id: text, required: z.boolean() })
  .openapi('StrategyLockPolicy')

export const budget = z
  .object({
    scope: z.object({ surface_id: text.optional(), app_id: text.optional(), action: text.optional() }),
    threshold: decimal.optional(),
    daily_cap: decimal.optional(),
    window_days: z.int(),
  })
  .openapi('Budget')
/** Where only a cap holds, there is no threshold to tell the scope of. */
export const budgetInForce = budget.partial().extend({ cap: budget.nullable(), items: z.array(budget) })

export const kpiDefinition = z
  .object({ surface_id: text, kpi: text, unit: text, window_seconds: z.int() })
  .openapi('KpiDefinition')
export const kpiCorridor = z
  .object({
    surface_id: text,
    kpi: text,
    floor: decimal.optional(),
    ceiling: decimal.optional(),
    max_age_seconds: z.int(),
  })
  .openapi('KpiCorridor')
export const kpis = z.object({ definitions: z.array(kpiDefinition), corridors: z.array(kpiCorridor) })

const limits = z.record(z.string(), decimal)
export const temperature = z
  .object({ surface_id: text, floors: limits, ceilings: limits, weights: limits })
  .openapi('TemperatureLimits')
const limit = decimal.nullable()
export const temperatureReading = z
  .object({
    surface_id: text,
    at: instant,
    state: z.enum(['unset', 'within', 'breached']),
    value: limit,
    floors_breached: texts,
    ceilings_breached: texts,
    missing: texts,
    metrics: z.record(
      z.string(),
      z.object({
        value: limit,
        measured_at: maybeInstant,
        fresh: z.boolean(),
        weight: limit,
        floor: limit,
        ceiling: limit,
      }),
    ),
  })
  .openapi('TemperatureReading')
export const temperatureRead = temperatureReading.extend({ operation_id: text, pass: text })

const callClass = z.enum(['mutation', 'read', 'decision'])
export const rateLimit = z.object({ class: callClass, limit: z.int(), window_seconds: z.int() }).openapi('RateLimit')
export const rateLimitInForce = rateLimit.extend({ source: z.enum(['default', 'tenant']) })

const flagValues = z.object({
  ws_enabled: z.boolean(),
  sse_enabled: z.boolean(),
  gesture_logging: z.boolean(),
  replay_mode: z.enum(['off', 'keyframe', 'stream']),
  visibility_mode: z.enum(['private', 'team', 'public']),
})
export const flags = flagValues
  .extend({ tenant_id: text, sources: z.record(z.string(), z.enum(['default', 'global', 'tenant'])) })
  .openapi('FeatureFlags')

export const egress = z
  .object({
    origin: text,
    methods: texts,
    idempotency_header: maybe,
    allowed_headers: texts.optional(),
    secret_headers: z.array(z.object({ header: text, secret: text })).optional(),
  })
  .openapi('EgressTarget')

const waiver = z.object({
  gate: z.enum(['budget', 'kpi', 'temperature']),
  action: text.optional(),
  class: z.enum(['observe', 'reversible', 'contained', 'irreversible']).optional(),
  until: instant,
  reason: text,
})

/** Every section, set or not. */
export const policy = z
  .object({
    version: z.int(),
    epoch: z.int().describe('Of the newest change of a switch; 0 where there is none'),
    changed_by: maybe,
    changed_at: maybeInstant,
    policy: z.object({
      kill_switches: z.array(z.object({ scope, selector, state, hold })),
      license_types: z.array(licenseType),
      firearms: z.array(licensePolicy),
      grants: z.array(heldGrant),
      strategy_locks: z.array(lockPolicy),
      budget: z.array(budget),
      kpi: kpis,
      temperature: z.array(temperature),
      rate_limits: z.array(rateLimit),
      not_required: z.array(waiver),
      egress: z.array(egress),
      feature_flags: flagValues.partial(),
    }),
  })
  .openapi('Policy')

/** The key itself is told in lab mode alone, and once. */
export const tenantMade = z.object({
  tenant: z.object({ id: text, name: text, status: text }),
  members: z.array(
    z.object({
      name: text,
      principal_id: text,
      person_id: maybe,
      kind,
      role: text,
      permissions: texts,
      key_id: maybe,
      api_key: text.optional(),
    }),
  ),
})
export const principalMade = z.object({
  id: text,
  kind,
  name: text,
  person_id: maybe,
  status: text,
  oidc: z.object({ issuer: text, sub: text }).nullable(),
  platform_role: text.optional(),
})
export const membershipPut = z.object({ principal_id: text, role: text, permissions: texts, status: text })
export const apiKeyMade = z.object({
  id: text,
  principal_id: text,
  permissions: texts.nullable(),
  tenants: texts.nullable(),
  expires_at: instant,
  replaces: maybe,
  api_key: text.optional(),
})
export const operatorKeyMade = z.object({ kid: text, principal_id: text, public_jwk: resource })
