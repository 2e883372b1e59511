/** Schemas of what callers send, shared by validation, document and types. */
import { z } from '@hono/zod-openapi'
import { depthOf } from '../actions/note-fields.ts'
import { SAYS_SOMETHING } from '../actions/operation-resolve.ts'
import { instant, providerName } from '../actions/policy-document.ts'
import { LIMITS } from '../domain/limits.ts'
import { OPINIONS } from '../domain/three-wise.ts'
import { ASSET_ID } from '../domain/stored.ts'
import { type PlaceKind, PLACES } from '../domain/places.ts'

export const reason = z.string().min(1).max(LIMITS.reasonCharacters)
const hash = z.string().regex(/^[0-9a-f]{64}$/)

export const operationRequest = z
  .strictObject({
    action: z.string().min(1).max(200),
    input: z.record(z.string(), z.any()).optional(),
    /** Instead of `input`: several of one action, in one operation that is approved once. */
    inputs: z.array(z.record(z.string(), z.any())).min(1).max(LIMITS.batchItems).optional(),
    target: z.string().min(1).max(2048).optional(),
    run: z.enum(['execute', 'propose']).default('execute'),
    reason: reason.optional(),
    estimated_cost: z
      .string()
      .regex(/^\d{1,12}(\.\d{1,6})?$/)
      .optional(),
    approval: z
      .strictObject({
        expires_in: z.int().min(1).max(LIMITS.approvalExpiresSeconds.max).optional(),
        quorum: z.int().min(1).max(LIMITS.quorumMax).optional(),
      })
      .optional(),
  })
  .refine((body) => (body.input === undefined) !== (body.inputs === undefined), {
    path: ['input'],
    message: 'either input or inputs is due',
  })
  .openapi('OperationRequest')

export const decisionRequest = z
  .strictObject({
    decision: z.enum(['approve', 'deny']),
    intent_hash: hash,
    reason: reason.optional(),
    shown_hash: hash.optional(),
    vote: z.string().min(1).max(8192).optional(),
  })
  .refine((body) => body.decision === 'approve' || body.reason !== undefined, {
    path: ['reason'],
    message: 'a denial needs a reason',
  })
  .openapi('DecisionRequest')

export const reasonRequest = z.strictObject({ reason }).openapi('ReasonRequest')

export const questionRequest = z
  .strictObject({
    question: z.string().min(1).max(2000),
    binds: z.strictObject({
      action: z.string().min(1).max(200),
      target: z.string().min(1).max(2048).optional(),
      input: z.record(z.string(), z.any()),
    }),
    expires_in: z.int().min(1).max(LIMITS.questionSeconds.max).optional(),
  })
  .openapi('ThreeWiseQuestion')

export const opinionRequest = z.strictObject({ verdict: z.enum(OPINIONS), reason }).openapi('ThreeWiseOpinion')

/** A name without a path: no separator, no dot at an end, no control or look-alike; the same in every file system. */
const basename = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,126}[A-Za-z0-9])?$/, 'a plain file name')

export const presignRequest = z
  .strictObject({
    filename: basename,
    content_type: z
      .string()
      .regex(/^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,100}$/)
      .default('application/octet-stream'),
    sha256: hash,
    size_bytes: z.int().min(1).max(LIMITS.rawBytes),
  })
  .openapi('PresignRequest')

export const registerRequest = z
  .strictObject({ asset_id: z.string().regex(ASSET_ID), reason: reason.optional() })
  .openapi('RegisterRequest')

export const resolveRequest = z
  .strictObject({
    outcome: z.enum(['committed', 'not_committed']),
    evidence: z.record(z.string(), z.any()).refine(...SAYS_SOMETHING),
    reason,
  })
  .openapi('ResolveRequest')

/** Exact and never negative: a string, so that no exponent and no NaN can be said. */
export const usageRequest = z
  .strictObject({
    cost: z.string().regex(/^\d{1,12}(\.\d{1,6})?$/),
    action: z.string().min(1).max(200),
    surface_id: z
      .string()
      .regex(/^s_[a-z0-9_-]{1,60}$/)
      .optional(),
    operation_id: z
      .string()
      .regex(/^op_[0-9a-z]{1,64}$/)
      .optional(),
  })
  .openapi('UsageRequest')

/** Whole values under names, any JSON; at most as large and as deep as an operation’s input and its labels are. */
export const configRequest = z
  .strictObject({ values: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,127}$/), z.any()) })
  .refine(({ values }) => Object.keys(values).length <= LIMITS.configValues, {
    path: ['values'],
    message: `more than ${LIMITS.configValues}`,
  })
  .refine(({ values }) => JSON.stringify(values).length <= LIMITS.inputBytes, {
    path: ['values'],
    message: `larger than ${LIMITS.inputBytes} bytes`,
  })
  .refine(({ values }) => depthOf(values) <= LIMITS.configDepth, {
    path: ['values'],
    message: `deeper than ${LIMITS.configDepth}`,
  })
  .openapi('ConfigRequest')

/** `user_id` may stand beside it where it is the caller's own; so may everything of the context. */
export const trainPrefRequest = z.strictObject({ opt_out: z.boolean() }).openapi('TrainPrefRequest')

const decimal = z.string().regex(/^-?\d{1,12}(\.\d{1,6})?$/)
export const measurementRequest = z
  .strictObject({
    surface_id: z
      .string()
      .regex(/^s_[a-z0-9_-]{1,60}$/)
      .optional(),
    kpi: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
    value: decimal,
    measured_at: instant.optional(),
  })
  .openapi('MeasurementRequest')

export const placeRequest = (kind: PlaceKind) =>
  z.strictObject({
    id: z.string().regex(new RegExp(`^${PLACES[kind].prefix}_[a-z0-9_-]{1,60}$`)),
    name: z.string().min(1).max(200),
  })

export const switchRequest = z
  .strictObject({
    scope: z.enum(['global', 'tenant']),
    state: z.enum(['running', 'stopped']),
    actions: z.array(z.string().min(1).max(200)).max(100).optional(),
    providers: z.array(providerName).max(100).optional(),
    classes: z
      .array(z.enum(['observe', 'reversible', 'contained', 'irreversible']))
      .max(4)
      .optional(),
    hold: z.enum(['owner', 'platform']).nullable().optional(),
    reason,
  })
  .openapi('SwitchRequest')

/** How lists are paged. */
export const pageQuery = z.object({ cursor: z.string().max(500).optional(), limit: z.string().optional() })

/** What stands for a resource whose shape docs describe field by field. */
export const resource = z.record(z.string(), z.any())
export const listOf = z.object({ items: z.array(resource), next_cursor: z.string().nullable() })

export const errorEnvelope = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      http_status: z.int(),
      gate: z.string().nullable(),
      action_name: z.string().nullable(),
      resource_kind: z.string().nullable(),
      details: z.record(z.string(), z.any()),
      request_id: z.string(),
      trace_id: z.string().nullable(),
    }),
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
  })
  .openapi('ErrorEnvelope')
