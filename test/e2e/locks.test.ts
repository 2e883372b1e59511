/**
 * Strategy locks over HTTP: drafted by one person, approved by another, binding to what they say, where and when; and the
 * gate that reads them.
 */
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ScheduleOverlapPolicy } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { OPINIONS, type OpinionWord, verdictOf } from '../../domain/three-wise.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { enrolled } from '../support/own-key.ts'
import { UNTIL } from '../support/opening.ts'
import {
  type MemberName,
  makeTenant,
  pending,
  propose,
  refused,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { openTemporal } from '../support/temporal.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, addresses, home } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const note = (text: string) => ({ notebook: 'locks', text })
const LOCK = { title: 'Campaign', allowed_actions: ['note.append'], surface_id: 's_main', valid_until: UNTIL }
let tenant: Tenant

/** Who drafts, and what is approved by `operator`. */
const draft = async (change: JsonObject = {}) => {
  const { status, body } = await tenant.as('agent').post('/strategy-locks', { ...LOCK, ...change })
  expect([status, body.status]).toEqual([201, 'draft'])
  return body
}
const decide = (who: 'agent' | 'operator' | 'operator2' | 'operator3' | 'admin', way: string, lock: JsonObject) =>
  tenant.as(who).post(`/strategy-locks/${lock['id']}/${way}`, { content_hash: lock['content_hash'], reason: 'read it' })
const approved = async (change: JsonObject = {}) => {
  const answer = await decide('operator', 'approve', await draft(change))
  expect([answer.status, answer.body.status]).toEqual([200, 'approved'])
  return answer.body
}
const patch = (who: 'agent' | 'member' | 'admin' | 'operator2', lock: JsonObject, change: JsonObject) =>
  tenant.as(who).call('PATCH', `/strategy-locks/${lock['id']}`, change)
const revoke = (lock: JsonObject) =>
  tenant.as('operator2').post(`/strategy-locks/${lock['id']}/revoke`, { reason: 'over' })
/** The leaf of a change of a lock, once it has its place. */
const changeOf = (id: string, change: string) =>
  until(`the log tells of ${change}`, async () => {
    const { items } = (await tenant.as('auditor').get('/audit?kind=control.changed&limit=200')).body
    const leaves: LeafOfChange[] = items.map((item: { leaf: LeafOfChange }) => item.leaf)
    return leaves.find(({ action, after }) => action === `strategy_lock.${change}` && after['id'] === id) ?? null
  })
interface LeafOfChange {
  action: string
  before: JsonObject
  after: JsonObject
}
const CONFLICT = [409, 'strategy_lock.state_conflict']
const BLOCKED = [403, 'strategy_lock.approval_required']

afterAll(() => owner.end())
beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'locks')
  await tenant.open({ ...UNLIMITED, strategy_locks: [{ action: 'note.append', surface_id: '*', required: true }] })
  expect((await tenant.as('owner').post('/surfaces', { id: 's_other', name: 'Other' })).status).toBe(201)
})

describe('a strategy lock', () => {
  it('lets pass what it allows once another person approved it, and nothing before', async () => {
    expect(refused(await propose(tenant.as('member'), note('no lock')))).toEqual(BLOCKED)
    const lock = await draft()
    expect(lock).toMatchObject({ version: 1, created_by: tenant.principal('agent'), approved_by: null })
    expect(refused(await propose(tenant.as('member'), note('a draft')))).toEqual(BLOCKED)
    const made = await decide('operator', 'approve', lock)
    expect(made.body).toMatchObject({ status: 'approved', version: 1, approved_by: tenant.principal('operator') })
    const row = await pending(tenant.as('member'), note('allowed'))
    const verdict = row.passes[0].verdicts.find((each: JsonObject) => each['gate'] === 'strategy_lock')
    expect(verdict).toMatchObject({ decision: 'allow', evidence: { locks: [lock.id] } })
    await revoke(lock)
    expect(refused(await propose(tenant.as('member'), note('revoked')))).toEqual(BLOCKED)
  })

  it('is approved by a control operation of its drafter’s, whose bundle verifies', async () => {
    const lock = await draft()
    await decide('operator', 'approve', lock)
    const { items } = (await tenant.as('viewer').get('/operations?action=strategy_lock.approve&limit=1')).body
    expect(items[0]).toMatchObject({
      status: 'executed',
      requested_by: { principal_id: tenant.principal('agent'), kind: 'agent' },
      approval: { votes: [{ by: tenant.principal('operator'), assurance: 'attested', counted: true }] },
      effect: { result: { id: lock.id, status: 'approved' } },
    })
    const kinds = (await tenant.leavesUpTo(items[0].id, 'control.changed')).map((leaf) => leaf.kind)
    expect(kinds).toContain('vote.accepted')
    expect(await verifyBundles(tenant.as('auditor'), [items[0].id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
    await revoke(lock)
  })

  it('is not approved or rejected by its author, nor by the person whose agent that is', async () => {
    const lock = await draft()
    expect(refused(await decide('operator3', 'approve', lock))).toEqual([403, 'approval.self'])
    expect(refused(await decide('operator3', 'reject', lock))).toEqual([403, 'approval.self'])
    expect(refused(await decide('agent', 'approve', lock))).toEqual([403, 'auth.insufficient_role'])
    const own = (await tenant.as('operator').post('/strategy-locks', LOCK)).body
    expect(refused(await decide('operator', 'approve', own))).toEqual([403, 'approval.self'])
    // Whoever rewrote it is an author too.
    const changed = (await patch('operator2', lock, { title: 'Mine now' })).body
    expect(refused(await decide('operator2', 'approve', changed))).toEqual([403, 'approval.self'])
    expect(refused(await decide('operator3', 'approve', changed))).toEqual([403, 'approval.self'])
    expect((await decide('operator', 'approve', changed)).status).toBe(200)
    await revoke(lock)
  })

  it('is approved with the content that was read, from the state that allows it, and once', async () => {
    const lock = await draft()
    const stale = { ...lock, content_hash: '0'.repeat(64) }
    for (const way of ['approve', 'reject']) expect(refused(await decide('operator', way, stale))).toEqual(CONFLICT)
    const key = { key: 'approve-once' }
    const body = { content_hash: lock.content_hash, reason: 'read it' }
    const first = await tenant.as('operator').post(`/strategy-locks/${lock.id}/approve`, body, key)
    const again = await tenant.as('operator').post(`/strategy-locks/${lock.id}/approve`, body, key)
    expect([first.status, again.status, again.body]).toEqual([200, 200, first.body])
    expect([first, again].map(({ headers }) => headers.get('idempotency-key'))).toEqual([key.key, key.key])
    const odd = await tenant.as('operator').post(`/strategy-locks/${lock.id}/approve`, body, { key: 'no/slash' })
    expect(refused(odd)).toEqual([400, 'context.invalid'])
    expect(refused(await decide('operator2', 'approve', lock))).toEqual(CONFLICT)
    expect(refused(await decide('operator2', 'reject', lock))).toEqual(CONFLICT)
    await revoke(lock)
  })

  it('is a draft again when anything it says changes, and then covers nothing', async () => {
    const lock = await approved()
    await pending(tenant.as('member'), note('covered'))
    expect((await patch('agent', lock, { title: lock.title })).body).toMatchObject({ status: 'approved', version: 1 })
    const wider = await patch('agent', lock, { allowed_actions: ['note.append', 'note.remove'] })
    expect(wider.body).toMatchObject({ status: 'draft', version: 2, approved_by: null })
    expect(refused(await propose(tenant.as('member'), note('widened')))).toEqual(BLOCKED)
    expect(refused(await decide('operator', 'approve', lock))).toEqual(CONFLICT)
    expect((await decide('operator', 'approve', wider.body)).body).toMatchObject({ status: 'approved', version: 2 })
    await revoke(lock)
  })

  it('that was rejected or revoked stays so', async () => {
    const [rejected, revoked] = [await draft(), await approved()]
    expect((await decide('operator', 'reject', rejected)).body).toMatchObject({
      status: 'rejected',
      approved_by: null,
      closed_by: tenant.principal('operator'),
      closed_reason: 'read it',
    })
    expect((await revoke(revoked)).body.status).toBe('revoked')
    for (const lock of [rejected, revoked]) {
      expect(refused(await patch('admin', lock, { title: 'Back' }))).toEqual(CONFLICT)
      expect(refused(await decide('operator2', 'approve', lock))).toEqual(CONFLICT)
      expect(refused(await decide('operator2', 'reject', lock))).toEqual(CONFLICT)
      expect(refused(await revoke(lock))).toEqual(CONFLICT)
    }
  })

  it('of one surface covers no other, and `*` covers every one', async () => {
    const lock = await approved({ surface_id: 's_other' })
    const elsewhere = { headers: { 'x-surface-id': 's_other' } }
    expect(refused(await propose(tenant.as('member'), note('on s_main')))).toEqual(BLOCKED)
    const body = { action: 'note.append', input: note('on s_other') }
    expect((await tenant.as('member').post('/operations', body, elsewhere)).status).toBe(202)
    await revoke(lock)
    expect(refused(await tenant.as('member').post('/operations', body, elsewhere))).toEqual(BLOCKED)
    const everywhere = await approved({ surface_id: '*', project_id: 'p_main' })
    expect((await tenant.as('member').post('/operations', body, elsewhere)).status).toBe(202)
    await revoke(everywhere)
  })

  it('is drafted by who may execute or configure, and changed by its author or by who decides', async () => {
    for (const name of ['member', 'agent', 'admin'] as const) {
      const made = await tenant.as(name).post('/strategy-locks', LOCK)
      expect([name, made.status]).toEqual([name, 201])
    }
    for (const name of ['viewer', 'auditor'] as const)
      expect(refused(await tenant.as(name).post('/strategy-locks', LOCK))).toEqual([403, 'auth.insufficient_role'])
    const lock = await draft()
    expect(refused(await patch('member', lock, { title: 'Not mine' }))).toEqual([403, 'auth.insufficient_role'])
    expect(refused(await decide('operator', 'approve', { ...lock, id: 'sl_absent' }))).toEqual([
      404,
      'resource.not_found',
    ])
  })

  it.each([
    ['a naive instant', { valid_until: '2090-01-01T00:00:00' }, '/valid_until'],
    ['an end in the past', { valid_from: '2020-01-01T00:00:00Z', valid_until: '2020-01-02T00:00:00Z' }, '/valid_until'],
    ['an end before its beginning', { valid_from: '2091-01-01T00:00:00Z' }, '/valid_until'],
    ['an unknown action', { allowed_actions: ['note.apend'] }, '/allowed_actions'],
    ['no action', { allowed_actions: [] }, '/allowed_actions'],
    ['every action', { allowed_actions: ['*'] }, '/allowed_actions/0'],
    ['no surface', { surface_id: undefined }, '/surface_id'],
    ['a surface that nobody registered', { surface_id: 's_absent' }, '/surface_id'],
    ['a constraint that is no expression', { constraints: 'input.text ==' }, '/constraints'],
    ['a constraint over the time', { constraints: 'timestamp("2030-01-01T00:00:00Z") == target' }, '/constraints'],
    ['a status', { status: 'approved' }, ''],
    ['a question that is not there', { three_wise_id: `tw_${'0'.repeat(32)}` }, '/three_wise_id'],
  ])('with %s is refused', async (_what, change, path) => {
    const answer = await tenant.as('agent').post('/strategy-locks', { ...LOCK, ...change })
    expect(refused(answer)).toEqual([400, 'validation.error'])
    expect(answer.body.error.details.errors[0].path).toBe(path)
  })

  it('is listed newest first, by pages whose cursors are the tenant’s own', async () => {
    const page = await tenant.as('viewer').get('/strategy-locks?limit=2')
    const ids = page.body.items.map((each: { id: string }) => each.id)
    const next = await tenant.as('viewer').get(`/strategy-locks?limit=2&cursor=${page.body.next_cursor}`)
    expect(new Set([...ids, ...next.body.items.map((each: { id: string }) => each.id)]).size).toBe(4)
    const lock = (await tenant.as('viewer').get(`/strategy-locks/${ids[0]}`)).body
    expect(lock).toEqual(page.body.items[0])
    expect(refused(await tenant.as('viewer').get('/strategy-locks?cursor=MA.x'))).toEqual([
      410,
      'strategy_locks.cursor_invalid',
    ])
    const stranger = callers(url, credentials).as('t_demo', 'viewer')
    expect((await stranger.get(`/strategy-locks/${ids[0]}`)).status).toBe(404)
  })

  it('leaves before and after in the log', async () => {
    const lock = await draft()
    const changed = (await patch('agent', lock, { title: 'After' })).body
    const leaf = await changeOf(lock.id, 'revise')
    expect([leaf.before, leaf.after]).toEqual([lock, changed])
  })

  it('with a constraint covers the inputs that it holds for, and a replay decides that again', async () => {
    const lock = await approved({ constraints: 'input.text.startsWith("small") && estimated_cost <= 1' })
    expect(lock.constraints).toBe('input.text.startsWith("small") && estimated_cost <= 1')
    for (const [text, estimated_cost] of [
      ['large', '0'],
      ['small but dear', '1.000001'],
    ] as const) {
      const answer = await propose(tenant.as('member'), note(text), { estimated_cost })
      expect(refused(answer)).toEqual(BLOCKED)
      expect(answer.body.error.details).toMatchObject({ unsatisfied: [lock.id] })
    }
    const row = await pending(tenant.as('member'), note('small'), { estimated_cost: '1' })
    expect((await vote(tenant.as('operator2'), row)).body.operation.status).toBe('executed')
    expect(await verifyBundles(tenant.as('auditor'), [row.id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
    await revoke(lock)
  })

  it('expires when its time is over: for the gate at once, for its readers with the next sweep', async () => {
    const lock = await approved({ valid_until: new Date(Date.now() + 1_500).toISOString() })
    await until('the gate says no', async () => {
      const { status } = await propose(tenant.as('member'), note('in the last moment'))
      return status === 403 ? true : null
    })
    const temporal = await openTemporal(addresses.temporal)
    await temporal.client.schedule.getHandle('exo-reconcile').trigger(ScheduleOverlapPolicy.ALLOW_ALL)
    await temporal.close()
    const expired = await until('it is swept', async () => {
      const { body } = await tenant.as('viewer').get(`/strategy-locks/${lock.id}`)
      return body.status === 'expired' ? body : null
    })
    expect(await changeOf(lock.id, 'expire')).toMatchObject({
      actor: { principal_id: null, kind: 'system' },
      before: lock,
      after: expired,
    })
    expect(refused(await patch('admin', lock, { valid_until: UNTIL }))).toEqual(CONFLICT)
    expect(refused(await revoke(lock))).toEqual(CONFLICT)
  })

  it('waits for a signature when the approver holds a key of their own', async () => {
    const key = await enrolled(tenant.as('operator2'), tenant.as('operator'))
    const lock = await draft()
    const asked = await decide('operator2', 'approve', lock)
    expect([asked.status, asked.body.status]).toEqual([202, 'pending_approval'])
    expect((await decide('operator2', 'approve', lock)).body.id).toBe(asked.body.id)
    const { intent_hash } = asked.body
    const signed = await key.sign(tenant, asked.body)
    const voted = await tenant.as('operator2').post(`/operations/${asked.body.id}/decisions`, {
      decision: 'approve',
      intent_hash,
      reason: 'signed',
      vote: signed,
    })
    expect(voted.body.operation).toMatchObject({ status: 'executed', effect: { result: { status: 'approved' } } })
    await revoke(lock)
  })
})

describe('a three-wise question', () => {
  const input = note('is it wise?')
  const ask = async (change: JsonObject = {}) => {
    const body = { question: 'Is it wise?', binds: { action: 'note.append', input }, ...change }
    const answer = await tenant.as('agent').post('/three-wise/questions', body)
    expect(answer.status).toBe(201)
    return answer.body
  }
  const opine = (who: MemberName, question: JsonObject, verdict: string) =>
    tenant.as(who).post(`/three-wise/questions/${question['id']}/opinions`, { verdict, reason: 'looked at it' })
  const CLOSED = [409, 'three_wise.state_conflict']

  it('opens the lock that names it once three reviewers approve, for exactly what it is bound to', async () => {
    const question = await ask()
    expect(question).toMatchObject({ status: 'open', verdict: 'UNSURE', opinions: [] })
    const lock = await approved({ three_wise_id: question.id })
    const WANTED = [403, 'three_wise.verdict_required']
    expect(refused(await propose(tenant.as('member'), input))).toEqual(WANTED)
    for (const [who, word] of [
      ['operator', 'APPROVE'],
      ['operator2', 'UNSURE'],
    ] as const) {
      expect((await opine(who, question, word)).body.verdict).toBe('UNSURE')
      expect(refused(await propose(tenant.as('member'), input))).toEqual(WANTED)
    }
    const last = await opine('admin', question, 'APPROVE')
    expect([last.status, last.body.status, last.body.verdict]).toEqual([201, 'answered', 'APPROVE'])
    const row = await pending(tenant.as('member'), input)
    const verdict = row.passes[0].verdicts.find((each: JsonObject) => each['gate'] === 'three_wise')
    expect(verdict).toMatchObject({ decision: 'allow', evidence: { question: question.id } })
    expect(refused(await propose(tenant.as('member'), note('is something else wise?')))).toEqual(WANTED)
    expect(refused(await opine('owner', question, 'REJECT'))).toEqual(CLOSED)
    expect((await tenant.as('viewer').get(`/three-wise/questions/${question.id}`)).body).toEqual(last.body)
    await revoke(lock)
  })

  it('takes one opinion of a reviewer, none of the asker’s person, and no other words', async () => {
    const question = await ask()
    expect((await opine('operator', question, 'REJECT')).status).toBe(201)
    expect(refused(await opine('operator', question, 'APPROVE'))).toEqual(CLOSED)
    expect(refused(await opine('operator3', question, 'APPROVE'))).toEqual([403, 'approval.self'])
    for (const word of ['approve', 'YES', 'I do not approve', ''])
      expect(refused(await opine('operator2', question, word))).toEqual([400, 'validation.error'])
    expect(refused(await opine('member', question, 'APPROVE'))).toEqual([403, 'auth.insufficient_role'])
    const brief = await ask({ expires_in: 1 })
    await until('its time is over', async () => {
      const { status } = (await tenant.as('viewer').get(`/three-wise/questions/${brief.id}`)).body
      return status === 'expired' ? true : null
    })
    expect(refused(await opine('operator2', brief, 'APPROVE'))).toEqual(CLOSED)
  })

  it('of two reviewers against is REJECT, in the database as in the domain', async () => {
    const question = await ask()
    await opine('operator', question, 'REJECT')
    await opine('operator2', question, 'APPROVE')
    expect((await opine('admin', question, 'REJECT')).body.verdict).toBe('REJECT')
    const { body } = await tenant.as('viewer').get('/three-wise/questions?limit=1')
    expect(body.items[0]).toMatchObject({ id: question.id, verdict: 'REJECT' })
    const stored = await owner.within<{ words: OpinionWord[]; verdict: string }>(
      tenant.id,
      `with said (words) as (select array[]::text[] union all select array[a] from unnest($1::text[]) a
         union all select array[a, b, c] from unnest($1::text[]) a, unnest($1::text[]) b, unnest($1::text[]) c)
       select words, three_wise_verdict((select coalesce(jsonb_agg(jsonb_build_object('verdict', w)), '[]') from unnest(words) w)) as verdict
       from said`,
      [OPINIONS],
    )
    expect(stored.length).toBe(31)
    expect(stored.map(({ words }) => verdictOf(words))).toEqual(stored.map(({ verdict }) => verdict))
  })

  it.each([
    ['an unknown action', { action: 'note.apend', input: {} }, [404, 'action.unknown']],
    ['an action that only looks', { action: 'note.list', input: { notebook: 'n' } }, [404, 'action.unknown']],
    ['an input that the action refuses', { action: 'note.append', input: {} }, [400, 'validation.error']],
    [
      'a target where none is due',
      { action: 'note.append', input, target: 'https://x.example' },
      [400, 'validation.error'],
    ],
  ])('about %s is refused', async (_what, binds, refusal) => {
    const asked = { question: 'Is it wise?', binds }
    expect(refused(await tenant.as('agent').post('/three-wise/questions', asked))).toEqual(refusal)
  })
})

describe('models that review', () => {
  const MODELS = ['first', 'second', 'third'] as const
  /** What the endpoint of this test answers, by model; nothing while it says nothing. */
  let content: Record<string, string | null> = {}
  const asked: { model: string; shown: JsonObject }[] = []
  const endpoint = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { model, messages } = JSON.parse(Buffer.concat(chunks).toString())
      asked.push({ model, shown: JSON.parse(messages[1].content) })
      const said = content[model]
      if (said == null) return
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ choices: [{ finish_reason: 'stop', message: { content: said } }] }))
    })
  })
  const principals = new Map<string, string>()
  const setting = join(home, 'reviewers.json')
  const says = (verdict: string) => JSON.stringify({ verdict, reason: `I say ${verdict}` })
  const answered = async (content_: Record<string, string | null>, by: MemberName = 'agent') => {
    content = content_
    const body = { question: 'Is it wise?', binds: { action: 'note.append', input: note('asked of models') } }
    const { id } = (await tenant.as(by).post('/three-wise/questions', body)).body
    return await until('the models have answered', async () => {
      const { body: question } = await tenant.as('viewer').get(`/three-wise/questions/${id}`)
      return question.status === 'answered' ? question : null
    })
  }

  beforeAll(async () => {
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
    for (const model of MODELS) {
      const asked_ = await tenant.as('owner').post('/principals', { kind: 'service', name: model })
      const made = (await vote(tenant.as('operator'), asked_.body)).body.operation.effect.result
      const joined = { principal_id: made.id ?? made.principal_id, role: 'viewer', permissions: ['review'] }
      await vote(tenant.as('operator'), (await tenant.as('owner').put('/memberships', joined)).body)
      principals.set(model, joined.principal_id)
    }
    const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1/chat/completions`
    const rows = MODELS.map((model) => ({ principal_id: principals.get(model), url, model, timeout_seconds: 1 }))
    await writeFile(setting, JSON.stringify(rows))
  })
  afterAll(async () => {
    await writeFile(setting, '[]')
    endpoint.closeAllConnections()
    endpoint.close()
  })

  it('are asked once each, and their opinions are written as people’s are', async () => {
    const question = await answered({ first: says('APPROVE'), second: says('UNSURE'), third: says('APPROVE') })
    expect(question.verdict).toBe('APPROVE')
    const given = question.opinions.map(({ by, kind, verdict, reason }: JsonObject) => [by, kind, verdict, reason])
    expect(given.toSorted()).toEqual(
      [
        [principals.get('first'), 'service', 'APPROVE', 'I say APPROVE'],
        [principals.get('second'), 'service', 'UNSURE', 'I say UNSURE'],
        [principals.get('third'), 'service', 'APPROVE', 'I say APPROVE'],
      ].toSorted(),
    )
    expect(asked.map(({ model }) => model).sort()).toEqual([...MODELS])
    expect(asked[0]?.shown).toEqual({
      question: 'Is it wise?',
      action: 'note.append',
      target: null,
      input: { notebook: 'locks', text: 'asked of models' },
    })
  })

  it('that answer in prose, with another word, or not at all are UNSURE', async () => {
    asked.length = 0
    const question = await answered({ first: 'I do not approve', second: says('MAYBE'), third: null })
    expect(question.verdict).toBe('UNSURE')
    expect(question.opinions.map(({ verdict }: JsonObject) => verdict)).toEqual(['UNSURE', 'UNSURE', 'UNSURE'])
    expect(asked.length).toBe(3)
  })
})
