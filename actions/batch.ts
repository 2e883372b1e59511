/**
 * Several inputs of one action in one operation: which actions take them, and the one document people are shown of all of
 * them. Each input is what it would be alone; nothing is shared between them but the approval.
 */
import type { EffectfulAction } from './define.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import { sha256TextHex } from '../domain/hash.ts'
import type { Preview } from '../domain/plan.ts'
import { beginning } from '../domain/text.ts'

const SHOWN_BYTES = 24 * 1024
const SHOWN_FIRST = 40
const SHOWN_CHARACTERS = 200

/** Rows of this database, and nothing that was looked at to plan them. */
export function takesSeveral(action: EffectfulAction<unknown>): boolean {
  return (
    action.effect.kind === 'transactional' &&
    action.governs !== true &&
    action.plan === undefined &&
    action.places === undefined &&
    action.target === undefined
  )
}

export function itemsOf(input: JsonObject): JsonObject[] {
  return Array.isArray(input['items']) ? (input['items'] as JsonObject[]) : []
}

/** One line an item; never cut silently. */
export function batchPreview(action: EffectfulAction<unknown>, input: JsonObject, view: Json): Preview {
  const views = Array.isArray(view) ? view : []
  const lines = itemsOf(input).map((item, index) => {
    const { title, fields } = action.preview(item, views[index] ?? null, null)
    return {
      label: `${index + 1}`,
      value: [title, ...fields.map((field) => `${field.label}: ${field.value}`)].join(' · '),
    }
  })
  const title = `${action.title}, ${lines.length} times`
  if (canonicalJson(lines).length * 3 <= SHOWN_BYTES) return { title, fields: lines }
  return {
    title,
    fields: [
      ...lines.slice(0, SHOWN_FIRST).map(({ label, value }) => ({ label, value: cut(value) })),
      {
        label: 'and more',
        value: `${lines.length} items in all, SHA-256 of them ${sha256TextHex(canonicalJson(lines))}`,
      },
    ],
  }
}

function cut(value: string): string {
  return value.length <= SHOWN_CHARACTERS ? value : `${beginning(value, SHOWN_CHARACTERS)}…`
}

/** The inputs of the undo, one for each item that was committed. */
export function undoInputs(
  undo: NonNullable<EffectfulAction<unknown>['undo']>,
  input: JsonObject,
  result: Json,
): JsonObject[] {
  const items = itemsOf(input)
  const done = (result as { items?: { n: number; state: string; result: Json }[] } | null)?.items ?? []
  return done
    .filter(({ state }) => state === 'committed')
    .map((each) => undo.input(items[each.n - 1] ?? {}, each.result))
}
