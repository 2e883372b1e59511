/** Operators' own keys: registered by another's vote, then demanded of every vote, revoked by one person at once. */
import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { callers } from '../support/client.ts'
import { makeTenant, pending, type Tenant, vote } from '../support/tenant.ts'

const { url, credentials } = inject('deployment')
let tenant: Tenant
let kid: string

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'keys')
  await tenant.open()
})

describe("an operator's own key", () => {
  it('is registered once another person voted', async () => {
    const { kty, crv, x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
    const asked = await tenant.as('operator').post('/operator-keys', { public_jwk: { kty, crv, x } })
    expect(asked.status).toBe(202)
    const voted = await vote(tenant.as('operator2'), asked.body)
    kid = voted.body.operation.effect.result.kid
    expect(voted.body.operation.status).toBe('executed')
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
