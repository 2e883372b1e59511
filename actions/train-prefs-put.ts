/**
 * Lets what the tenant's members do be learned from again. Governs: another person votes. What a person says for themselves
 * stands above it, and whatever anybody says for the tenant meanwhile ends it failed. Undone by opting out, which is a record.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { quorumTree } from '../domain/approval.ts'
import { canonicalJson, type Json } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'

const input = z.strictObject({ opt_out: z.literal(false) })

export const trainPrefsPut = defineAction<z.infer<typeof input>>({
  name: 'train_prefs.put',
  version: 1,
  class: 'contained',
  title: 'Let the tenant be learned from',
  governs: true,
  standing: false,
  input,
  example: { opt_out: false },

  view: (_input, tenantId) => ({ kind: 'train_prefs', tenant_id: tenantId }),

  plan: (_input, { view }) => ({
    preconditions: { was: view },
    tree: quorumTree(1),
    required: ['configure:privacy'],
  }),

  preview: (_input, view) => ({
    title: 'Let what members of the tenant do be learned from',
    fields: [
      { label: 'until now', value: view === null ? 'nobody has said anything: opted out' : canonicalJson(view) },
      { label: 'then', value: 'opted in, but for each person who opted out' },
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ controls }, { preconditions, requested_by }) {
      const { was } = preconditions as { was: Json }
      const tenant = await controls.optTenantIn(requested_by, was)
      if (tenant === null) throw new ExoError('effect.precondition_failed', 'Somebody said otherwise since.', {})
      return { tenant }
    },
  },
})
