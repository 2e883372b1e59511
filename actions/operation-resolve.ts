/**
 * Settles an operation whose outcome nobody could tell: people who looked say whether the effect was applied, and with what
 * evidence. Governs: the same people vote as on the operation itself. The operation stays `unknown` and names this one.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import type { ApprovalTree } from '../domain/approval.ts'
import { canonicalJson, type Json } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'

/** A finding without anything found settles nothing. */
export const SAYS_SOMETHING = [
  (found: object) => Object.keys(found).length > 0,
  'what was found has to be said',
] as const

const input = z.strictObject({
  operation_id: z.string().regex(/^op_[0-9a-z]{1,64}$/),
  outcome: z.enum(['committed', 'not_committed']),
  evidence: z.record(z.string(), z.json()).refine(...SAYS_SOMETHING),
})

interface Unsettled {
  id: string
  status: string
  action: string
  target: string | null
  tree: ApprovalTree
  excluded_persons: string[]
  resolved_by: string | null
  error: { details?: Json } | null
}

export const operationResolve = defineAction<z.infer<typeof input>>({
  name: 'operation.resolve',
  version: 1,
  class: 'contained',
  title: 'Resolve an unknown outcome',
  governs: true,
  standing: false,
  input,
  example: { operation_id: 'op_17', outcome: 'committed', evidence: { seen: 'the order stands in their books' } },

  view: ({ operation_id }, tenantId) => ({ kind: 'operation', tenant_id: tenantId, id: operation_id }),

  plan: (_input, { view }) => {
    const unsettled = view as unknown as Unsettled | null
    if (unsettled === null) throw new ExoError('resource.not_found')
    if (unsettled.status !== 'unknown' || unsettled.resolved_by !== null)
      throw new ExoError('operation.not_unknown', undefined, { operation_id: unsettled.id })
    return { preconditions: {}, tree: unsettled.tree, excluded: unsettled.excluded_persons, required: ['decide'] }
  },

  preview: ({ operation_id, outcome, evidence }, view) => {
    const { action, target, error } = view as unknown as Unsettled
    return {
      title: `Settle ${operation_id} as ${outcome === 'committed' ? 'applied' : 'not applied'}`,
      fields: [
        { label: 'action', value: target === null ? action : `${action} ${target}` },
        { label: 'what was told', value: canonicalJson(error?.details ?? {}) },
        { label: 'evidence', value: canonicalJson(evidence as Json) },
      ],
    }
  },

  effect: {
    kind: 'transactional',
    async perform({ controls }, context, { operation_id, outcome }) {
      if (!(await controls.resolveUnknown(operation_id, outcome === 'committed')))
        throw new ExoError('effect.precondition_failed', 'The operation was resolved meanwhile.', {})
      return { operation_id, outcome, resolved_by: context.operation_id }
    },
  },
})
