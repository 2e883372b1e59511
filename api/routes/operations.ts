/** Operations: propose, read, list, cancel, undo. */
import { z } from '@hono/zod-openapi'
import { Cursors, readLimit } from '../cursor.ts'
import { problem } from '../envelope.ts'
import { isKnownKey, openOperation, readOperation, type Opened } from '../opening.ts'
import { endedWell, operationView, stillGoing } from '../operation-view.ts'
import { findAction, parseObserved, type OperationRequest } from '../planning.ts'
import { type Ctx, demand } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { refuseStopped } from '../stopped.ts'
import { listOf, operationRequest, reasonRequest, resolveRequest } from '../schemas.ts'
import { undoInputs } from '../../actions/batch.ts'
import type { ObservingAction } from '../../actions/define.ts'
import { instant } from '../../actions/policy-document.ts'
import { findEffectful } from '../../actions/registry.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { asks } from '../../domain/delegation.ts'
import { ERRORS, type ErrorCode, ExoError } from '../../domain/errors.ts'
import { STATUSES } from '../../domain/lifecycle.ts'

export function operationRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'post',
      path: '/operations',
      kind: 'operation',
      summary: 'Propose an action, or run an observing one',
      body: operationRequest,
      answers: {
        200: { description: 'An observing action answered, or a repeated key found an operation that ended well.' },
        201: { description: 'The operation ended well.' },
        202: { description: 'It goes on, or waits for people.' },
      },
    },
    async (c, { body: given }) => {
      const body = given as OperationRequest
      const action = findAction(body.action)
      demand(c, `execute:${action.class}`)
      if (action.class === 'observe') return await observe(c, action as ObservingAction<unknown>, body)
      if (action.governs === true) refuseDirectGovernance(c, action.name)
      return answer(c, await openOperation(c, body))
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/operations',
      kind: 'read',
      summary: 'List operations, newest first',
      permissions: ['read'],
      query: z.object({
        status: z.enum(STATUSES).optional(),
        action: z.string().max(200).optional(),
        project: z.string().max(64).optional(),
        since: instant.optional(),
        cursor: z.string().max(500).optional(),
        limit: z.string().optional(),
      }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id } = c.get('caller')
      const { cursor, limit: limitText, ...filter } = query
      const { reading, secret, namespace } = c.get('ports')
      const limit = readLimit(limitText)
      const cursors = new Cursors(secret, 'operations')
      const sealed = JSON.stringify(filter)
      const before = cursors.open(tenant_id, sealed, cursor) ?? undefined
      const rows = await reading.operations(tenant_id, { ...filter, before, limit: limit + 1 })
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return c.json({
        items: page.map((row) => operationView(row, namespace)),
        next_cursor: rows.length > limit && last !== undefined ? cursors.seal(tenant_id, sealed, last.ordinal) : null,
      })
    },
  )

  addRoute(
    app,
    { method: 'get', path: '/operations/{id}', kind: 'read', summary: 'Read an operation', permissions: ['read'] },
    async (c, { param }) => {
      const ports = c.get('ports')
      return c.json(operationView(await readOperation(ports, c.get('caller').tenant_id, param('id')), ports.namespace))
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/operations/{id}/cancel',
      kind: 'record',
      summary: 'Cancel before the effect is claimed',
      permissions: ['read'],
      body: reasonRequest,
      answers: {
        200: { description: 'Cancelled.' },
        202: { description: 'The row binds the guard already; the run has not noticed yet.' },
      },
    },
    async (c, { body, param }) => {
      const ports = c.get('ports')
      const caller = c.get('caller')
      const row = await readOperation(ports, caller.tenant_id, param('id'))
      if (!asks(row.intent, caller.principal.id)) demand(c, 'decide')
      const ref = { tenant_id: caller.tenant_id, operation_id: row.id }
      const cancelled = await ports.records.cancel({
        ...ref,
        cancel: { by: caller.principal.id, kind: caller.principal.kind, reason: body.reason, at: caller.now },
      })
      if ('refused' in cancelled) throw new ExoError(cancelled.refused, undefined, { operation_id: row.id })
      const news = ports.waitForNews(caller.tenant_id, row.id, row.status, 5_000)
      await ports.runs.wake(ref).catch((error: unknown) => {
        ports.log.error({ error: String(error) }, 'the run could not be woken; the outbox will')
      })
      await news
      const after = await readOperation(ports, caller.tenant_id, row.id)
      return c.json(operationView(after, ports.namespace), after.status === 'cancelled' ? 200 : 202)
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/operations/{id}/undo',
      kind: 'operation',
      summary: 'Propose the undo as an operation of its own',
      permissions: ['read'],
      body: reasonRequest,
      answers: { 201: { description: 'Undone.' }, 202: { description: 'It goes on, or waits for people.' } },
    },
    async (c, { body, param }) => {
      const ports = c.get('ports')
      const row = await readOperation(ports, c.get('caller').tenant_id, param('id'))
      const action = findEffectful(row.intent.action, row.intent.action_version)
      const isUndone = row.undone_by !== null && !(await isKnownKey(c))
      if (row.status !== 'executed' || action?.undo === undefined || row.claim === null || isUndone)
        throw new ExoError('operation.not_reversible', undefined, { operation_id: row.id, status: row.status })
      const undo = findAction(action.undo.action)
      demand(c, `execute:${undo.class}`)
      const asked = { action: undo.name, run: 'execute' as const, reason: body.reason }
      const request: OperationRequest =
        row.plan.batch === undefined
          ? { ...asked, input: action.undo.input(row.intent.input, row.claim.result) }
          : { ...asked, inputs: undoInputs(action.undo, row.intent.input, row.claim.result) }
      return answer(c, await openOperation(c, request, { undoOf: row.id }))
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/operations/{id}/resolve',
      kind: 'control operation',
      summary: 'Settle an outcome that nobody could tell, by what people found',
      permissions: ['decide'],
      body: resolveRequest,
      answers: { 201: { description: 'Settled.' }, 202: { description: 'Another person must vote; the operation.' } },
    },
    async (c, { body: { outcome, evidence, reason }, param }) => {
      const row = await readOperation(c.get('ports'), c.get('caller').tenant_id, param('id'))
      const input = { operation_id: row.id, outcome, evidence } as JsonObject
      return answer(c, await openOperation(c, { action: 'operation.resolve', input, run: 'execute', reason }))
    },
  )
}

/** The answer to a proposal: the resource while it goes or when it ended well, else the envelope of its end. */
export function answer(c: Ctx, { row, replayed }: Opened, wrap?: (view: JsonObject) => JsonObject): Response {
  const { namespace } = c.get('ports')
  c.header('Idempotency-Key', row.idempotency_key)
  if (replayed) c.header('Idempotency-Replayed', 'true')
  const view = operationView(row, namespace)
  if (stillGoing(row.status)) {
    c.header('Location', `/operations/${row.id}`)
    return c.json(view, 202)
  }
  if (endedWell(row.status))
    return c.json(wrap === undefined ? view : wrap(view), replayed || wrap !== undefined ? 200 : 201)
  const code = endCode(row.status, row.error)
  const details = (row.error?.details ?? { operation_id: row.id }) as JsonObject
  return problem(c, {
    code,
    details,
    gate: (row.error?.gate as string | null | undefined) ?? ERRORS[code].gate,
    action: row.intent.action,
    resource: 'operation',
    ...(row.status === 'failed' ? { status: 502 } : {}),
  })
}

function endCode(status: string, error: JsonObject | null): ErrorCode {
  if (status === 'cancelled') return 'operation.cancelled'
  return (error?.code as ErrorCode | undefined) ?? 'internal.error'
}

/** Control actions have front doors of their own, where the right to configure is asked for. */
function refuseDirectGovernance(c: Ctx, action: string): void {
  const { permissions } = c.get('caller')
  if (
    permissions.some(
      (permission) => permission.startsWith('configure:') || permission === 'resume' || permission === 'identity:write',
    )
  )
    return
  throw new ExoError('auth.insufficient_role', undefined, { required: ['configure:*'], action })
}

/** Runs an action that only looks: no operation, no key, no receipt. A stopped row that names it still stops it. */
async function observe(c: Ctx, action: ObservingAction<unknown>, body: OperationRequest): Promise<Response> {
  const ports = c.get('ports')
  const { tenant_id } = c.get('caller')
  const input = parseObserved(action, body)
  await refuseStopped(c, { action: action.name, class: action.class }, { changes: false })
  const result = await action.observe({ notes: ports.notes }, tenant_id, input)
  c.get('count')(action.name)
  return c.json({ action: action.name, action_version: action.version, result })
}
