/**
 * Puts a text under a name of the tenant's own, once. The store creates it only if nothing is there, so that a try after
 * a lost reply finds its own bytes and other bytes under the name are left alone. Has no undo: nothing is ever replaced.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { sha256TextHex } from '../domain/hash.ts'
import { notApplied, type Outcome, type OutsideContext, type OutsidePorts } from '../domain/outside.ts'
import { NO_DIGEST, OBJECT_NAME, type StoredObject } from '../domain/stored.ts'
import { beginning } from '../domain/text.ts'

const REFUSAL = 'effect.precondition_failed'
const TAKEN = { reason: 'the name is taken' }

const input = z.strictObject({
  name: z.string().regex(OBJECT_NAME, 'letters, digits, dot, dash and underscore'),
  text: z.string().max(60_000),
})
type Input = z.infer<typeof input>

export const objectPut = defineAction<Input>({
  name: 'object.put',
  version: 1,
  class: 'contained',
  title: 'Put an object',
  standing: true,
  input,
  example: { name: 'report.txt', text: 'Everything is in order.' },

  preview: ({ name, text }) => ({
    title: `Put the object ${name}`,
    fields: [
      { label: 'name', value: name },
      { label: 'text', value: text.length > 4_000 ? `${beginning(text, 4_000)}…` : text },
      { label: 'SHA-256', value: sha256TextHex(text) },
    ],
  }),

  effect: {
    kind: 'conditional',
    async dispatch({ objects }, context, { name, text }) {
      const put = await objects.putIfAbsent(context.tenant_id, name, text, context.timeLeftMs())
      const kept = put === 'taken' ? null : outcomeOf(put, text)
      if (kept?.state === 'committed') return kept
      const there = await found({ objects }, context, { name, text })
      if (there?.state === 'unknown' && put === 'taken') return notApplied(context.attempts, REFUSAL, TAKEN)
      return there ?? { state: 'unknown', details: { put: kept === null ? 'taken' : 'created' } }
    },
    async probe({ objects }, context, asked) {
      return await found({ objects }, context, asked)
    },
  },
})

async function found(
  { objects }: Pick<OutsidePorts, 'objects'>,
  { tenant_id, timeLeftMs }: Pick<OutsideContext, 'tenant_id' | 'timeLeftMs'>,
  { name, text }: Input,
): Promise<Outcome | null> {
  const there = await objects.look(tenant_id, name, timeLeftMs())
  return there === null ? null : outcomeOf(there, text)
}

/** What lies there decides: these bytes are the effect, whoever put them; others are a name that is taken. */
function outcomeOf(there: StoredObject, text: string): Outcome {
  if (there.sha256 === null) return { state: 'unknown', details: { reason: NO_DIGEST } }
  if (there.sha256 === sha256TextHex(text)) return { state: 'committed', result: { ...there } }
  return { state: 'failed', code: REFUSAL, details: TAKEN }
}
