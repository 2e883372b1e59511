/** What is revoked between the approval and the effect: the effect of what was asked before does not happen. */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { Caller, callers } from '../support/client.ts'
import { claimsOf, ISSUER, signToken } from '../support/issuer.ts'
import {
  makeTenant,
  notesIn,
  type Operation,
  pending,
  refused,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, home, credentials } = inject('deployment')
const all = callers(url, credentials)
let tenant: Tenant
let count = 0
/** The operations that were not carried out. */
const stopped: string[] = []

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'revoked', { issuer: ISSUER })
  await tenant.open(UNLIMITED)
})

const executed = async (asked: { status: number; body: Operation }): Promise<Operation> => {
  if (asked.status !== 202) throw new Error(`${asked.status} ${JSON.stringify(asked.body)}`)
  return (await vote(tenant.as('operator'), asked.body)).body.operation
}
const remove = async (path: string) =>
  expect((await tenant.as('owner').call('DELETE', path, { reason: 'lost' })).status).toBe(200)

/** A new owner with a key and a token: two ways to ask, and three to be stopped. */
async function newcomer() {
  const sub = `${tenant.id}:newcomer-${count++}`
  const made = await executed(
    await tenant.as('owner').post('/principals', { kind: 'user', name: sub, oidc: { issuer: ISSUER, sub } }),
  )
  const { id } = made.effect.result
  await executed(await tenant.as('owner').put('/memberships', { principal_id: id, role: 'owner' }))
  const body = { principal_id: id, expires_at: new Date(Date.now() + 3_600_000).toISOString() }
  await executed(await tenant.as('owner').post('/api-keys', body, { key: sub }))
  const { body: key } = await tenant.as('owner').post('/api-keys', body, { key: sub })
  return {
    id,
    keyId: String(key.id),
    byKey: new Caller(url, key.api_key),
    byToken: new Caller(url, signToken(home, claimsOf(sub))),
  }
}
type Newcomer = Awaited<ReturnType<typeof newcomer>>

const REVOKED: [string, (who: Newcomer) => string, 'byKey' | 'byToken'][] = [
  ['the key it was asked with', ({ keyId }) => `/api-keys/${keyId}`, 'byKey'],
  ['the membership', ({ id }) => `/memberships/${id}`, 'byKey'],
  ['the principal', ({ id }) => `/principals/${id}`, 'byToken'],
]

describe.each(REVOKED)('%s, revoked between the first of two votes and the last', (_what, path, by) => {
  test('stops a note that was asked for before', async () => {
    const who = await newcomer()
    const asked = await pending(who[by], { notebook: 'revoked', text: who.id }, { approval: { quorum: 2 } })
    await vote(tenant.as('operator'), asked)
    await remove(path(who))
    expect((await who[by].get('/operations')).status).toBeGreaterThanOrEqual(401)
    await vote(tenant.as('operator2'), asked)
    const ended = await tenant.ended(asked.id)
    expect([ended.status, ended.error.code, ended.effect]).toEqual(['blocked', 'auth.principal_revoked', null])
    stopped.push(ended.id)
    expect(await notesIn(tenant.as('viewer'), 'revoked')).not.toContain(who.id)
  })

  test('stops a change of controls, over which no gate decides', async () => {
    const who = await newcomer()
    const { version } = (await who[by].get('/policy')).body
    const asked = await who[by].put('/policy', {
      base_version: version,
      reason: 'x',
      policy: { license_types: [{ id: `lt_${who.keyId}`, name: 'Taken back' }] },
    })
    expect(asked.status).toBe(202)
    await remove(path(who))
    const voted = await vote(tenant.as('operator'), asked.body)
    expect(voted.body.operation).toMatchObject({ status: 'failed', error: { code: 'effect.precondition_failed' } })
    stopped.push(asked.body.id)
    expect((await tenant.as('viewer').get('/policy')).body.version).toBe(version)
  })
})

describe('what was asked', () => {
  test('with another key of the same principal goes on, and so does what a key asked that was only replaced', async () => {
    const who = await newcomer()
    const byToken = await pending(who.byToken, { notebook: 'goes-on', text: 'by token' }, { approval: { quorum: 2 } })
    await vote(tenant.as('operator'), byToken)
    await remove(`/api-keys/${who.keyId}`)
    expect((await vote(tenant.as('operator2'), byToken)).body.operation.status).toBe('executed')

    const other = await newcomer()
    const byKey = await pending(other.byKey, { notebook: 'goes-on', text: 'by key' }, { approval: { quorum: 2 } })
    await vote(tenant.as('operator'), byKey)
    const rotated = await tenant.as('owner').post(`/api-keys/${other.keyId}/rotate`, {
      overlap_seconds: 0,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    await executed(rotated)
    expect(refused(await other.byKey.get('/operations'))).toEqual([401, 'auth.invalid'])
    expect((await vote(tenant.as('operator2'), byKey)).body.operation.status).toBe('executed')
  })

  test('does not say with which key', async () => {
    const asked = await pending(tenant.as('agent'), { notebook: 'revoked', text: 'x' })
    expect(Object.keys(asked.context).sort()).toEqual([
      'app_id',
      'mode',
      'project_id',
      'request_id',
      'surface_id',
      'trace_id',
    ])
  })
})

describe('an open stream', () => {
  test('ends within seconds when its key is revoked, and another goes on', async () => {
    const who = await newcomer()
    const open = async (caller: Caller) => {
      const headers = { authorization: `Bearer ${caller.token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' }
      const response = await fetch(`${url}/events`, { headers })
      expect(response.status).toBe(200)
      const reader = response.body?.getReader()
      let ended = false
      const over = (async () => {
        while ((await reader?.read())?.done === false);
        ended = true
      })()
      return { over, ended: () => ended, hangUp: () => reader?.cancel() }
    }
    const [theirs, ours] = [await open(who.byKey), await open(tenant.as('viewer'))]
    await remove(`/api-keys/${who.keyId}`)
    await theirs.over
    expect([theirs.ended(), ours.ended()]).toEqual([true, false])
    await ours.hangUp()
  })
})

test('all of it is proven offline', async () => {
  expect(stopped).toHaveLength(REVOKED.length * 2)
  const proven = await verifyBundles(tenant.as('operator'), stopped)
  expect(proven).toEqual({ verdict: 'PASS', runs: stopped.length, failures: [] })
})
