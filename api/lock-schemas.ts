/** What callers say of a strategy lock, and the content that makes: instants in one spelling, absent members as null. */
import { z } from '@hono/zod-openapi'
import { reason } from './schemas.ts'
import { instant } from '../actions/policy-document.ts'
import { CONSTRAINT_CHARACTERS, constraintFault } from '../domain/constraint.ts'
import type { LockContent } from '../domain/lock-lifecycle.ts'

const members = {
  title: z.string().min(1).max(200),
  allowed_actions: z
    .array(z.string().regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/))
    .min(1)
    .max(100),
  /** A lock of one surface covers no other; `*` is every surface. */
  surface_id: z.union([z.string().regex(/^s_[a-z0-9_-]{1,60}$/), z.literal('*')]),
  project_id: z
    .string()
    .regex(/^p_[a-z0-9_-]{1,60}$/)
    .nullable(),
  valid_from: instant,
  valid_until: instant,
  /** An expression of domain/constraint.ts. */
  constraints: z
    .string()
    .min(1)
    .max(CONSTRAINT_CHARACTERS)
    .superRefine((source, context) => {
      const fault = constraintFault(source)
      if (fault !== null) context.addIssue({ code: 'custom', message: fault })
    })
    .nullable(),
  three_wise_id: z
    .string()
    .regex(/^tw_[0-9a-f]{32}$/)
    .nullable(),
}

export const lockDraft = z
  .strictObject({
    ...members,
    project_id: members.project_id.optional(),
    valid_from: members.valid_from.optional(),
    constraints: members.constraints.optional(),
    three_wise_id: members.three_wise_id.optional(),
  })
  .openapi('StrategyLockRequest')

export const lockPatch = z
  .strictObject(members)
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'says nothing')
  .openapi('StrategyLockPatch')

export const lockDecision = z
  .strictObject({ content_hash: z.string().regex(/^[0-9a-f]{64}$/), reason })
  .openapi('StrategyLockDecision')

export function lockContent(said: z.output<typeof lockDraft>, now: string): LockContent {
  return {
    title: said.title,
    allowed_actions: [...new Set(said.allowed_actions)].sort(),
    surface_id: said.surface_id,
    project_id: said.project_id ?? null,
    valid_from: spelled(said.valid_from ?? now),
    valid_until: spelled(said.valid_until),
    constraints: said.constraints ?? null,
    three_wise_id: said.three_wise_id ?? null,
  }
}

/** As the database answers it, cut to milliseconds. */
const spelled = (text: string): string => new Date(text).toISOString().replace('Z', '000Z')
