/**
 * Posts JSON to a target that the tenant's operators have allowed. With a header for idempotency keys the target promises
 * to apply one key once, and a lost answer is asked for again under the same key; without one it is told at most once.
 * Headers are those the target lists; secrets are named here and read only when the request goes out.
 * Has no undo: nothing outside is taken back by us.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { callerHeaders } from './egress-headers.ts'
import { readTarget } from './egress-origin.ts'
import { shownText } from './shown-text.ts'
import { canonicalJson, isSameJson, type JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { notApplied, outcomeOfAnswer, type OutsideContext, type OutsidePorts } from '../domain/outside.ts'
import type { EgressTarget } from '../domain/policy.ts'

const input = z.strictObject({ body: z.record(z.string(), z.json()), headers: callerHeaders })

/** What the request rests on: a target that has changed in any of it gets nothing. */
type Bound = Omit<EgressTarget, 'origin' | 'methods'>

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

  plan: ({ headers = {} }, { target, view }) => {
    const url = readTarget(target)
    const allowed = view as unknown as EgressTarget | null
    if (allowed === null || !allowed.methods.includes('POST'))
      throw new ExoError('egress.target_forbidden', undefined, { origin: url.origin, method: 'POST' })
    const header = Object.keys(headers).find((name) => allowed.allowed_headers?.includes(name) !== true)
    if (header !== undefined) throw new ExoError('egress.header_forbidden', undefined, { origin: url.origin, header })
    return {
      target: url.href,
      provider: url.hostname,
      kind: allowed.idempotency_header === null ? 'blind' : 'keyed',
      preconditions: boundOf(allowed),
    }
  },

  preview: ({ body, headers = {} }, view, target) => {
    const allowed = view as unknown as EgressTarget | null
    const text = canonicalJson(body)
    const fields = [
      { label: 'target', value: target ?? 'none' },
      ...shownText('body', text),
      ...Object.entries(headers).map(([name, value]) => ({ label: `header ${name}`, value })),
    ]
    // Taken off the list since: what is shown then is never what people were shown while it stood there.
    if (allowed === null) return { title: 'Post to a target that is not allowed any more', fields }
    const { origin, idempotency_header: header, secret_headers = [] } = allowed
    return {
      title: `Post to ${origin}`,
      fields: [
        ...fields,
        ...secret_headers.map((each) => ({ label: `header ${each.header}`, value: `the secret ${each.secret}` })),
        { label: 'guarantee', value: header === null ? 'at most once' : `once for the key in ${header}` },
      ],
    }
  },

  effect: {
    kind: 'keyed',
    kinds: ['keyed', 'blind'],
    holds: (preconditions, view) => {
      const now = view as unknown as EgressTarget | null
      return now !== null && now.methods.includes('POST') && isSameJson(boundOf(now), preconditions)
    },
    async dispatch({ http, secrets }, context, { body, headers }) {
      const { operation_id, target, effect_key, preconditions, timeLeftMs, attempts } = context
      const { idempotency_header: header, secret_headers = [] } = preconditions as unknown as Bound
      const { href } = readTarget(target)
      const filled = await fill(secrets, context, secret_headers)
      if ('missing' in filled) return notApplied(attempts, 'effect.secret_missing', { secret: filled.missing })
      const answer = await http.post({
        url: href,
        headers: {
          ...headers,
          ...filled.headers,
          'content-type': 'application/json',
          'x-exo-operation-id': operation_id,
          ...(header === null ? {} : { [header]: effect_key }),
        },
        body: canonicalJson(body as JsonObject),
        timeoutMs: timeLeftMs(),
      })
      return outcomeOfAnswer(answer, attempts)
    },
  },
})

function boundOf({ idempotency_header, allowed_headers, secret_headers }: EgressTarget): JsonObject {
  return {
    idempotency_header,
    ...(allowed_headers === undefined ? {} : { allowed_headers }),
    ...(secret_headers === undefined ? {} : { secret_headers }),
  }
}

async function fill(
  secrets: OutsidePorts['secrets'],
  { tenant_id, target }: OutsideContext,
  wanted: NonNullable<EgressTarget['secret_headers']>,
): Promise<{ headers: Record<string, string> } | { missing: string }> {
  const headers: Record<string, string> = {}
  for (const { header, secret } of wanted) {
    const value = await secrets.read(tenant_id, readTarget(target).host, secret)
    if (value === null) return { missing: secret }
    headers[header] = value
  }
  return { headers }
}
