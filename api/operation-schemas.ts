/** What operations, their evidence and the registry of actions answer, as schemas for the document. */
import { z } from '@hono/zod-openapi'
import { decimal, hash, instant, kind, maybe, maybeInstant, text } from './answer-words.ts'
import { resource } from './schemas.ts'
import { GATES } from '../domain/errors.ts'
import { STATUSES } from '../domain/lifecycle.ts'

const verdict = z.object({
  gate: z.enum(GATES),
  decision: z.enum(['allow', 'block', 'not_applicable']),
  code: maybe,
  evidence: resource,
})
const effect = z.object({ kind: text, key: text, state: text, attempts: z.int(), result: z.any() }).openapi('Effect')
const countedVote = z.object({
  by: text,
  assurance: z.enum(['attested', 'self_signed']),
  decision: z.enum(['approve', 'deny']),
  reason: maybe,
  counted: z.boolean(),
  code: maybe,
  at: instant,
})

export const operation = z
  .object({
    id: text,
    tenant_id: text,
    status: z.enum(STATUSES),
    action: text,
    action_version: z.int(),
    class: z.enum(['observe', 'reversible', 'contained', 'irreversible']),
    run: z.enum(['execute', 'propose']),
    target: maybe,
    input: resource,
    estimated_cost: decimal,
    reason: maybe,
    idempotency_key: text,
    requested_by: z.object({ principal_id: text, kind, on_behalf_of: z.array(text).optional() }),
    context: resource,
    intent: resource,
    intent_hash: hash,
    plan_hash: hash,
    preview: resource.nullable(),
    shown_hash: hash.nullable(),
    decision_hash: hash.nullable(),
    passes: z.array(
      z.object({ pass: z.enum(['propose', 'resume', 'guard']), facts_hash: hash, verdicts: z.array(verdict) }),
    ),
    approval: z.object({
      required: z.boolean(),
      quorum: z.int(),
      tree: z.any(),
      satisfied_by: maybe,
      license_id: maybe,
      expires_at: maybeInstant,
      votes: z.array(countedVote),
    }),
    effect: effect.nullable(),
    error: resource.nullable(),
    undo_of: maybe,
    undone_by: maybe,
    resolved_by: maybe,
    temporal: z.object({ namespace: text, workflow_id: text, run_id: maybe }),
    links: z.object({ self: text, receipt: text, history: text, bundle: text, events: text }),
    created_at: instant,
    updated_at: instant,
  })
  .openapi('Operation')

/** What an observing action answers in an operation's place. */
export const observed = z.object({ action: text, action_version: z.int(), result: resource }).openapi('Observed')

export const counted = z
  .object({ operation, vote: z.object({ by: text, decision: text, counted: z.boolean(), at: instant }) })
  .openapi('CountedVote')
export const receipt = z.object({ receipt: resource, jws: text }).openapi('Receipt')
export const sealing = z.object({ operation_id: text, state: z.literal('sealing') })
export const event = z.object({ cursor: text, kind: text, operation_id: maybe, status: maybe, at: instant })

export const action = z
  .object({
    name: text,
    version: z.int(),
    title: text,
    class: text,
    governs: z.boolean(),
    reversible: z.boolean(),
    undo: maybe,
    standing: z.boolean(),
    effect_kind: text,
    approval: z.object({ quorum: z.int(), tree: z.any() }).nullable(),
    input_schema: resource,
    example: z.any(),
  })
  .openapi('Action')
export const note = z.object({
  id: text,
  notebook: text,
  text,
  labels: resource,
  operation_id: text,
  created_at: instant,
})
