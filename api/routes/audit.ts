/** The log: pages, checkpoint, proofs, export. Reading it is recorded. */
import { z } from '@hono/zod-openapi'
import { Cursors, readLimit } from '../cursor.ts'
import { callerActor } from '../delegation.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf } from '../schemas.ts'
import { ExoError } from '../../domain/errors.ts'
import { leafRow, LEAF_KINDS, makeLeaf } from '../../domain/leaf.ts'
import { EMPTY_ROOT, frontierCoords, rootOfFrontier } from '../../domain/log/merkle.ts'

const EXPORT_PAGE = 1_000

export function auditRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/audit',
      kind: 'read',
      summary: 'Leaves, oldest first',
      permissions: ['audit:read'],
      query: z.object({
        cursor: z.string().max(500).optional(),
        limit: z.string().optional(),
        operation_id: z.string().max(128).optional(),
        request_id: z.string().max(128).optional(),
        kind: z.enum(LEAF_KINDS).optional(),
      }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { audit, secret } = c.get('ports')
      const { tenant_id } = c.get('caller')
      const { cursor, limit: limitText, ...filter } = query
      const limit = readLimit(limitText)
      const sealed = JSON.stringify(filter)
      const cursors = new Cursors(secret, 'audit')
      const position = cursors.open(tenant_id, sealed, cursor)
      const head = await audit.head(tenant_id)
      // A listing is bounded by the tree of its first page, or reading it would never end: each page is a leaf itself.
      const [from, size] = position === null ? [0, head?.size ?? 0] : (JSON.parse(position) as [number, number])
      if (position === null) await recordReading(c)
      const items = await audit.page(tenant_id, from, size, limit + 1, filter)
      const page = items.slice(0, limit)
      const next = items.length > limit ? JSON.stringify([(page.at(-1)?.seq ?? 0) + 1, size]) : null
      return c.json({
        items: page,
        next_cursor: next === null ? null : cursors.seal(tenant_id, sealed, next),
        checkpoint: head?.checkpoint ?? null,
      })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/audit/checkpoint',
      kind: 'read',
      summary: 'The signed head of the tree',
      permissions: ['audit:read'],
      answers: { 200: { description: 'A signed note.', type: 'text/plain' } },
    },
    async (c) => {
      const head = await c.get('ports').audit.head(c.get('caller').tenant_id)
      if (head === null) throw new ExoError('resource.not_found')
      return c.text(head.checkpoint)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/audit/proof',
      kind: 'read',
      summary: 'Inclusion of a leaf',
      permissions: ['audit:read'],
      query: z.object({ leaf: index, size: index.optional() }),
    },
    async (c, { query }) => {
      const { audit } = c.get('ports')
      const { tenant_id } = c.get('caller')
      const size = await sizeWithin(c, query.size)
      const leaf = Number(query.leaf)
      const [item] = leaf < size ? await audit.page(tenant_id, leaf, leaf + 1, 1, {}) : []
      if (item === undefined) throw new ExoError('resource.not_found')
      const hashes = (await audit.inclusion(tenant_id, [leaf], size)).get(leaf) ?? []
      return c.json({
        leaf_index: leaf,
        tree_size: size,
        leaf_hash: item.leaf_hash,
        root_hash: await rootAt(c, size),
        hashes,
      })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/audit/consistency',
      kind: 'read',
      summary: 'That a later tree only added to an earlier one',
      permissions: ['audit:read'],
      query: z.object({ from: index, to: index }),
    },
    async (c, { query }) => {
      const [from, to] = [Number(query.from), await sizeWithin(c, query.to)]
      if (from > to)
        throw new ExoError('validation.error', undefined, { errors: [{ path: '/query/from', message: 'is above to' }] })
      const { audit } = c.get('ports')
      const { tenant_id } = c.get('caller')
      const hashes = from === 0 || from === to ? [] : await audit.consistency(tenant_id, from, to)
      return c.json({ from, to, from_root: await rootAt(c, from), to_root: await rootAt(c, to), hashes })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/audit/export',
      kind: 'read',
      summary: 'The whole log with its checkpoint',
      permissions: ['audit:read'],
    },
    async (c) => {
      const { audit } = c.get('ports')
      const { tenant_id } = c.get('caller')
      const head = await audit.head(tenant_id)
      if (head === null) throw new ExoError('resource.not_found')
      await recordReading(c)
      const entries: { seq: number; entry: string }[] = []
      while (entries.length < head.size) {
        const page = await audit.page(tenant_id, entries.length, head.size, EXPORT_PAGE, {})
        if (page.length === 0) throw new ExoError('internal.error')
        entries.push(...page.map(({ seq, entry }) => ({ seq, entry })))
      }
      return c.json({ format: 'exoarmur-audit/1', tenant_id, entries, checkpoint: head.checkpoint })
    },
  )
}

const index = z.string().regex(/^\d{1,15}$/)

async function sizeWithin(c: Ctx, text: string | undefined): Promise<number> {
  const head = await c.get('ports').audit.head(c.get('caller').tenant_id)
  const size = text === undefined ? (head?.size ?? 0) : Number(text)
  if (size > (head?.size ?? 0)) throw new ExoError('resource.not_found')
  return size
}

async function rootAt(c: Ctx, size: number): Promise<string> {
  if (size === 0) return Buffer.from(EMPTY_ROOT).toString('hex')
  const frontier = await c.get('ports').audit.rootAt(c.get('caller').tenant_id, frontierCoords(size))
  return Buffer.from(rootOfFrontier(frontier)).toString('hex')
}

async function recordReading(c: Ctx): Promise<void> {
  const caller = c.get('caller')
  const { tenant_id, now, train_ok } = caller
  const leaf = makeLeaf({
    kind: 'audit.read',
    tenant_id,
    at: now,
    actor: callerActor(caller),
    request_id: c.get('requestId'),
    trace_id: c.get('traceId'),
    train_ok,
    after: { path: c.req.path },
  })
  await c.get('ports').records.leaf(tenant_id, null, c.get('requestId'), leafRow(leaf))
}
