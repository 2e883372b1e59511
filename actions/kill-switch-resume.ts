/**
 * Sets stopped switches running again. Governs: another person votes. Its preconditions name the epoch it saw, so a
 * stop that came since ends it failed. Has no undo: stopping again is a record of its own.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { switchSelector } from './policy-document.ts'
import { quorumTree } from '../domain/approval.ts'
import { ExoError } from '../domain/errors.ts'

const input = z.strictObject({
  selectors: z.array(switchSelector).min(1).max(100),
  hold: z.enum(['owner', 'platform']).nullable().optional(),
})
type Row = { kind: string; value: string | null; state: string; epoch: number; hold: 'owner' | 'platform' | null }

export const killSwitchResume = defineAction<z.infer<typeof input>>({
  name: 'kill_switch.resume',
  version: 1,
  class: 'contained',
  title: 'Resume after a stop',
  governs: true,
  standing: false,
  input,
  example: { selectors: [{ kind: 'all', value: null }] },

  view: (_input, tenantId) => ({ kind: 'switches', tenant_id: tenantId }),

  plan: ({ selectors, hold }, { view, tenant_id, holds }) => {
    if (hold != null && !holds.includes(hold))
      throw new ExoError('auth.insufficient_role', undefined, { required: [hold] })
    const rows = selectors.map((selector) => rowOf(view as Row[], selector))
    const role =
      tenant_id === 't_system' || rows.some((row) => row.hold === 'platform')
        ? 'platform'
        : rows.some((row) => row.hold === 'owner')
          ? 'owner'
          : undefined
    return {
      preconditions: { epochs: rows.map(({ kind, value, epoch }) => ({ kind, value, epoch })) },
      tree: quorumTree(1, role),
      required: ['resume'],
    }
  },

  preview: ({ selectors }, view) => ({
    title: 'Resume after a stop',
    fields: selectors.map((selector) => ({
      label: selector.value === null ? selector.kind : `${selector.kind} ${selector.value}`,
      value: `${rowOf(view as Row[], selector).state} → running`,
    })),
  }),

  effect: {
    kind: 'transactional',
    async perform({ controls }, context, { hold }) {
      const { epochs } = context.preconditions as { epochs: { kind: string; value: string | null; epoch: number }[] }
      const after = await controls.resume(epochs, hold ?? null, {
        by: context.requested_by,
        person_id: context.person_id ?? context.requested_by,
        reason: context.reason,
        leaf_hash: context.control_leaf_hash,
      })
      if (after === null) throw new ExoError('effect.precondition_failed', 'A switch changed since the proposal.', {})
      return after
    },
  },
})

function rowOf(rows: Row[], selector: { kind: string; value: string | null }): Row {
  const found = rows.find((row) => row.kind === selector.kind && row.value === selector.value)
  return found ?? { kind: selector.kind, value: selector.value, state: 'stopped', epoch: 0, hold: null }
}
