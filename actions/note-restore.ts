/** Restores a note that was removed, in its place. The undo of `note.remove`, and undone by it. */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { noteFields, noteId } from './note-fields.ts'
import { ExoError } from '../domain/errors.ts'

const input = z.strictObject({ note_id: noteId })

export const noteRestore = defineAction<z.infer<typeof input>>({
  name: 'note.restore',
  version: 1,
  class: 'reversible',
  title: 'Restore a note',
  standing: true,
  input,
  example: { note_id: 'n_0123456789abcdef0123456789' },

  view: ({ note_id }) => ({ kind: 'note', id: note_id, removed: true }),

  preview: ({ note_id }, view) => ({ title: `Restore note ${note_id}`, fields: noteFields(view) }),

  effect: {
    kind: 'transactional',
    async perform({ notes }, _context, { note_id }) {
      if (!(await notes.restore(note_id)))
        throw new ExoError('effect.precondition_failed', 'No such note was removed.', { note_id })
      return { note_id }
    },
  },

  undo: { action: 'note.remove', input: ({ note_id }) => ({ note_id }) },
})
