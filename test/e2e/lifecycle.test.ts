/** The life of an operation as callers see it: what begins stopped, who is asked, what ends it, what takes it back. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { notRequired } from '../support/opening.ts'
import {
  endedOf,
  makeTenant,
  notesIn,
  type Operation,
  pending,
  propose,
  refused,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const note = (text: string, notebook = 'life') => ({ notebook, text })
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'life')
})
afterAll(() => owner.end())
describe('a fresh tenant', () => {
  test('blocks what is proposed, because an absent switch is a stop', async () => {
    const { status, body } = await propose(tenant.as('agent'), note('too early'))
    expect([status, body.error.code, body.error.gate]).toEqual([403, 'kill_switch.blocked', 'kill_switch'])
    expect(body.error.details).toMatchObject({
      scope: 'tenant',
      selector: { kind: 'all', value: null },
      epoch: 0,
      reason: null,
      unset: true,
    })
    const row = await tenant.operation(body.error.details.operation_id)
    expect(row.status).toBe('blocked')
    expect(row.effect).toBeNull()
    expect(row.passes[0].verdicts.map((each: { gate: string }) => each.gate)).toEqual([
      'kill_switch',
      'firearms',
      'strategy_lock',
      'three_wise',
      'budget',
      'kpi',
      'temperature',
      'audit',
    ])
    expect(await notesIn(tenant.as('viewer'), 'life')).toEqual([])
  })

  test('is resumed by one person with the vote of another, never by one alone', async () => {
    const resume = { scope: 'tenant', state: 'running', reason: 'first day' }
    const asked = await tenant.as('owner').put('/kill-switches', resume, { key: 'resume-1' })
    expect([asked.status, asked.body.status]).toEqual([202, 'pending_approval'])
    expect(refused(await vote(tenant.as('owner'), asked.body))).toEqual([403, 'approval.self'])
    expect((await tenant.as('viewer').get('/kill-switches')).body.effective).toMatchObject({
      state: 'stopped',
      scope: 'tenant',
    })
    const voted = await vote(tenant.as('operator'), asked.body)
    expect([voted.status, voted.body.operation.status]).toEqual([200, 'executed'])
    const again = await tenant.as('owner').put('/kill-switches', resume, { key: 'resume-1' })
    expect(again.status).toBe(200)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body).toEqual({ epoch: expect.any(Number), selectors: [{ kind: 'all', value: null }] })
    expect((await tenant.as('viewer').get('/kill-switches')).body.effective).toEqual({
      state: 'running',
      scope: null,
      reason: null,
    })
  })
})

describe('proposing', () => {
  beforeAll(async () => {
    await tenant.policy({ ...UNLIMITED, not_required: notRequired('reversible') })
  })

  test('run=propose shows verdicts and preview, asks nobody and changes nothing', async () => {
    const { status, body } = await propose(tenant.as('member'), note('only proposed', 'proposed'), { run: 'propose' })
    expect([status, body.status, body.effect]).toEqual([201, 'proposed', null])
    expect(body.preview).toEqual({
      title: 'Append a note to proposed',
      fields: [
        { label: 'notebook', value: 'proposed' },
        { label: 'text', value: 'only proposed' },
      ],
    })
    expect(body.approval).toMatchObject({ required: false, satisfied_by: 'none_required' })
    expect(body.passes[0].verdicts).toHaveLength(8)
    expect(await notesIn(tenant.as('viewer'), 'proposed')).toEqual([])
    expect((await tenant.leavesUpTo(body.id, 'operation.proposed')).map((leaf) => leaf.kind)).toEqual([
      'operation.requested',
      'operation.proposed',
    ])
  })

  test('the same key and body is the same operation for ever, with one note', async () => {
    await tenant.policy(standingFor(tenant))
    const first = await propose(tenant.as('agent'), note('once', 'keys'), {}, 'same-key')
    expect([first.status, first.body.status]).toEqual([201, 'executed'])
    const again = await propose(tenant.as('agent'), note('once', 'keys'), {}, 'same-key')
    expect([again.status, again.headers.get('idempotency-replayed'), again.headers.get('idempotency-key')]).toEqual([
      200,
      'true',
      'same-key',
    ])
    expect(again.body.id).toBe(first.body.id)
    const conflict = await propose(tenant.as('agent'), note('twice', 'keys'), {}, 'same-key')
    expect(refused(conflict)).toEqual([409, 'idempotency.conflict'])
    const elsewhere = await tenant
      .as('agent')
      .post(
        '/operations',
        { action: 'note.append', input: note('once', 'keys') },
        { key: 'same-key', headers: { 'x-surface-id': 's_second' } },
      )
    expect(refused(elsewhere)).toEqual([404, 'context.not_found'])
    const byAnother = await propose(tenant.as('member'), note('once', 'keys'), {}, 'same-key')
    expect(byAnother.body.id).not.toBe(first.body.id)
    expect(await notesIn(tenant.as('viewer'), 'keys')).toEqual(['once'])
  })

  test('sixteen equal requests at once are one operation and one note', async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => propose(tenant.as('agent'), note('together', 'burst'), {}, 'burst-key')),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(15).fill(200), 201])
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(await notesIn(tenant.as('viewer'), 'burst')).toEqual(['together'])
    const rows = await owner.within(tenant.id, `select id from operations where idempotency_key = 'burst-key'`)
    expect(rows).toHaveLength(1)
  })

  test('sixteen different requests under one key are one operation and fifteen conflicts', async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        propose(tenant.as('agent'), note(`different ${i}`, 'crowd'), {}, 'crowd-key'),
      ),
    )
    expect(answers.map((each) => refused(each).join(' ')).sort()).toEqual([
      '201 ',
      ...Array(15).fill('409 idempotency.conflict'),
    ])
    expect(await notesIn(tenant.as('viewer'), 'crowd')).toHaveLength(1)
  })

  test('another project under the same key is another request', async () => {
    expect((await tenant.as('owner').post('/projects', { id: 'p_second', name: 'Second' })).status).toBe(201)
    await propose(tenant.as('member'), note('first project'), { run: 'propose' }, 'project-key')
    const moved = await tenant
      .as('member')
      .post(
        '/operations',
        { action: 'note.append', input: note('first project'), run: 'propose' },
        { key: 'project-key', headers: { 'x-project-id': 'p_second' } },
      )
    expect(refused(moved)).toEqual([409, 'idempotency.conflict'])
  })
})

describe('a standing grant', () => {
  test('stands in for votes exactly as often as it says, then people are asked', async () => {
    await tenant.policy(standingFor(tenant, 3))
    const got = []
    for (let i = 0; i < 4; i++) got.push((await propose(tenant.as('agent'), note(`granted ${i}`, 'granted'))).body)
    expect(got.map((row) => row.status)).toEqual(['executed', 'executed', 'executed', 'pending_approval'])
    expect(got[0]?.approval).toMatchObject({ satisfied_by: 'license', license_id: expect.stringMatching(/^gr_/) })
    expect((await vote(tenant.as('operator'), got[3] as Operation)).body.operation).toMatchObject({
      status: 'executed',
      approval: { satisfied_by: 'votes', license_id: null },
    })
    const [grant] = await owner.within<{ used_count: string }>(
      tenant.id,
      'select used_count from license_grants where revoked_at is null',
    )
    expect(grant?.used_count).toBe('3')
  })

  test('is not overspent by twelve operations at once', async () => {
    await tenant.policy(standingFor(tenant, 5))
    const got = await Promise.all(
      Array.from({ length: 12 }, (_, i) => propose(tenant.as('agent'), note(`race ${i}`, 'race'))),
    )
    expect(got.map(({ body }) => body.status).sort()).toEqual([
      ...Array(5).fill('executed'),
      ...Array(7).fill('pending_approval'),
    ])
    expect(await notesIn(tenant.as('viewer'), 'race')).toHaveLength(5)
  })

  test('ends at its amount, equality included', async () => {
    await tenant.policy(standingFor(tenant, 100, '1.5'))
    const costs = ['1', '0.5', '0.000001']
    const got = []
    for (const estimated_cost of costs)
      got.push((await propose(tenant.as('agent'), note('amount', 'amount'), { estimated_cost })).body.status)
    expect(got).toEqual(['executed', 'executed', 'pending_approval'])
  })

  test('that was taken back is worth nothing', async () => {
    await tenant.policy(standingFor(tenant))
    expect((await propose(tenant.as('agent'), note('before', 'revoked'))).body.status).toBe('executed')
    await tenant.policy({ grants: [] })
    expect((await propose(tenant.as('agent'), note('after', 'revoked'))).body.status).toBe('pending_approval')
  })
})

describe('people decide', () => {
  test('one yes executes; the receipt names the voter', async () => {
    const asked = await pending(tenant.as('agent'), note('please', 'voted'))
    const voted = await vote(tenant.as('operator'), asked, 'approve', { shown_hash: asked.shown_hash })
    expect(voted.body.vote).toMatchObject({ by: tenant.principal('operator'), decision: 'approve', counted: true })
    expect(voted.body.operation).toMatchObject({
      status: 'executed',
      effect: { state: 'committed', kind: 'transactional' },
    })
    const { body } = await tenant.as('viewer').get(`/operations/${asked.id}/receipt`)
    expect(body.receipt.voters).toMatchObject([
      { by: tenant.principal('operator'), decision: 'approve', assurance: 'attested' },
    ])
    expect(body.receipt.passes.map((pass: { pass: string }) => pass.pass)).toEqual(['propose', 'resume', 'guard'])
    expect((await tenant.leavesUpTo(asked.id, 'operation.sealed')).map((leaf) => leaf.kind)).toEqual([
      'operation.requested',
      'operation.pending',
      'vote.accepted',
      'effect.intent',
      'effect.outcome',
      'operation.closed',
      'operation.sealed',
    ])
  })

  test('one no, with its reason, ends it', async () => {
    const asked = await pending(tenant.as('agent'), note('please not', 'denied'))
    const unreasoned = await tenant
      .as('operator')
      .post(`/operations/${asked.id}/decisions`, { decision: 'deny', intent_hash: asked.intent_hash })
    expect(refused(unreasoned)).toEqual([400, 'validation.error'])
    const denied = await vote(tenant.as('operator'), asked, 'deny', { reason: 'not on a Friday' })
    expect(denied.body.operation).toMatchObject({
      status: 'denied',
      effect: null,
      error: { code: 'approval.denied', gate: 'approval', details: { reason: 'not on a Friday' } },
    })
    expect(refused(await vote(tenant.as('operator2'), asked))).toEqual([409, 'approval.already_decided'])
    expect(await notesIn(tenant.as('viewer'), 'denied')).toEqual([])
    const leaf = (await tenant.leavesUpTo(asked.id, 'operation.denied')).find(
      (each) => each.kind === 'operation.denied',
    )
    expect(leaf).toMatchObject({ code: 'approval.denied', reason: 'not on a Friday' })
  })

  test('a raised quorum needs two distinct people', async () => {
    const asked = await pending(tenant.as('agent'), note('two of us', 'quorum'), { approval: { quorum: 2 } })
    expect(asked.approval).toMatchObject({ quorum: 2, required: true })
    expect((await vote(tenant.as('operator'), asked)).body.operation.status).toBe('pending_approval')
    expect(refused(await vote(tenant.as('operator'), asked))).toEqual([409, 'approval.already_decided'])
    expect(await notesIn(tenant.as('viewer'), 'quorum')).toEqual([])
    expect((await vote(tenant.as('operator2'), asked)).body.operation.status).toBe('executed')
    expect(await notesIn(tenant.as('viewer'), 'quorum')).toEqual(['two of us'])
    const low = await propose(tenant.as('agent'), note('x'), { approval: { quorum: 0 } })
    expect(refused(low)).toEqual([400, 'validation.error'])
  })

  test('nobody in time is a no', async () => {
    const asked = await pending(tenant.as('agent'), note('hurry', 'expired'), { approval: { expires_in: 1 } })
    const row = await tenant.ended(asked.id)
    expect(row).toMatchObject({ status: 'expired', effect: null, error: { code: 'approval.expired' } })
    expect(refused(await vote(tenant.as('operator'), asked))).toEqual([409, 'approval.expired'])
    expect(await notesIn(tenant.as('viewer'), 'expired')).toEqual([])
    const closed = await owner.within<{ late: boolean }>(
      tenant.id,
      `select ended_at >= (approval ->> 'expires_at')::timestamptz as late from operations where id = $1`,
      [asked.id],
    )
    expect(closed).toEqual([{ late: true }])
  })

  test('nobody approves what they, or their agent, asked for', async () => {
    const own = await pending(tenant.as('operator'), note('my own', 'self'))
    expect(refused(await vote(tenant.as('operator'), own))).toEqual([403, 'approval.self'])
    const agents = await pending(tenant.as('agent'), note('my agent asks', 'self'))
    expect(refused(await vote(tenant.as('operator3'), agents))).toEqual([403, 'approval.self'])
    expect(refused(await vote(tenant.as('agent'), agents))).toEqual([403, 'auth.insufficient_role'])
    expect(refused(await vote(tenant.as('member'), agents))).toEqual([403, 'auth.insufficient_role'])
    expect((await tenant.operation(agents.id)).approval.votes).toEqual([])
    const leaves = (await tenant.leavesUpTo(agents.id, 'vote.refused')).filter((leaf) => leaf.kind === 'vote.refused')
    expect(leaves).toMatchObject([{ code: 'approval.self', actor: { principal_id: tenant.principal('operator3') } }])
    expect(await notesIn(tenant.as('viewer'), 'self')).toEqual([])
  })

  test('a vote on other hashes is refused', async () => {
    const asked = await pending(tenant.as('agent'), note('which one', 'hashes'))
    const wrong = '0'.repeat(64)
    expect(refused(await vote(tenant.as('operator'), asked, 'approve', { intent_hash: wrong }))).toEqual([
      409,
      'approval.intent_mismatch',
    ])
    expect(refused(await vote(tenant.as('operator'), asked, 'approve', { shown_hash: wrong }))).toEqual([
      409,
      'approval.intent_mismatch',
    ])
    expect(refused(await vote(tenant.as('operator'), asked, 'approve', { approver: 'p_x' }))).toEqual([
      400,
      'validation.error',
    ])
    expect((await tenant.operation(asked.id)).status).toBe('pending_approval')
  })

  test('a preview that changed while people decided voids their vote', async () => {
    const made = await pending(tenant.as('agent'), note('to be removed', 'void'))
    const { note_id } = (await vote(tenant.as('operator'), made)).body.operation.effect.result
    const removal = await tenant
      .as('agent')
      .post<Operation>('/operations', { action: 'note.remove', input: { note_id } })
    expect(removal.body.status).toBe('pending_approval')
    await owner.within(tenant.id, 'delete from notes where id = $1', [note_id])
    const voted = await vote(tenant.as('operator'), removal.body)
    expect(voted.body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed', http_status: 502 },
    })
  })

  test('the facts are read again after the vote: a stop in between blocks', async () => {
    const asked = await pending(tenant.as('agent'), note('stopped meanwhile', 'between'))
    const stop = await tenant
      .as('operator')
      .put('/kill-switches', { scope: 'tenant', state: 'stopped', reason: 'smoke' })
    expect(stop.status).toBe(200)
    const voted = await vote(tenant.as('operator'), asked)
    expect(voted.body.operation).toMatchObject({
      status: 'blocked',
      effect: null,
      error: { code: 'kill_switch.blocked', details: { scope: 'tenant', reason: 'smoke', unset: false } },
    })
    expect(await notesIn(tenant.as('viewer'), 'between')).toEqual([])
    const resumed = await tenant
      .as('owner')
      .put('/kill-switches', { scope: 'tenant', state: 'running', reason: 'clear' })
    expect((await vote(tenant.as('operator'), resumed.body)).body.operation.status).toBe('executed')
  })
})

describe('taking back', () => {
  test('a waiting operation is cancelled by its requester or by somebody who decides', async () => {
    const own = await pending(tenant.as('agent'), note('never mind', 'cancel'))
    const stranger = await tenant.as('member').post(`/operations/${own.id}/cancel`, { reason: 'not mine' })
    expect(refused(stranger)).toEqual([403, 'auth.insufficient_role'])
    const cancelled = await tenant.as('agent').post(`/operations/${own.id}/cancel`, { reason: 'changed my mind' })
    expect([cancelled.status, cancelled.body.status]).toEqual([200, 'cancelled'])
    const theirs = await pending(tenant.as('agent'), note('no', 'cancel'))
    const byOperator = await tenant.as('operator').post(`/operations/${theirs.id}/cancel`, { reason: 'no need' })
    expect([byOperator.status, byOperator.body.status]).toEqual([200, 'cancelled'])
    expect(refused(await vote(tenant.as('operator'), theirs))).toEqual([409, 'approval.already_decided'])
    expect((await tenant.leavesUpTo(own.id, 'operation.cancelled')).map((leaf) => leaf.kind)).toEqual([
      'operation.requested',
      'operation.pending',
      'operation.cancelled',
    ])
    const [leaf] = (await tenant.leavesUpTo(theirs.id, 'operation.cancelled')).filter(
      (each) => each.kind === 'operation.cancelled',
    )
    expect(leaf).toMatchObject({ actor: { principal_id: tenant.principal('operator') }, reason: 'no need' })
  })

  test('a repeated key tells that it was cancelled', async () => {
    const { body } = await propose(tenant.as('agent'), note('twice', 'cancel'), {}, 'cancel-key')
    await tenant.as('agent').post(`/operations/${body.id}/cancel`, { reason: 'no' })
    expect(refused(await propose(tenant.as('agent'), note('twice', 'cancel'), {}, 'cancel-key'))).toEqual([
      409,
      'operation.cancelled',
    ])
  })

  test('an executed one is undone by an operation of its own, once', async () => {
    const asked = await pending(tenant.as('agent'), note('oops', 'undo'))
    await vote(tenant.as('operator'), asked)
    const late = await tenant.as('agent').post(`/operations/${asked.id}/cancel`, { reason: 'too late' })
    expect(refused(late)).toEqual([409, 'operation.not_cancellable'])
    const undoOnce = async (reason = 'it was wrong') =>
      await tenant.as('agent').post<Operation>(`/operations/${asked.id}/undo`, { reason }, { key: 'undo-once' })
    const undo = await undoOnce()
    expect(undo.body).toMatchObject({ status: 'pending_approval', action: 'note.remove', undo_of: asked.id })
    expect((await vote(tenant.as('operator'), undo.body)).body.operation.status).toBe('executed')
    expect((await tenant.operation(asked.id)).undone_by).toBe(undo.body.id)
    expect(await notesIn(tenant.as('viewer'), 'undo')).toEqual([])
    const known = await undoOnce()
    expect([known.status, known.body.id, known.headers.get('idempotency-replayed')]).toEqual([
      200,
      undo.body.id,
      'true',
    ])
    expect(refused(await undoOnce('for another reason'))).toEqual([409, 'idempotency.conflict'])
    const twice = await tenant.as('agent').post(`/operations/${asked.id}/undo`, { reason: 'again' })
    expect(refused(twice)).toEqual([409, 'operation.not_reversible'])
    const undoUndo = await tenant
      .as('agent')
      .post<Operation>(`/operations/${undo.body.id}/undo`, { reason: 'it was right' })
    expect(undoUndo.body).toMatchObject({ status: 'pending_approval', action: 'note.restore', undo_of: undo.body.id })
    expect((await vote(tenant.as('operator'), undoUndo.body)).body.operation.status).toBe('executed')
    expect(await notesIn(tenant.as('viewer'), 'undo')).toEqual(['oops'])
  })

  test('a vote and a cancel at once: one of them holds, and the other is told so', async () => {
    const asked = await Promise.all(
      Array.from({ length: 16 }, (_, i) => pending(tenant.as('agent'), note(`race ${i}`, 'tug'))),
    )
    const outcomes = await Promise.all(
      asked.map(async (operation) => {
        const [voted, cancelled] = await Promise.all([
          vote(tenant.as('operator'), operation),
          tenant.as('agent').post(`/operations/${operation.id}/cancel`, { reason: 'a race' }),
        ])
        const { status } = await tenant.ended(operation.id)
        return { text: operation.input.text as string, status, voted: voted.status, cancelled: cancelled.status }
      }),
    )
    for (const { text, status, cancelled } of outcomes) {
      expect(['executed', 'cancelled'], text).toContain(status)
      expect([200, 202].includes(cancelled), `${text} ${status} ${cancelled}`).toBe(status === 'cancelled')
    }
    const executed = outcomes.filter((each) => each.status === 'executed').map((each) => each.text)
    expect((await notesIn(tenant.as('viewer'), 'tug')).sort()).toEqual(executed.sort())
  })

  test('a no and a cancel at once: one of them holds, and the other is told so, then and later', async () => {
    const asked = await Promise.all(
      Array.from({ length: 16 }, (_, i) => pending(tenant.as('agent'), note(`no ${i}`, 'tug'))),
    )
    const cancel = async (id: string) => await tenant.as('agent').post(`/operations/${id}/cancel`, { reason: 'a race' })
    const told = await Promise.all(
      asked.map(async (operation) => {
        const [voted, cancelled] = await Promise.all([
          vote(tenant.as('operator'), operation, 'deny'),
          cancel(operation.id),
        ])
        const { status } = await tenant.ended(operation.id)
        return [status, voted.status, cancelled.status < 300, (await cancel(operation.id)).status]
      }),
    )
    const possible = [
      ['denied', 200, false, 409],
      ['cancelled', 409, true, 200],
    ]
    for (const each of told) expect(possible).toContainEqual(each)
  })

  test('a yes and a no at once end it once, and both told the truth', async () => {
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, i) => pending(tenant.as('agent'), note(`both ${i}`, 'both'))),
    )
    const ends = await Promise.all(
      asked.map(async (operation) => {
        await Promise.all([
          vote(tenant.as('operator'), operation),
          vote(tenant.as('operator2'), operation, 'deny', { reason: 'no' }),
        ])
        return await tenant.ended(operation.id)
      }),
    )
    for (const { status } of ends) expect(['executed', 'denied']).toContain(status)
    const executed = ends.filter((each) => each.status === 'executed').map((each) => each.input.text)
    expect((await notesIn(tenant.as('viewer'), 'both')).sort()).toEqual(executed.sort())
  })

  test('a vote at the last moment either executes or came too late, never half', async () => {
    const ends = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const operation = await pending(tenant.as('agent'), note(`late ${i}`, 'late'), { approval: { expires_in: 1 } })
        const due = Date.parse(operation.approval.expires_at)
        await until('the deadline is near', () => Date.now() > due - 120 + i * 20)
        const voted = await vote(tenant.as('operator'), operation)
        const row = await tenant.ended(operation.id)
        return {
          text: row.input.text as string,
          status: row.status,
          voted: voted.status,
          votes: row.approval.votes.length,
        }
      }),
    )
    for (const { text, status, voted } of ends)
      expect(status === 'executed' ? voted === 200 : status === 'expired', `${text} ${status} ${voted}`).toBe(true)
    const executed = ends.filter((each) => each.status === 'executed').map((each) => each.text)
    expect((await notesIn(tenant.as('viewer'), 'late')).sort()).toEqual(executed.sort())
  })

  test('removing a note that is not there fails and says so', async () => {
    const removal = await tenant.as('agent').post<Operation>('/operations', {
      action: 'note.remove',
      input: { note_id: 'n_absent' },
    })
    const { operation: row } = (await vote(tenant.as('operator'), removal.body)).body
    expect(row).toMatchObject({
      status: 'failed',
      effect: { state: 'failed', result: null },
      error: { code: 'effect.precondition_failed', http_status: 502, details: { note_id: 'n_absent' } },
    })
  })

  test('a note that was not removed is not restored', async () => {
    const made = await pending(tenant.as('agent'), note('still there', 'restored'))
    const { note_id } = (await vote(tenant.as('operator'), made)).body.operation.effect.result
    const { body } = await tenant
      .as('agent')
      .post<Operation>('/operations', { action: 'note.restore', input: { note_id } })
    expect((await vote(tenant.as('operator'), body)).body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed' },
    })
    expect(await notesIn(tenant.as('viewer'), 'restored')).toEqual(['still there'])
  })
})

test('exactly one end leaf for each operation of the tenant that ended', async () => {
  const wrong = await owner.within(
    tenant.id,
    `select o.id, o.status, count(l.id)::int as ends from operations o left join audit_leaves l
       on l.tenant_id = o.tenant_id and l.operation_id = o.id and l.kind in ('operation.blocked', 'operation.proposed',
         'operation.denied', 'operation.expired', 'operation.cancelled', 'operation.closed')
     where o.tenant_id = $1 group by o.id, o.status
     having count(l.id) <> case when o.status in ('evaluating', 'pending_approval', 'executing') then 0 else 1 end`,
    [tenant.id],
  )
  expect(wrong).toEqual([])
})

test('every bundle these operations left verifies offline', async () => {
  const ended = await endedOf(tenant)
  const { verdict, runs, failures } = await verifyBundles(tenant.as('auditor'), ended)
  expect(failures).toEqual([])
  expect([verdict, runs]).toEqual(['PASS', ended.length])
})
