/** Appends a note to a notebook: the smallest whole action, and the pattern for the others. Undone by `note.remove`. */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { jsonLabels, notebookName } from './note-fields.ts'
import { shownText } from './shown-text.ts'

const input = z.strictObject({
  notebook: notebookName,
  text: z.string().min(1).max(16_384),
  labels: jsonLabels.optional(),
})

export const noteAppend = defineAction<z.infer<typeof input>>({
  name: 'note.append',
  version: 1,
  class: 'reversible',
  title: 'Append a note',
  standing: true,
  input,
  example: { notebook: 'inbox', text: 'The kettle is on.' },

  preview: ({ notebook, text, labels }) => ({
    title: `Append a note to ${notebook}`,
    fields: [
      { label: 'notebook', value: notebook },
      ...shownText('text', text),
      ...(labels === undefined ? [] : [{ label: 'labels', value: JSON.stringify(labels) }]),
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ notes }, { effect_key }, { notebook, text, labels }) {
      const id = `n_${effect_key.slice(0, 26)}`
      notes.append({ id, notebook, text, labels: labels ?? {} })
      return { note_id: id }
    },
  },

  undo: {
    action: 'note.remove',
    input: (_input, result) => ({ note_id: (result as { note_id: string }).note_id }),
  },
})
