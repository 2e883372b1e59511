/** The fields that the note actions share. */
import { z } from 'zod'
import { shownText } from './shown-text.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import type { Preview } from '../domain/plan.ts'

export const notebookName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
export const noteId = z.string().regex(/^n_[a-z0-9]{1,40}$/)

const MAX_DEPTH = 8
const MAX_CHARACTERS = 4096

/** Free JSON: at most 8 deep and 4 KiB. */
export const jsonLabels = z
  .record(z.string(), z.json())
  .refine((labels) => JSON.stringify(labels).length <= MAX_CHARACTERS, 'labels are larger than 4 KiB')
  .refine((labels) => depthOf(labels) <= MAX_DEPTH, 'labels are nested deeper than 8')
  .transform((labels) => labels as JsonObject)

/** How deep a value is nested. */
export function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

/** What people are shown of a note that is there already. */
export function noteFields(view: Json): Preview['fields'] {
  const note = view as { notebook: string; text: string } | null
  return [
    { label: 'notebook', value: note?.notebook ?? 'there is no such note' },
    ...shownText('text', note?.text ?? ''),
  ]
}
