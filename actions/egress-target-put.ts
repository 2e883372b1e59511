/**
 * Allows effects to reach one origin, or changes how. Governs: another person votes. A header for idempotency keys says that
 * the target applies one key once. Taken back by a policy document without it.
 */
import type { z } from 'zod'
import { defineAction } from './define.ts'
import { egressTarget, unsoundOrigin } from './policy-document.ts'
import { quorumTree } from '../domain/approval.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import type { EgressTarget } from '../domain/policy.ts'

export const egressTargetPut = defineAction<z.infer<typeof egressTarget>>({
  name: 'egress_target.put',
  version: 1,
  class: 'contained',
  title: 'Allow an egress target',
  governs: true,
  standing: false,
  input: egressTarget,
  example: { origin: 'https://example.com', methods: ['POST'], idempotency_header: 'Idempotency-Key' },

  view: ({ origin }, tenantId) => ({ kind: 'egress', tenant_id: tenantId, origin }),

  plan: ({ origin }, { mode, view }) => {
    const fault = unsoundOrigin(origin, mode)
    if (fault !== null)
      throw new ExoError('validation.error', undefined, { errors: [{ path: '/origin', message: fault }] })
    return { preconditions: { was: view }, tree: quorumTree(1), required: ['configure:egress'] }
  },

  preview: ({ origin, methods, idempotency_header, allowed_headers = [], secret_headers = [] }, view) => ({
    title: `Allow effects to reach ${origin}`,
    fields: [
      { label: 'methods', value: methods.join(', ') },
      { label: 'idempotency header', value: idempotency_header ?? 'none: told at most once' },
      ...(allowed_headers.length === 0 ? [] : [{ label: 'callers may set', value: allowed_headers.join(', ') }]),
      ...secret_headers.map(({ header, secret }) => ({ label: `header ${header}`, value: `the secret ${secret}` })),
      { label: 'until now', value: view === null ? 'not allowed' : canonicalJson(view) },
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ controls }, { preconditions }, target) {
      const { was } = preconditions as { was: Json }
      if (!(await controls.putEgressTarget(target as EgressTarget, was)))
        throw new ExoError('effect.precondition_failed', 'The target changed since the proposal.', {})
      return target as unknown as JsonObject
    },
  },
})
