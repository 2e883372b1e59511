/** Appends a reminder to the notebook `reminders`. Undone by `note.remove`. */
import { z } from 'zod'
import { defineAction } from '../../actions/define.ts'

const input = z.strictObject({
  text: z.string().min(1).max(500),
  due: z.iso.date(),
})

export const reminderAppend = defineAction<z.infer<typeof input>>({
  name: 'reminder.append',
  version: 1,
  class: 'reversible',
  title: 'Append a reminder',
  standing: true,
  input,
  example: { text: 'Water the plants.', due: '2030-01-31' },

  preview: ({ text, due }) => ({
    title: `Remind on ${due}`,
    fields: [
      { label: 'due', value: due },
      { label: 'text', value: text },
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ notes }, { effect_key }, { text, due }) {
      const id = `n_${effect_key.slice(0, 26)}`
      await notes.append({ id, notebook: 'reminders', text, labels: { due } })
      return { note_id: id }
    },
  },

  undo: {
    action: 'note.remove',
    input: (_input, result) => ({ note_id: (result as { note_id: string }).note_id }),
  },
})
