/** The registry of actions, and the state that notes leave. */
import { z } from '@hono/zod-openapi'
import { Cursors, readLimit } from '../cursor.ts'
import { findAction } from '../planning.ts'
import { addRoute, type App } from '../route.ts'
import { listOf } from '../schemas.ts'
import { ACTIONS, type RegisteredAction } from '../../actions/registry.ts'
import { quorumTree, usualQuorum } from '../../domain/approval.ts'

export function registryRoutes(app: App): void {
  addRoute(
    app,
    { method: 'get', path: '/actions', kind: 'read', summary: 'Every action there is', permissions: ['read'] },
    (c) => c.json({ items: [...ACTIONS.values()].map(describe), next_cursor: null }),
  )
  addRoute(
    app,
    { method: 'get', path: '/actions/{name}', kind: 'read', summary: 'One action', permissions: ['read'] },
    (c, { param }) => c.json(describe(findAction(param('name')))),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/notes',
      kind: 'read',
      summary: 'Notes of a notebook, newest first',
      permissions: ['read'],
      query: z.object({
        notebook: z.string().min(1).max(64),
        cursor: z.string().max(500).optional(),
        limit: z.string().optional(),
      }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id } = c.get('caller')
      const { notes, secret } = c.get('ports')
      const limit = readLimit(query.limit)
      const cursors = new Cursors(secret, 'notes')
      const before = cursors.open(tenant_id, query.notebook, query.cursor)
      const rows = await notes.page(tenant_id, query.notebook, before, limit + 1)
      const last = rows.slice(0, limit).at(-1)
      const more = rows.length > limit && last !== undefined
      return c.json({
        items: rows.slice(0, limit).map((row) => row.note),
        next_cursor: more ? cursors.seal(tenant_id, query.notebook, last.ordinal) : null,
      })
    },
  )
}

function describe(action: RegisteredAction) {
  const quorum = usualQuorum(action.class)
  return {
    name: action.name,
    version: action.version,
    title: action.title,
    class: action.class,
    governs: action.governs === true,
    reversible: 'undo' in action && action.undo !== undefined,
    undo: 'undo' in action ? (action.undo?.action ?? null) : null,
    standing: 'standing' in action && action.standing,
    effect_kind: 'effect' in action ? action.effect.kind : 'none',
    approval: action.class === 'observe' ? null : { quorum, tree: quorumTree(quorum) },
    input_schema: z.toJSONSchema(action.input, { io: 'input', unrepresentable: 'any' }),
    example: action.example,
  }
}
