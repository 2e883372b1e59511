/**
 * Posts JSON to a target that the tenant's operators have allowed. With a header for idempotency keys the target promises
 * to apply one key once, and a lost answer is asked for again under the same key; without one it is told at most once.
 * Has no undo: nothing outside is taken back by us.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { type EgressTarget, readTarget } from './egress-origin.ts'
import { canonicalJson, type JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { outcomeOfAnswer } from '../domain/outside.ts'

const input = z.strictObject({ body: z.record(z.string(), z.json()) })

export const httpPost = defineAction<z.infer<typeof input>>({
  name: 'http.post',
  version: 1,
  class: 'irreversible',
  title: 'Post JSON to a target',
  standing: false,
  target: 'url',
  input,
  example: { body: { order: 17 } },

  view: (_input, tenantId, target) => ({ kind: 'egress', tenant_id: tenantId, origin: readTarget(target).origin }),

  plan: (_input, { target, view }) => {
    const url = readTarget(target)
    const allowed = view as unknown as EgressTarget | null
    if (allowed === null || !allowed.methods.includes('POST'))
      throw new ExoError('egress.target_forbidden', undefined, { origin: url.origin, method: 'POST' })
    return {
      target: url.href,
      provider: url.hostname,
      kind: allowed.idempotency_header === null ? 'blind' : 'keyed',
      preconditions: { idempotency_header: allowed.idempotency_header },
    }
  },

  preview: ({ body }, view) => {
    const allowed = view as unknown as EgressTarget | null
    const fields = [{ label: 'body', value: canonicalJson(body) }]
    // Taken off the list since: what is shown then is never what people were shown while it stood there.
    if (allowed === null) return { title: 'Post to a target that is not allowed any more', fields }
    const { origin, idempotency_header: header } = allowed
    return {
      title: `Post to ${origin}`,
      fields: [
        ...fields,
        { label: 'guarantee', value: header === null ? 'at most once' : `once for the key in ${header}` },
      ],
    }
  },

  effect: {
    kind: 'keyed',
    kinds: ['keyed', 'blind'],
    holds: ({ idempotency_header }, view) => {
      const now = view as unknown as EgressTarget | null
      return now !== null && now.methods.includes('POST') && now.idempotency_header === idempotency_header
    },
    async dispatch({ http }, { operation_id, target, effect_key, preconditions, timeLeftMs }, { body }) {
      const { idempotency_header: header } = preconditions as { idempotency_header: string | null }
      const answer = await http.post({
        url: readTarget(target).href,
        headers: {
          'content-type': 'application/json',
          'x-exo-operation-id': operation_id,
          ...(header === null ? {} : { [header]: effect_key }),
        },
        body: canonicalJson(body as JsonObject),
        timeoutMs: timeLeftMs(),
      })
      return outcomeOfAnswer(answer)
    },
  },
})
