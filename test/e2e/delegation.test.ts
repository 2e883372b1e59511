/**
 * What a principal asks in somebody's name, by a token that says so in `act`: it may what all of them may, it proposes and reads
 * and nothing more, none of them has a vote on it, and whatever ends one of them ends it.
 */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { Caller, callers } from '../support/client.ts'
import { claimsOf, ISSUER, OTHER_ISSUER, signToken } from '../support/issuer.ts'
import {
  type MemberName,
  makeTenant,
  notesIn,
  pending,
  propose,
  refused,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, home, credentials } = inject('deployment')
let tenant: Tenant
/** The operations that ended. */
const ended: string[] = []

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'delegated', { issuer: ISSUER })
  await tenant.open({ ...UNLIMITED, ...standingFor(tenant) })
})

const subject = (name: string) => `${tenant.id}:${name}`
/** `act` as an issuer nests it. */
const act = ([actor = '', ...earlier]: readonly string[]): JsonObject =>
  earlier.length === 0 ? { sub: subject(actor) } : { sub: subject(actor), act: act(earlier) }
/** Somebody's token, used by the first of those named, who has it from the next. */
const inNameOf = (name: MemberName, ...actors: MemberName[]) =>
  new Caller(url, signToken(home, claimsOf(subject(name), { act: act(actors) })))
const note = (text: string) => ({ notebook: 'delegated', text })
const remove = async (name: MemberName) =>
  expect(
    (await tenant.as('owner').call('DELETE', `/memberships/${tenant.principal(name)}`, { reason: 'lost' })).status,
  ).toBe(200)

describe('a call in the name of somebody else', () => {
  test('is the actor’s, says for whom, and may what both may of looking and proposing', async () => {
    const { body } = await inNameOf('operator', 'agent').get('/auth/me')
    expect(body).toMatchObject({
      principal: { id: tenant.principal('agent') },
      on_behalf_of: [tenant.principal('operator')],
      tenants: [{ id: tenant.id }],
    })
    const execute = ['contained', 'irreversible', 'observe', 'reversible'].map((each) => `execute:${each}`)
    expect(body.tenants[0].permissions).toEqual([...execute, 'read'])
    const people = await inNameOf('owner', 'operator2').get('/auth/me')
    expect(people.body.tenants[0].permissions).toEqual(['audit:read', ...execute, 'read'])
    const three = await inNameOf('viewer', 'agent', 'operator').get('/auth/me')
    expect(three.body).toMatchObject({
      on_behalf_of: [tenant.principal('operator'), tenant.principal('viewer')],
      tenants: [{ permissions: ['read'] }],
    })
  })

  test('proposes what people then decide, whatever the actor holds, and its leaves say for whom', async () => {
    const asked = await pending(inNameOf('operator', 'agent'), note('in their name'))
    const who = { principal_id: tenant.principal('agent'), on_behalf_of: [tenant.principal('operator')] }
    expect(asked.requested_by).toEqual({ ...who, kind: 'agent' })
    expect(asked.intent).toMatchObject(who)
    expect(refused(await vote(tenant.as('operator'), asked))).toEqual([403, 'approval.self'])
    expect(refused(await vote(tenant.as('operator3'), asked))).toEqual([403, 'approval.self'])
    expect(refused(await vote(tenant.as('agent'), asked))).toEqual([403, 'auth.insufficient_role'])
    expect((await vote(tenant.as('operator2'), asked)).body.operation.status).toBe('executed')
    const leaves = await tenant.leavesUpTo(asked.id, 'operation.closed')
    for (const { kind, actor } of leaves.filter(
      (leaf) => leaf.kind !== 'vote.refused' && leaf.kind !== 'vote.accepted',
    ))
      expect([kind, actor]).toEqual([kind, { ...who, kind: 'agent' }])
    ended.push(asked.id)
  })

  test('may be learned from where everybody in whose name it is says nothing else', async () => {
    const opted = await tenant.as('owner').post('/privacy/train-prefs/tenant', { opt_out: false })
    expect((await vote(tenant.as('operator'), opted.body)).body.operation.status).toBe('executed')
    expect((await tenant.as('operator2').post('/privacy/train-prefs/user', { opt_out: true })).status).toBe(200)
    const learned = async (name: 'operator' | 'operator2') => {
      const asked = await pending(inNameOf(name, 'agent'), note('learned'))
      expect(refused(await vote(tenant.as('operator3'), asked))).toEqual([403, 'approval.self'])
      await tenant.as('agent').post(`/operations/${asked.id}/cancel`, { reason: 'seen' })
      return new Set((await tenant.leavesUpTo(asked.id, 'operation.sealed')).map(({ train_ok }) => train_ok))
    }
    const of = await Promise.all([learned('operator'), learned('operator2')])
    expect(of).toEqual([new Set([true]), new Set([false])])
  })

  test('is refused what either of them lacks', async () => {
    for (const caller of [inNameOf('operator', 'viewer'), inNameOf('viewer', 'agent')]) {
      expect((await caller.get('/operations')).status).toBe(200)
      expect(refused(await propose(caller, note('wider')))).toEqual([403, 'auth.insufficient_role'])
    }
    expect(refused(await inNameOf('member', 'owner').get('/audit'))).toEqual([403, 'auth.insufficient_role'])
  })

  test('neither votes nor changes anything but by a proposal', async () => {
    const asked = await pending(tenant.as('member'), note('to be voted on'))
    for (const caller of [inNameOf('operator2', 'agent'), inNameOf('owner', 'operator2')]) {
      expect(refused(await vote(caller, asked))).toEqual([403, 'auth.insufficient_role'])
      const document = { base_version: 1, reason: 'x', policy: {} }
      const answers = [
        await caller.put('/policy', document),
        await caller.post('/operations', { action: 'policy.put', input: document }),
        await caller.put('/kill-switches', { state: 'stopped', scope: 'tenant', reason: 'x' }),
        await caller.post('/auth/ticket', { stream: '/events' }),
        await caller.post('/api-keys', {}),
        await caller.post(`/operations/${asked.id}/cancel`, { reason: 'x' }),
        await caller.post(`/operations/${asked.id}/resolve`, {
          outcome: 'committed',
          evidence: { seen: 'x' },
          reason: 'x',
        }),
      ]
      for (const answer of answers) expect(refused(answer)).toEqual([403, 'auth.insufficient_role'])
    }
    expect((await tenant.operation(asked.id)).approval.votes).toEqual([])
  })

  test('finds no operation that the actor asked for in another name, and whoever is named may take it back', async () => {
    const first = await propose(inNameOf('member', 'agent'), note('one name'), {}, 'one-key')
    expect(first.status).toBe(202)
    expect((await propose(inNameOf('member', 'agent'), note('one name'), {}, 'one-key')).body.id).toBe(first.body.id)
    for (const other of [inNameOf('operator', 'agent'), tenant.as('agent')])
      expect(refused(await propose(other, note('one name'), {}, 'one-key'))).toEqual([409, 'idempotency.conflict'])
    const taken = await tenant.as('member').post(`/operations/${first.body.id}/cancel`, { reason: 'not in my name' })
    expect(taken.body.status).toBe('cancelled')
    ended.push(first.body.id)
  })
})

test('a licence of one of them does not do for the other, and who issued either has no vote', async () => {
  const [grant] = standingFor(tenant).grants as JsonObject[]
  const bound = { firearms: [{ action: 'note.append', license_types: ['lt_notes'] }] }
  await tenant.policy(bound)
  const lacking = await propose(inNameOf('member', 'agent'), note('licensed by half'))
  expect(refused(lacking)).toEqual([403, 'firearms.license_required'])
  expect(lacking.body.error.details.principal_id).toBe(tenant.principal('member'))
  await tenant.policy({ grants: [grant ?? {}, { ...grant, principal_id: tenant.principal('member'), standing: null }] })
  const asked = await pending(inNameOf('member', 'agent'), note('licensed'))
  expect(refused(await vote(tenant.as('owner'), asked))).toEqual([403, 'approval.self'])
  expect((await vote(tenant.as('admin'), asked)).body.operation.status).toBe('executed')
  ended.push(asked.id, lacking.body.error.details.operation_id)
  await tenant.policy({ firearms: [] })
})

test.each<[string, () => Record<string, unknown>, [number, string]]>([
  ['who acts is nobody here', () => ({ act: { sub: subject('nobody') } }), [401, 'auth.invalid']],
  [
    'an earlier actor is nobody here',
    () => ({ act: { ...act(['agent']), act: { sub: 'nobody' } } }),
    [401, 'auth.invalid'],
  ],
  ['who acts is another issuer’s', () => ({ act: { ...act(['agent']), iss: OTHER_ISSUER } }), [401, 'auth.invalid']],
  ['somebody acts for themselves', () => ({ act: act(['owner']) }), [401, 'auth.invalid']],
  ['it is bound to a proof besides', () => ({ act: act(['agent']), cnf: { jkt: 'x' } }), [401, 'auth.invalid']],
])('a token is refused where %s', async (_what, change, expected) => {
  const token = signToken(home, claimsOf(subject('owner'), change()))
  expect(refused(await new Caller(url, token).get('/operations'))).toEqual(expected)
})

test('a principal that is no member of the tenant neither acts there nor is acted for', async () => {
  const oidc = { issuer: ISSUER, sub: subject('outsider') }
  const made = await tenant.as('owner').post('/principals', { kind: 'user', name: 'An outsider', oidc })
  expect((await vote(tenant.as('operator'), made.body)).body.operation.status).toBe('executed')
  const headers = { 'x-tenant-id': tenant.id }
  for (const claims of [
    claimsOf(subject('outsider'), { act: act(['agent']) }),
    claimsOf(subject('owner'), { act: act(['outsider']) }),
  ])
    for (const path of ['/operations', '/auth/me'])
      expect(refused(await new Caller(url, signToken(home, claims)).get(path, { headers }))).toEqual([
        403,
        'auth.tenant_mismatch',
      ])
})

/** An open stream of events; `over` resolves when the API has ended it. */
async function streamOf(caller: Caller): Promise<{ over: Promise<void> }> {
  const headers = { authorization: `Bearer ${caller.token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' }
  const response = await fetch(`${url}/events`, { headers })
  expect(response.status).toBe(200)
  const reader = response.body?.getReader()
  const drained = async () => {
    while ((await reader?.read())?.done === false);
  }
  return { over: drained() }
}

test('who is revoked ends what is asked with them and for them, at the next request and at the effect', async () => {
  const stream = await streamOf(inNameOf('member', 'agent'))
  const calls: [Caller, MemberName][] = [
    [inNameOf('operator', 'agent', 'service'), 'service'],
    [inNameOf('member', 'agent'), 'member'],
    [inNameOf('operator', 'agent'), 'agent'],
  ]
  for (const [caller, gone] of calls) {
    const asked = await pending(caller, note(`with ${gone}`), { approval: { quorum: 2 } })
    expect((await vote(tenant.as('operator2'), asked)).status).toBe(200)
    await remove(gone)
    expect(refused(await caller.get('/operations'))).toEqual([403, 'auth.principal_revoked'])
    await vote(tenant.as('admin'), asked)
    const after = await tenant.ended(asked.id)
    expect(after).toMatchObject({ status: 'blocked', effect: null, error: { code: 'auth.principal_revoked' } })
    expect(after.error.details.principal_id).toBe(tenant.principal(gone))
    ended.push(asked.id)
  }
  await stream.over
  expect(await notesIn(tenant.as('viewer'), 'delegated')).toEqual(['licensed', 'in their name'])
})

test('all of it is proven offline', async () => {
  const proven = await verifyBundles(tenant.as('auditor'), ended)
  expect(proven).toEqual({ verdict: 'PASS', runs: 7, failures: [] })
})
