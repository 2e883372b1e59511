/**
 * What happened, as it is given its place in the log: Server-Sent Events with resume, or one page. The log's order is
 * commit order, so nobody who resumes misses a late commit.
 */
import { z } from '@hono/zod-openapi'
import { streamSSE } from 'hono/streaming'
import { Cursors, readLimit } from '../cursor.ts'
import { readOperation } from '../opening.ts'
import type { LeafItem } from '../audit-port.ts'
import { type Ctx, demand } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'

const HEARTBEAT_MS = 15_000
/** How often an open stream asks whether its credential still holds. */
const RECHECK_MS = 5_000
const PAGE = 200

interface Event {
  seq: number
  kind: string
  operation_id: string | null
  status: string | null
  at: string
}

export function eventRoutes(app: App): void {
  const query = z.object({
    after: z.string().max(500).optional(),
    follow: z.enum(['true', 'false']).optional(),
    limit: z.string().optional(),
    ticket: z.string().optional(),
  })
  // What a browser sends by itself when it comes again.
  const headers = { 'Last-Event-ID': z.string().optional() }
  const answers = { 200: { description: 'A stream, or a page.', type: 'text/event-stream' } }
  addRoute(
    app,
    {
      method: 'get',
      path: '/events',
      kind: 'read',
      summary: "The tenant's events",
      permissions: ['read'],
      query,
      headers,
      answers,
    },
    async (c, given) => await serve(c, given.query, null),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/operations/{id}/events',
      kind: 'read',
      summary: "One operation's events",
      permissions: ['read'],
      query,
      headers,
      answers,
    },
    async (c, given) => {
      const row = await readOperation(c.get('ports'), c.get('caller').tenant_id, given.param('id'))
      return await serve(c, given.query, row.id)
    },
  )
}

async function serve(
  c: Ctx,
  query: { after?: string | undefined; follow?: string | undefined; limit?: string | undefined },
  operationId: string | null,
): Promise<Response> {
  demand(c, 'read')
  const { tenant_id } = c.get('caller')
  const { audit, secret, followLog, reading, crashPoint } = c.get('ports')
  const cursors = new Cursors(secret, 'events')
  const sealed = operationId ?? ''
  // Who comes back asks with the address it came with first, and says in the header how far it got since.
  const after = c.req.header('last-event-id') ?? query.after
  const position = cursors.open(tenant_id, sealed, after)
  let size = (await audit.head(tenant_id))?.size ?? 0
  let from = position === null ? (query.follow === 'false' || operationId !== null ? 0 : size) : Number(position) + 1
  if (position !== null && from > size) throw new ExoError('events.cursor_invalid')

  /** The next events up to the size that is known; `from` moves on. */
  const read = async (): Promise<Event[]> => {
    if (size <= from) return []
    const filter = operationId === null ? {} : { operation_id: operationId }
    const items = await audit.page(tenant_id, from, size, PAGE, filter)
    from = items.length < PAGE ? size : (items.at(-1)?.seq ?? from) + 1
    return items.map(toEvent).filter((event) => event !== null)
  }
  const data = (event: Event): JsonObject => ({
    cursor: cursors.seal(tenant_id, sealed, String(event.seq)),
    kind: event.kind,
    operation_id: event.operation_id,
    status: event.status,
    at: event.at,
  })

  if (query.follow === 'false') {
    const limit = readLimit(query.limit)
    const events: Event[] = []
    while (from < size && events.length <= limit) events.push(...(await read()))
    const page = events.slice(0, limit)
    const last = page.at(-1)
    if (/text\/event-stream/.test(c.req.header('accept') ?? ''))
      return c.body(page.map((event) => frame(data(event))).join(''), 200, { 'Content-Type': 'text/event-stream' })
    return c.json({
      items: page.map(data),
      next_cursor:
        events.length > limit && last !== undefined ? cursors.seal(tenant_id, sealed, String(last.seq)) : null,
    })
  }

  const { now, principal, credential, on_behalf_of } = c.get('caller')
  const openedAt = performance.now()
  let lookedAt = openedAt
  /** A stream outlives no credential that expires, and one that is revoked by seconds: who comes again is asked again. */
  const mayGoOn = async (): Promise<boolean> => {
    const at = performance.now()
    if (at - openedAt >= Date.parse(credential.expires_at) - Date.parse(now)) return false
    if (at - lookedAt < RECHECK_MS) return true
    lookedAt = at
    return await reading.stillMay(
      tenant_id,
      [principal, ...on_behalf_of].map(({ id }) => id),
      credential.id,
    )
  }
  return streamSSE(c, async (stream) => {
    const gone = new AbortController()
    stream.onAbort(() => gone.abort())
    await stream.write(': open\n\n')
    let quietSince = performance.now()
    while (!stream.aborted && !stream.closed && (await mayGoOn())) {
      const events = await read()
      for (const event of events) {
        await stream.write(frame(data(event)))
        crashPoint('A6')
      }
      if (events.length > 0) quietSince = performance.now()
      if (from < size) continue
      const quietMs = performance.now() - quietSince
      if (quietMs >= HEARTBEAT_MS) {
        await stream.write(': still here\n\n')
        quietSince = performance.now()
      } else
        size = (await followLog(tenant_id, from, Math.min(RECHECK_MS, HEARTBEAT_MS - quietMs), gone.signal)) ?? size
    }
  })
}

function frame(data: JsonObject): string {
  return `id: ${String(data.cursor)}\nevent: ${String(data.kind)}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Which leaves are events, and by which name. */
function toEvent(item: LeafItem): Event | null {
  const leaf = item.leaf as { kind: string; operation_id: string | null; at: string; after: { status?: string } | null }
  const status = STATUS_OF[leaf.kind] === 'after' ? (leaf.after?.status ?? null) : (STATUS_OF[leaf.kind] ?? null)
  if (leaf.kind === 'vote.accepted' || leaf.kind === 'vote.refused')
    return { seq: item.seq, kind: leaf.kind, operation_id: leaf.operation_id, status: null, at: leaf.at }
  if (status === null) return null
  return { seq: item.seq, kind: `operation.${status}`, operation_id: leaf.operation_id, status, at: leaf.at }
}

const STATUS_OF: Readonly<Record<string, string>> = {
  'operation.requested': 'evaluating',
  'operation.pending': 'pending_approval',
  'effect.intent': 'executing',
  'operation.proposed': 'proposed',
  'operation.blocked': 'blocked',
  'operation.denied': 'denied',
  'operation.expired': 'expired',
  'operation.cancelled': 'cancelled',
  'operation.closed': 'after',
}
