/**
 * Operators' own keys: registered by another's vote, then demanded of every vote, revoked by one person at once, and of
 * use in the tenant that registered them.
 */
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { Caller, callers } from '../support/client.ts'
import { claimsOf, ISSUER, signToken } from '../support/issuer.ts'
import { enrolled, newPublicJwk } from '../support/own-key.ts'
import { openTemporal } from '../support/temporal.ts'
import { makeTenant, pending, type Tenant, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, home, credentials, addresses } = inject('deployment')
let tenant: Tenant
let kid: string

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'keys')
  await tenant.open()
})

describe("an operator's own key", () => {
  it('is registered once another person voted', async () => {
    const asked = await tenant.as('operator').post('/operator-keys', { public_jwk: newPublicJwk() })
    expect(asked.status).toBe(202)
    const voted = await vote(tenant.as('operator2'), asked.body)
    kid = voted.body.operation.effect.result.kid
    expect(voted.body.operation.status).toBe('executed')
  })

  it.each([
    ['a key of small order', `AQ${'A'.repeat(41)}`],
    ['no point of the curve', Buffer.alloc(32, 2).toString('base64url')],
    ['another spelling of a key', `${'A'.repeat(42)}B`],
  ])('is none where it is %s', async (_what, x) => {
    const refusal = await tenant
      .as('operator')
      .post('/operator-keys', { public_jwk: { kty: 'OKP', crv: 'Ed25519', x } })
    expect([refusal.status, refusal.body.error?.code]).toEqual([400, 'validation.error'])
  })

  it('is demanded of votes from then on', async () => {
    const operation = await pending(tenant.as('member'), { notebook: 'keys', text: 'sign this' })
    const attested = await vote(tenant.as('operator'), operation)
    expect([attested.status, attested.body.error.code]).toEqual([403, 'approval.signature_required'])
  })

  it('is not revoked by a stranger to it, and by its owner at once', async () => {
    const remove = (who: 'operator' | 'operator2') =>
      tenant.as(who).call('DELETE', `/operator-keys/${kid}`, { reason: 'lost it' })
    expect((await remove('operator2')).status).toBe(404)
    expect((await remove('operator')).status).toBe(200)
    const operation = await pending(tenant.as('member'), { notebook: 'keys', text: 'attested again' })
    expect((await vote(tenant.as('operator'), operation)).body.operation.status).toBe('executed')
  })
})

describe('a key that another tenant registered', () => {
  it('is not demanded of votes here', async () => {
    const all = callers(url, credentials)
    const theirs = await makeTenant(all, url, 'home', { issuer: ISSUER })
    const key = await enrolled(theirs.as('operator'), theirs.as('operator2'))
    const host = await makeTenant(all, url, 'host', { guests: [theirs.principal('operator')] })
    await host.open()
    const operation = await pending(host.as('agent'), { notebook: 'keys', text: 'by a guest' })
    const guest = new Caller(url, signToken(home, claimsOf(`${theirs.id}:operator`)))
    const body = { decision: 'approve', intent_hash: operation.intent_hash, reason: 'looked at it' }
    const voted = await guest.post(`/operations/${operation.id}/decisions`, body, {
      headers: { 'x-tenant-id': host.id },
    })
    expect(voted.body).toMatchObject({ operation: { status: 'executed' } })
    await theirs.as('operator').call('DELETE', `/operator-keys/${key.kid}`, { reason: 'the test is over' })
  })

  // Sealing looks for enrolments in the operation's own tenant, so a vote signed with such a key must never be one.
  it('signs no vote here, neither a neighbour’s nor a platform operator’s who is a member of both', async () => {
    const all = callers(url, credentials)
    const neighbour = await makeTenant(all, url, 'neighbour')
    const keys = {
      [neighbour.principal('operator')]: await enrolled(neighbour.as('operator'), neighbour.as('operator2')),
      [(await all.platform.get('/auth/me')).body.principal.id]: await enrolled(all.platform, all.platform2),
    }
    const temporal = await openTemporal(addresses.temporal)
    try {
      const host = await makeTenant(all, url, 'host', { guests: Object.keys(keys) })
      await host.open()
      const operation = await pending(host.as('agent'), { notebook: 'keys', text: 'from elsewhere' })
      const run = temporal.client.workflow.getHandle(`${host.id}/${operation.id}`)
      for (const key of Object.values(keys)) await run.signal('decide', await key.sign(host, operation))
      const refused = await until('both votes are refused', async () => {
        const leaves = (await host.leaves(operation.id)).filter(({ kind }) => kind === 'vote.refused')
        return leaves.length === 2 ? leaves : null
      })
      expect(refused.map(({ code, reason }) => [code, reason])).toEqual([
        ['approval.vote_invalid', 'kid'],
        ['approval.vote_invalid', 'kid'],
      ])
      expect(await host.operation(operation.id)).toMatchObject({ status: 'pending_approval', approval: { votes: [] } })
      expect((await vote(host.as('operator'), operation)).body.operation.status).toBe('executed')
      expect(await verifyBundles(host.as('auditor'), [operation.id])).toEqual({
        verdict: 'PASS',
        runs: 1,
        failures: [],
      })
    } finally {
      await temporal.close()
      for (const { kid } of Object.values(keys))
        await all.platform.call('DELETE', `/operator-keys/${kid}`, { reason: 'the test is over' })
    }
  })
})
