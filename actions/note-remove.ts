/** Removes a note, so that nobody reads it any more. The undo of `note.append`, and undone by `note.restore`. */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { noteFields, noteId } from './note-fields.ts'
import { ExoError } from '../domain/errors.ts'

const input = z.strictObject({ note_id: noteId })

export const noteRemove = defineAction<z.infer<typeof input>>({
  name: 'note.remove',
  version: 1,
  class: 'reversible',
  title: 'Remove a note',
  standing: true,
  input,
  example: { note_id: 'n_0123456789abcdef0123456789' },

  view: ({ note_id }) => ({ kind: 'note', id: note_id }),

  preview: ({ note_id }, view) => ({ title: `Remove note ${note_id}`, fields: noteFields(view) }),

  effect: {
    kind: 'transactional',
    async perform({ notes }, _context, { note_id }) {
      if (!(await notes.remove(note_id)))
        throw new ExoError('effect.precondition_failed', 'There is no such note.', { note_id })
      return { note_id }
    },
  },

  undo: { action: 'note.restore', input: ({ note_id }) => ({ note_id }) },
})
