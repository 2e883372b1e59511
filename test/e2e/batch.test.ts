/** Operations of several inputs: approved once, an outcome each, never one twice, and a stop holds between them. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { notRequired, RUNNING } from '../support/opening.ts'
import { endedOf, makeTenant, type Operation, refused, standingFor, type Tenant, UNLIMITED, vote } from '../support/tenant.ts' // biome-ignore format: one list
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'batch')
  await tenant.open({ ...UNLIMITED, ...standingFor(tenant), not_required: notRequired('reversible') })
})
afterAll(async () => {
  await owner.end()
})

const texts = (count: number, notebook: string) =>
  Array.from({ length: count }, (_, i) => ({ notebook, text: `note ${i + 1}` }))
const ask = async (inputs: JsonObject[], more: JsonObject = {}, key?: string) =>
  await tenant
    .as('agent')
    .post<Operation>(
      '/operations',
      { action: 'note.append', inputs, estimated_cost: '0.5', ...more },
      key === undefined ? {} : { key },
    )
const approved = async (asked: Operation) => {
  await vote(tenant.as('operator'), asked)
  return await tenant.ended(asked.id, 60_000)
}
const inOrder = async (notebook: string) =>
  (
    await owner.within<{ text: string }>(
      tenant.id,
      'select text from notes where notebook = $1 and removed_at is null order by ordinal',
      [notebook],
    )
  ).map((row) => row.text)
const spent = async (id: string) =>
  (
    await owner.within<{ state: string; amount: string }>(
      tenant.id,
      'select state, trim_scale(amount)::text as amount from budget_entries where operation_id = $1',
      [id],
    )
  )[0]

let first: Operation

test('five hundred inputs are one operation, one vote, one receipt, in their order', async () => {
  const { status, body } = await ask(texts(500, 'all'))
  expect([status, body.status]).toEqual([202, 'pending_approval'])
  expect(body.preview.title).toBe('Append a note, 500 times')
  expect(body.estimated_cost).toBe('250')
  first = await approved(body)
  expect(first).toMatchObject({
    status: 'executed',
    approval: { satisfied_by: 'votes' },
    effect: { kind: 'transactional', state: 'committed', result: { committed: 500, failed: 0, blocked: 0 } },
  })
  const { items } = first.effect.result
  expect(items.map(({ n, state }: { n: number; state: string }) => [n, state])).toEqual(
    Array.from({ length: 500 }, (_, i) => [i + 1, 'committed']),
  )
  expect(await inOrder('all')).toEqual(texts(500, 'all').map(({ text }) => text))
  expect(await spent(first.id)).toEqual({ state: 'settled', amount: '250' })
  const { receipt } = (await tenant.as('auditor').get(`/operations/${first.id}/receipt`)).body
  expect(receipt.settlement).toEqual({ currency: 'USD', settled: '250', released: '0' })
})

test('what an executor posted for it meanwhile stays posted', async () => {
  const { body } = await ask(texts(2, 'posted'), { estimated_cost: '0' })
  const usage = { cost: '70', action: 'note.append', operation_id: body.id }
  expect((await tenant.as('service').post('/budget/usage', usage)).status).toBe(201)
  expect((await approved(body)).status).toBe('executed')
  expect(await spent(body.id)).toEqual({ state: 'settled', amount: '70' })
})

test('an item that the world refuses fails alone, and is not paid for', async () => {
  const made = await approved((await ask(texts(3, 'some'))).body)
  const ids = made.effect.result.items.map(({ result }: { result: { note_id: string } }) => result.note_id)
  const inputs = [ids[0], 'n_absent', ids[0], ids[2]].map((note_id) => ({ note_id }))
  const { body: asked } = await ask(inputs, { action: 'note.remove' })
  expect(asked.preview.fields[0]).toEqual({
    label: '1',
    value: `Remove note ${ids[0]} · notebook: some · text: note 1`,
  })
  const done = await approved(asked)
  expect(done).toMatchObject({ status: 'executed', effect: { result: { committed: 2, failed: 2, blocked: 0 } } })
  expect(done.effect.result.items.map((item: JsonObject) => item['code'])).toEqual([
    null,
    'effect.precondition_failed',
    'effect.precondition_failed',
    null,
  ])
  expect(await inOrder('some')).toEqual(['note 2'])
  expect(await spent(done.id)).toEqual({ state: 'settled', amount: '1' })
  const { receipt } = (await tenant.as('auditor').get(`/operations/${done.id}/receipt`)).body
  expect(receipt.settlement).toEqual({ currency: 'USD', settled: '1', released: '1' })
})

test('where nothing was done it failed, and the money is given back', async () => {
  const { body: asked } = await ask([{ note_id: 'n_absent' }, { note_id: 'n_absent2' }], { action: 'note.remove' })
  const done = await approved(asked)
  expect(done).toMatchObject({
    status: 'failed',
    error: { code: 'effect.precondition_failed', details: { committed: 0, failed: 2, blocked: 0 } },
  })
  expect((await spent(done.id))?.state).toBe('released')
})

test('a stop holds between items: what is done stays, the rest is blocked, and nothing follows the acknowledge', async () => {
  const { body: asked } = await ask(texts(500, 'stopped'))
  const voted = vote(tenant.as('operator'), asked)
  await until('some are done', async () => (await inOrder('stopped')).length > 0)
  const stop = { scope: 'tenant', state: 'stopped', reason: 'an incident', actions: ['note.append'] }
  const { status, body } = await tenant.as('operator2').put('/kill-switches', stop)
  const atStop = (await inOrder('stopped')).length
  expect([status, body.drain.state]).toEqual([200, 'drained'])
  await voted
  const done = await tenant.ended(asked.id)
  const { committed, blocked, items } = done.effect.result
  expect([done.status, committed, committed + blocked]).toEqual(['executed', atStop, 500])
  expect(atStop).toBeLessThan(500)
  expect(items[499]).toMatchObject({ n: 500, state: 'blocked', code: 'kill_switch.blocked' })
  expect(await inOrder('stopped')).toHaveLength(atStop)
  expect(await spent(done.id)).toEqual({ state: 'settled', amount: `${atStop / 2}`.replace(/\.0$/, '') })
  await tenant.policy({ kill_switches: [RUNNING('tenant')] })
})

const undo = async (id: string) =>
  await tenant.as('agent').post<Operation>(`/operations/${id}/undo`, { reason: 'a mistake' })

test('its undo takes back what was committed; one that was stopped on its way leaves the rest to another', async () => {
  const stopped = await undo(first.id)
  expect(stopped.status).toBe(202)
  const voted = vote(tenant.as('operator'), stopped.body)
  await until('some are taken back', async () => (await inOrder('all')).length < 500)
  const stop = { scope: 'tenant', state: 'stopped', reason: 'an incident', actions: ['note.remove'] }
  await tenant.as('operator2').put('/kill-switches', stop)
  await voted
  const { effect, status } = await tenant.ended(stopped.body.id)
  const { committed, blocked } = effect.result
  expect([status, committed + blocked, blocked > 0]).toEqual(['executed', 500, true])
  expect(await inOrder('all')).toHaveLength(blocked)
  expect((await tenant.operation(first.id)).undone_by).toBeNull()
  await tenant.policy({ kill_switches: [RUNNING('tenant')] })

  const done = await approved((await undo(first.id)).body)
  expect(done).toMatchObject({ status: 'executed', undo_of: first.id })
  expect(done.effect.result).toMatchObject({ committed: blocked, failed: committed, blocked: 0 })
  expect(await inOrder('all')).toEqual([])
  expect((await tenant.operation(first.id)).undone_by).toBe(done.id)
  expect(refused(await undo(first.id))).toEqual([409, 'operation.not_reversible'])
})

test('the same key and inputs are the same operation, other inputs a conflict', async () => {
  const { body: asked } = await ask(texts(2, 'key'), {}, 'batch-key')
  expect((await ask(texts(2, 'key'), {}, 'batch-key')).body.id).toBe(asked.id)
  expect(refused(await ask(texts(3, 'key'), {}, 'batch-key'))).toEqual([409, 'idempotency.conflict'])
})

describe('no operation', () => {
  test.each([
    ['of none', { inputs: [] }],
    ['of 501', { inputs: texts(501, 'x') }],
    ['of input and inputs', { inputs: texts(2, 'x'), input: { notebook: 'x', text: 'y' } }],
    ['of neither', {}],
    ['with one that is wrong', { inputs: [...texts(2, 'x'), { notebook: '../x', text: 'y' }] }],
    ['larger than an input may be', { inputs: texts(5, 'x').map((each) => ({ ...each, text: 'x'.repeat(16_000) })) }],
    ['of an effect outside', { action: 'object.put', inputs: [{ name: 'a', text: 'b' }] }],
    ['that only looks', { action: 'note.list', inputs: [{ notebook: 'x' }] }],
    ['that costs more than can be written', { inputs: texts(2, 'x'), estimated_cost: '999999999999' }],
  ])('%s', async (_what, body) => {
    const answer = await tenant.as('agent').post('/operations', { action: 'note.append', ...body })
    expect(refused(answer)).toEqual([400, 'validation.error'])
  })
})

test('every bundle verifies offline', async () => {
  const { verdict, failures } = await verifyBundles(tenant.as('auditor'), await endedOf(tenant))
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})
