/** Lists the notes of a notebook, newest first. Observes only: no operation, no receipt. */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { notebookName } from './note-fields.ts'
import { LIMITS } from '../domain/limits.ts'

const input = z.strictObject({ notebook: notebookName })

export const noteList = defineAction<z.infer<typeof input>>({
  name: 'note.list',
  version: 1,
  class: 'observe',
  title: 'List notes',
  input,
  example: { notebook: 'inbox' },
  observe: async ({ notes }, tenantId, { notebook }) => ({
    items: await notes.list(tenantId, notebook, LIMITS.listItems.max),
  }),
})
