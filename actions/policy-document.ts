/** The schema of the control document: the `PUT` bodies of the single controls, row by row, without their reasons. */
import { z } from 'zod'
import { allowedHeaders, headersDistinct, idempotencyHeader, secretHeaders } from './egress-headers.ts'
import { isExactOrigin } from './egress-origin.ts'
import { LIMITS } from '../domain/limits.ts'
import { toSignedMicros } from '../domain/money.ts'
import type { PolicyDocument } from '../domain/policy.ts'

const id = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_[a-z0-9_-]{1,60}$`))
const action = z.string().regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/)
const actionClass = z.enum(['observe', 'reversible', 'contained', 'irreversible'])
const money = z.string().regex(/^\d{1,12}(\.\d{1,6})?$/)
const signed = z.string().regex(/^-?\d{1,12}(\.\d{1,6})?$/)
/** A UTC instant that PostgreSQL can keep: it has no year nought. */
export const instant = z.iso
  .datetime({ offset: false, message: 'a UTC instant such as 2030-01-31T00:00:00Z' })
  .refine((text) => !text.startsWith('0000'), 'there is no year 0000')
const surface = z.union([id('s'), z.literal('*')])
const metric = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/)
const limits = z.record(metric, signed)
const rows = <T extends z.ZodType>(row: T) => z.array(row).max(LIMITS.controlRows)

/** A host as URLs print it: every host that an origin may have can be stopped. */
export const providerName = z.string().regex(/^([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])$/)

export const switchSelector = z.union([
  z.strictObject({ kind: z.literal('all'), value: z.null() }),
  z.strictObject({ kind: z.literal('action'), value: action }),
  z.strictObject({ kind: z.literal('provider'), value: providerName }),
  z.strictObject({ kind: z.literal('class'), value: actionClass }),
])

const standing = z.strictObject({
  max_count: z.int().min(1).max(1_000_000_000),
  max_amount: money,
  targets: z.array(z.string().max(2048)).max(100).optional(),
})

/** One origin that effects may reach, written as URLs print it: scheme, host, and the port where it is not the usual one. */
const egressFields = z.strictObject({
  origin: z.string().max(300).refine(isExactOrigin, 'an origin as URLs print it, such as https://example.com'),
  methods: z.array(z.literal('POST')).length(1),
  /** Named where the target applies one key once; `null` where each request counts. */
  idempotency_header: idempotencyHeader,
  allowed_headers: allowedHeaders,
  secret_headers: secretHeaders,
})
export const egressTarget = egressFields.refine(headersDistinct, 'a header stands there twice')

/** Each kind of row, as the document lists it and as the single controls take it. */
export const ROWS = {
  license_types: z.strictObject({ id: id('lt'), name: z.string().min(1).max(200) }),
  firearms: z.strictObject({
    action,
    license_types: z.array(id('lt')).max(20),
    strategy_lock_required: z.boolean().default(false),
  }),
  grants: z.strictObject({
    id: id('gr').optional(),
    principal_id: id('p'),
    license_type: id('lt'),
    actions: z.array(action).min(1).max(100),
    project_id: id('p').nullish(),
    surface_id: id('s').nullish(),
    expires_at: instant,
    standing: standing.nullable().default(null),
  }),
  strategy_locks: z.strictObject({ action, surface_id: surface.default('*'), required: z.boolean() }),
  budget: z
    .strictObject({
      scope: z.strictObject({
        surface_id: id('s').optional(),
        app_id: id('a').optional(),
        action: action.optional(),
      }),
      threshold: money.optional(),
      daily_cap: money.optional(),
      window_days: z.int().min(1).max(90).default(7),
    })
    .refine((row) => row.threshold !== undefined || row.daily_cap !== undefined, 'threshold or daily_cap is due')
    .refine(
      (row) => row.daily_cap === undefined || row.scope.action !== undefined,
      'a daily_cap belongs to scope.action',
    )
    .refine((row) => row.threshold === undefined || row.scope.action === undefined, 'a threshold has no scope.action'),
  kpi_definitions: z.strictObject({
    surface_id: id('s'),
    kpi: metric,
    unit: z.string().min(1).max(40),
    window_seconds: z
      .int()
      .min(1)
      .max(31_536_000)
      .describe(
        'Over how long whoever measures takes one value. Told to people; how old a value may be is the corridor’s.',
      ),
  }),
  kpi_corridors: z
    .strictObject({
      surface_id: id('s'),
      kpi: metric,
      floor: signed.optional(),
      ceiling: signed.optional(),
      max_age_seconds: z.int().min(1).max(31_536_000).default(86_400),
    })
    .refine((row) => row.floor !== undefined || row.ceiling !== undefined, 'floor or ceiling is due')
    .refine((row) => !isAbove(row.floor, row.ceiling), 'floor is above ceiling'),
  temperature: z
    .strictObject({
      surface_id: id('s'),
      floors: limits.default({}),
      ceilings: limits.default({}),
      weights: limits.default({}),
    })
    .refine(
      ({ floors, ceilings }) => Object.keys(floors).every((name) => !isAbove(floors[name], ceilings[name])),
      'floor is above ceiling',
    ),
  rate_limits: z.strictObject({
    class: z.enum(['mutation', 'read', 'decision']),
    limit: z.int().min(1).max(10_000_000),
    window_seconds: z.int().min(1).max(86_400),
  }),
  egress: egressTarget,
  /** A part of the flags: what it leaves out stays as the layers below say. */
  feature_flags: z.strictObject({
    ws_enabled: z.boolean().optional(),
    sse_enabled: z.boolean().optional(),
    gesture_logging: z.boolean().optional(),
    replay_mode: z.enum(['off', 'keyframe', 'stream']).optional(),
    visibility_mode: z.enum(['private', 'team', 'public']).optional(),
  }),
}

/** Exact: beside each other, two long decimals may be one and the same to a float. */
function isAbove(floor: string | undefined, ceiling: string | undefined): boolean {
  const [low, high] = [toSignedMicros(floor), toSignedMicros(ceiling)]
  return low !== null && high !== null && low > high
}

export const policyDocument = z.strictObject({
  kill_switches: rows(
    z.strictObject({
      scope: z.enum(['global', 'tenant']),
      selector: switchSelector,
      state: z.enum(['running', 'stopped']),
      hold: z.enum(['owner', 'platform']).nullable().default(null),
    }),
  ).optional(),
  license_types: rows(ROWS.license_types).optional(),
  firearms: rows(ROWS.firearms).optional(),
  grants: rows(ROWS.grants).optional(),
  strategy_locks: rows(ROWS.strategy_locks).optional(),
  budget: rows(ROWS.budget).optional(),
  kpi: z.strictObject({ definitions: rows(ROWS.kpi_definitions), corridors: rows(ROWS.kpi_corridors) }).optional(),
  temperature: rows(ROWS.temperature).optional(),
  rate_limits: rows(ROWS.rate_limits).optional(),
  not_required: rows(
    z
      .strictObject({
        gate: z.enum(['budget', 'kpi', 'temperature']),
        action: action.optional(),
        class: actionClass.optional(),
        until: instant,
        reason: z.string().min(1).max(500),
      })
      .refine((row) => (row.action === undefined) !== (row.class === undefined), 'either action or class is due'),
  ).optional(),
  egress: rows(ROWS.egress).optional(),
  feature_flags: ROWS.feature_flags.optional(),
}) satisfies z.ZodType<PolicyDocument>
