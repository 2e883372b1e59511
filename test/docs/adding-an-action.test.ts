/** The example of docs/adding-an-action.md is the file beside this test: it type-checks, and does what its checklist asks. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codeBlocks, readDocument } from './markdown.ts'
import { reminderAppend } from './reminder-append.ts'
import { ACTIONS, findEffectful } from '../../actions/registry.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import type { EffectContext, TransactionPorts } from '../../domain/ports.ts'

const input = reminderAppend.example as JsonObject
const context: EffectContext = {
  tenant_id: 't_a',
  operation_id: 'op_1',
  now: '2030-01-01T00:00:00.000000Z',
  requested_by: 'p_agent',
  approved_by: [],
  person_id: null,
  reason: null,
  effect_key: 'ab'.repeat(32),
  preconditions: {},
  control_leaf_hash: 'cc'.repeat(32),
}

/** Ports that remember what was appended, and can do nothing else. */
function noting(): { ports: TransactionPorts; notes: JsonObject[] } {
  const notes: JsonObject[] = []
  const none = () => Promise.reject(new Error('not this port'))
  const ports: TransactionPorts = {
    notes: { append: async (note) => void notes.push(note), remove: none, restore: none },
    controls: {
      putPolicy: none,
      resume: none,
      createTenant: none,
      createOperatorKey: none,
      putRow: none,
      resolveUnknown: none,
      createPrincipal: none,
      putMembership: none,
      createApiKey: none,
      approveLock: none,
      optTenantIn: none,
    },
  }
  return { ports, notes }
}

/** The effect, which is one inside the database. */
const perform = async (ports: TransactionPorts, asked: EffectContext, what: unknown): Promise<Json> => {
  if (reminderAppend.effect.kind !== 'transactional') throw new Error('not this kind')
  return await reminderAppend.effect.perform(ports, asked, what)
}

test('the document shows this file, as it would stand in actions/', () => {
  const fixture = readFileSync(join(import.meta.dirname, 'reminder-append.ts'), 'utf8')
  const [shown] = codeBlocks(readDocument('docs/adding-an-action.md'), 'ts')
  expect(shown).toBe(fixture.replaceAll("'../../actions/", "'./"))
})

test('its name is free and its example passes its own schema', () => {
  expect(ACTIONS.has(reminderAppend.name)).toBe(false)
  expect(reminderAppend.input.parse(input)).toEqual(input)
})

test('its preview shows every field of the input', () => {
  const shown = reminderAppend.preview(input, null, null).fields.map(({ value }) => value)
  expect(shown.toSorted()).toEqual(Object.values(input).toSorted())
})

test('performing twice under one effect key makes the same id', async () => {
  const { ports, notes } = noting()
  const first = await perform(ports, context, input)
  const second = await perform(ports, context, input)
  expect(second).toEqual(first)
  expect(notes.map(({ id }) => id)).toEqual([(first as JsonObject).note_id, (first as JsonObject).note_id])
})

test('its undo names an action of the registry, with an input that action accepts', async () => {
  const result: Json = await perform(noting().ports, context, input)
  const undo = findEffectful(reminderAppend.undo?.action ?? '', 1)
  expect(undo?.input.parse(reminderAppend.undo?.input(input, result))).toEqual(result)
})
