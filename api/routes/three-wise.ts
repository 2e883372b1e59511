/**
 * Three-wise questions: whether one action with one target and one input is wise, asked of three reviewers who are not
 * the asker. Questions and opinions are records and never change.
 */
import { randomBytes } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { Cursors, readLimit } from '../cursor.ts'
import { findAction, readInput } from '../planning.ts'
import { addRoute, type App } from '../route.ts'
import { listOf, opinionRequest, questionRequest } from '../schemas.ts'
import { readTarget } from '../../actions/egress-origin.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { leafRow, makeLeaf } from '../../domain/leaf.ts'
import { LIMITS } from '../../domain/limits.ts'
import { DRAFTING } from '../../domain/permissions.ts'
import {
  bindingHash,
  opinionLeaf,
  type QuestionRow,
  questionStatus,
  reviewerOf,
  verdictOf,
} from '../../domain/three-wise.ts'

export function threeWiseRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'post',
      path: '/three-wise/questions',
      kind: 'record',
      summary: 'Ask whether exactly this would be wise',
      anyOf: DRAFTING,
      body: questionRequest,
      answers: { 201: { description: 'The question.' } },
    },
    async (c, { body }) => {
      const { tenant_id, principal, now, train_ok } = c.get('caller')
      const binds = bindsOf(body.binds)
      const asked = {
        id: `tw_${randomBytes(16).toString('hex')}`,
        question: body.question,
        binds,
        binding_hash: bindingHash(binds),
        asked_by: principal.id,
        asked_by_reviewer: reviewerOf(principal),
        expires_in: body.expires_in ?? LIMITS.questionSeconds.default,
      }
      const leaf = ({ id, question, binding_hash, expires_at }: QuestionRow) =>
        leafRow(
          makeLeaf({
            kind: 'record.written',
            tenant_id,
            at: now,
            actor: { principal_id: principal.id, kind: principal.kind },
            action: 'three_wise.ask',
            request_id: c.get('requestId'),
            trace_id: c.get('traceId'),
            train_ok,
            after: { id, question, action: binds.action, binding_hash, expires_at },
          }),
        )
      return c.json(view(await c.get('ports').questions.ask(tenant_id, asked, c.get('requestId'), leaf), now), 201)
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/three-wise/questions',
      kind: 'read',
      summary: 'Questions, newest first',
      permissions: ['read'],
      query: z.object({ cursor: z.string().max(500).optional(), limit: z.string().optional() }),
      answers: { 200: { description: 'A page.', schema: listOf } },
    },
    async (c, { query }) => {
      const { tenant_id, now } = c.get('caller')
      const { questions, secret } = c.get('ports')
      const limit = readLimit(query.limit)
      const cursors = new Cursors(secret, 'three_wise')
      const rows = await questions.page(tenant_id, cursors.open(tenant_id, '', query.cursor), limit + 1)
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return c.json({
        items: page.map((row) => view(row, now)),
        next_cursor: rows.length > limit && last !== undefined ? cursors.seal(tenant_id, '', last.ordinal) : null,
      })
    },
  )

  addRoute(
    app,
    {
      method: 'get',
      path: '/three-wise/questions/{id}',
      kind: 'read',
      summary: 'One question with its opinions',
      permissions: ['read'],
    },
    async (c, { param }) => {
      const { tenant_id, now } = c.get('caller')
      const row = isId(param('id')) ? await c.get('ports').questions.find(tenant_id, param('id')) : null
      if (row === null) throw new ExoError('resource.not_found')
      return c.json(view(row, now))
    },
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/three-wise/questions/{id}/opinions',
      kind: 'record',
      summary: 'Say what one makes of it, once',
      anyOf: ['decide', 'review'],
      body: opinionRequest,
      answers: { 201: { description: 'The question with the opinion.' } },
    },
    async (c, { body: { verdict, reason }, param }) => {
      const { principal, tenant_id, now, train_ok } = c.get('caller')
      const id = param('id')
      const given = { by: principal.id, kind: principal.kind, reviewer: reviewerOf(principal), verdict, reason }
      const about = { request_id: c.get('requestId'), trace_id: c.get('traceId'), train_ok }
      const answer = isId(id)
        ? await c
            .get('ports')
            .questions.give(tenant_id, id, given, about.request_id, (question, opinion) =>
              opinionLeaf(tenant_id, question, opinion, about),
            )
        : null
      if (answer === null) throw new ExoError('resource.not_found')
      if ('question' in answer) return c.json(view(answer.question, now), 201)
      if (answer.refused === 'asker') throw new ExoError('approval.self', undefined, { id })
      throw new ExoError('three_wise.state_conflict', undefined, { id, reason: answer.refused })
    },
  )
}

const isId = (id: string) => /^tw_[0-9a-z_]{1,64}$/.test(id)

/** Spelled as an operation's intent would be: the input as its schema makes it, the target in its one spelling. */
function bindsOf({ action: name, target, input }: z.output<typeof questionRequest>['binds']) {
  const action = findAction(name)
  if (action.class === 'observe') throw new ExoError('action.unknown', undefined, { action: name })
  const read = readInput(action, { action: name, input, run: 'execute', ...(target === undefined ? {} : { target }) })
  return { action: name, target: target === undefined ? null : readTarget(target).href, input: read.input }
}

function view(row: QuestionRow, now: string): JsonObject {
  const { ordinal: _place, asked_by_reviewer: _person, opinions, ...shown } = row
  return {
    ...shown,
    status: questionStatus(row, now),
    verdict: verdictOf(opinions.map(({ verdict }) => verdict)),
    opinions: opinions.map(({ by, kind, verdict, reason, at }) => ({ by, kind, verdict, reason, at })),
  }
}
