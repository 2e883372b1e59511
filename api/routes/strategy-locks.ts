/**
 * Strategy locks: drafted, revised, rejected and revoked as records, approved by somebody who wrote none of it. What a
 * lock says is its content; any change of that makes a new version, which is a draft.
 */
import { randomBytes } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { CONTROL_ANSWERS, changeLeaf } from './controls.ts'
import { approveLock } from '../lock-approval.ts'
import type { LockAuthor } from '../control-ports.ts'
import { refuseUnknownPlaces } from '../places.ts'
import { Cursors, readLimit } from '../cursor.ts'
import { type Ctx, demandAny } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, reasonRequest } from '../schemas.ts'
import { lockContent, lockDecision, lockDraft, lockPatch } from '../lock-schemas.ts'
import { ACTIONS } from '../../actions/registry.ts'
import { isSameJson, type JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import {
  LOCK_STATUSES,
  lockAfter,
  type LockChange,
  type LockItem,
  type LockRow,
  type LockContent,
  lockContentHash,
} from '../../domain/lock-lifecycle.ts'
import { namedPlaces } from '../../domain/places.ts'
import { DRAFTING } from '../../domain/permissions.ts'

export function strategyLockRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'post',
      path: '/strategy-locks',
      kind: 'record',
      summary: 'Draft a strategy lock',
      anyOf: DRAFTING,
      body: lockDraft,
      keep: ['surface_id', 'project_id'],
      answers: { 201: { description: 'The draft.' } },
    },
    async (c, { body }) => {
      const { tenant_id, now } = c.get('caller')
      const content = lockContent(body, now)
      await refuseUnsound(c, content)
      const id = `sl_${randomBytes(16).toString('hex')}`
      const lock = { id, content, content_hash: lockContentHash(id, 1, content) }
      const leaf = (after: LockItem) => changeLeaf(c, 'strategy_lock.draft', null, asJson(after))
      const made = await c.get('ports').locks.draft(tenant_id, lock, authorOf(c), c.get('requestId'), leaf)
      if (made === null) throw noQuestion()
      return c.json(asJson(made), 201)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/strategy-locks',
      kind: 'read',
      summary: 'Strategy locks, newest first',
      permissions: ['read'],
      query: z.object({
        status: z.enum(LOCK_STATUSES).optional(),
        surface_id: z.string().max(64).optional(),
        action: z.string().max(200).optional(),
        cursor: z.string().max(500).optional(),
        limit: z.string().optional(),
      }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query: { cursor, limit: limitText, ...filter } }) => {
      const { tenant_id } = c.get('caller')
      const { locks, secret } = c.get('ports')
      const limit = readLimit(limitText)
      const cursors = new Cursors(secret, 'strategy_locks')
      const sealed = JSON.stringify(filter)
      const { status, surface_id: surface, action } = filter
      const before = cursors.open(tenant_id, sealed, cursor) ?? undefined
      const rows = await locks.page(tenant_id, { status, surface, action, before, limit: limit + 1 })
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return c.json({
        items: page.map((row) => asJson(row.lock)),
        next_cursor: rows.length > limit && last !== undefined ? cursors.seal(tenant_id, sealed, last.ordinal) : null,
      })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/strategy-locks/{id}',
      kind: 'read',
      summary: 'One strategy lock',
      permissions: ['read'],
    },
    async (c, { param }) => c.json(asJson((await findLock(c, param('id'))).lock)),
  )

  addRoute(
    app,
    {
      method: 'patch',
      path: '/strategy-locks/{id}',
      kind: 'record',
      summary: 'Change what a lock says; it is a draft again',
      anyOf: [...DRAFTING, 'decide'],
      body: lockPatch,
      keep: ['surface_id', 'project_id'],
    },
    async (c, { body, param }) => {
      const { tenant_id, now } = c.get('caller')
      const { lock } = await findLock(c, param('id'))
      demandMay(c, lock)
      refuseState(lock, 'revise')
      const before = contentOf(lock)
      const said = Object.entries(body).filter(([, value]) => value !== undefined)
      const content = lockContent({ ...before, ...(Object.fromEntries(said) as Partial<LockContent>) }, now)
      if (isSameJson(content, before)) return c.json(asJson(lock))
      await refuseUnsound(c, content)
      const version = lock.version + 1
      const content_hash = lockContentHash(lock.id, version, content)
      const revised = { id: lock.id, from: lock.content_hash, version, content, content_hash }
      const leaf = (after: LockItem) => changeLeaf(c, 'strategy_lock.revise', null, asJson(after), asJson(lock))
      const made = await c.get('ports').locks.revise(tenant_id, revised, authorOf(c), c.get('requestId'), leaf)
      if (made !== null) return c.json(asJson(made))
      const { lock: found } = await findLock(c, lock.id)
      throw found.updated_at === lock.updated_at ? noQuestion() : conflict(found)
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/strategy-locks/{id}/approve',
      kind: 'control operation',
      summary: 'Approve what a lock says, as somebody who wrote none of it',
      permissions: ['decide'],
      body: lockDecision,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body, param }) => {
      const row = await findLock(c, param('id'))
      refuseAuthor(c, row)
      return await approveLock(c, row, body)
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/strategy-locks/{id}/reject',
      kind: 'record',
      summary: 'Reject a draft for good',
      permissions: ['decide'],
      body: lockDecision,
    },
    async (c, { body, param }) => {
      const row = await findLock(c, param('id'))
      refuseAuthor(c, row)
      if (body.content_hash !== row.lock.content_hash) throw conflict(row.lock)
      return await close(c, row.lock, 'reject', body.reason)
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/strategy-locks/{id}/revoke',
      kind: 'record',
      summary: 'Take a lock back for good',
      anyOf: [...DRAFTING, 'decide'],
      body: reasonRequest,
    },
    async (c, { body, param }) => {
      const { lock } = await findLock(c, param('id'))
      demandMay(c, lock)
      return await close(c, lock, 'revoke', body.reason)
    },
  )
}

async function close(c: Ctx, lock: LockItem, change: 'reject' | 'revoke', reason: string): Promise<Response> {
  refuseState(lock, change)
  const { tenant_id, principal } = c.get('caller')
  const closed = { id: lock.id, content_hash: lock.content_hash, change, by: principal.id, reason }
  const leaf = (after: LockItem) => changeLeaf(c, `strategy_lock.${change}`, reason, asJson(after), asJson(lock))
  const made = await c.get('ports').locks.close(tenant_id, closed, c.get('requestId'), leaf)
  if (made === null) throw conflict((await findLock(c, lock.id)).lock)
  return c.json(asJson(made))
}

async function findLock(c: Ctx, id: string): Promise<LockRow> {
  const row = /^sl_[0-9a-z_]{1,64}$/.test(id) ? await c.get('ports').locks.find(c.get('caller').tenant_id, id) : null
  if (row === null) throw new ExoError('resource.not_found')
  return row
}

/** One's own lock, or anybody's for those who decide about locks: a draft covers nothing, so a change takes away. */
function demandMay(c: Ctx, lock: LockItem): void {
  const { principal } = c.get('caller')
  if (lock.created_by !== principal.id) demandAny(c, 'decide', 'configure:strategy_lock')
}

/** Whoever wrote any version, or owns the agent that did, does not decide about it. */
function refuseAuthor(c: Ctx, { lock, authors }: LockRow): void {
  const { principal } = c.get('caller')
  const isAuthor = [lock.created_by, lock.drafted_by].includes(principal.id)
  if (isAuthor || (principal.person_id !== null && authors.includes(principal.person_id)))
    throw new ExoError('approval.self', undefined, { id: lock.id })
}

function refuseState(lock: LockItem, change: LockChange): void {
  if (lockAfter(lock.status, change) === null) throw conflict(lock)
}

function conflict({ id, status, version, content_hash }: LockItem): ExoError {
  return new ExoError('strategy_lock.state_conflict', undefined, { id, status, version, content_hash })
}

/** What a schema cannot see: names of the registry, the tenant's places and the database's clock. */
async function refuseUnsound(c: Ctx, content: LockContent): Promise<void> {
  const { tenant_id, now } = c.get('caller')
  const { allowed_actions, valid_from, valid_until } = content
  const errors = allowed_actions
    .filter((action) => !ACTIONS.has(action))
    .map((action) => ({ path: '/allowed_actions', message: `${action} is not an action` }))
  if (valid_until <= valid_from) errors.push({ path: '/valid_until', message: 'is not after valid_from' })
  if (valid_until <= now) errors.push({ path: '/valid_until', message: 'is over by the clock of the database' })
  if (errors.length > 0) throw new ExoError('validation.error', undefined, { errors })
  await refuseUnknownPlaces(c.get('ports'), tenant_id, namedPlaces('', content))
}

function noQuestion(): ExoError {
  return new ExoError('validation.error', undefined, {
    errors: [{ path: '/three_wise_id', message: 'there is no such question' }],
  })
}

function authorOf(c: Ctx): LockAuthor {
  const { principal, credential } = c.get('caller')
  return { principal_id: principal.id, person_id: principal.person_id, credential_id: credential.id }
}

function contentOf(lock: LockItem): LockContent {
  const { title, allowed_actions, surface_id, project_id, valid_from, valid_until, constraints, three_wise_id } = lock
  return { title, allowed_actions, surface_id, project_id, valid_from, valid_until, constraints, three_wise_id }
}

const asJson = (lock: LockItem): JsonObject => lock as unknown as JsonObject
