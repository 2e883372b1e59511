/** Whoever issued a grant has no vote on what it arms, whoever writes the document anew and whenever the grant came. */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { callers } from '../support/client.ts'
import {
  endedOf,
  makeTenant,
  notesIn,
  pending,
  propose,
  refused,
  standingFor,
  type Tenant,
  vote,
} from '../support/tenant.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials } = inject('deployment')
let tenant: Tenant

const note = (text: string) => ({ notebook: 'issuers', text })

/** A change of the document that somebody else than usual asks for. */
async function policyBy(who: 'admin', sections: JsonObject): Promise<void> {
  const { version } = (await tenant.as(who).get('/policy')).body
  const asked = await tenant.as(who).put('/policy', { base_version: version, reason: 'anew', policy: sections })
  expect((await vote(tenant.as('operator'), asked.body)).body.operation.status).toBe('executed')
}

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'issuers')
  await tenant.open()
})

describe('whoever issued a grant', () => {
  test('has no vote on what a standing one leaves to people; somebody else has', async () => {
    await tenant.policy(standingFor(tenant, 1))
    expect((await propose(tenant.as('agent'), note('within its count'))).body.status).toBe('executed')
    const asked = await pending(tenant.as('agent'), note('beyond its count'))
    expect(refused(await vote(tenant.as('owner'), asked))).toEqual([403, 'approval.self'])
    expect(refused(await vote(tenant.as('owner'), asked, 'deny'))).toEqual([403, 'approval.self'])
    expect((await tenant.operation(asked.id)).approval.votes).toEqual([])
    expect((await vote(tenant.as('admin'), asked)).body.operation.status).toBe('executed')
  })

  test('stays its issuer when another person writes the document anew around it', async () => {
    const { policy } = (await tenant.as('admin').get('/policy')).body
    await policyBy('admin', { grants: policy.grants, rate_limits: policy.rate_limits })
    const asked = await pending(tenant.as('agent'), note('written anew'))
    expect(refused(await vote(tenant.as('owner'), asked))).toEqual([403, 'approval.self'])
    expect((await vote(tenant.as('admin'), asked)).body.operation.status).toBe('executed')
  })

  test('hands that on to whoever changes the grant', async () => {
    const { policy } = (await tenant.as('admin').get('/policy')).body
    const grants = policy.grants.map((grant: JsonObject) => ({ ...grant, standing: { max_count: 2, max_amount: '1' } }))
    await policyBy('admin', { grants })
    expect((await propose(tenant.as('agent'), note('within the new count'))).body.status).toBe('executed')
    const asked = await pending(tenant.as('agent'), note('beyond the new count'))
    expect(refused(await vote(tenant.as('admin'), asked))).toEqual([403, 'approval.self'])
    expect((await vote(tenant.as('owner'), asked)).body.operation.status).toBe('executed')
  })

  test('has no vote on what a plain licence arms', async () => {
    const [grant] = standingFor(tenant).grants as JsonObject[]
    await tenant.policy({
      license_types: [{ id: 'lt_notes', name: 'Notes' }],
      firearms: [{ action: 'note.append', license_types: ['lt_notes'] }],
      grants: [{ ...grant, standing: null }],
    })
    const asked = await pending(tenant.as('agent'), note('licensed'))
    expect(refused(await vote(tenant.as('owner'), asked))).toEqual([403, 'approval.self'])
    expect((await vote(tenant.as('admin'), asked)).body.operation.status).toBe('executed')
  })

  test('loses the vote that came before the grant, and without it nothing happens', async () => {
    await tenant.policy({ firearms: [], grants: [] })
    const asked = await pending(tenant.as('agent'), note('armed while people decide'), { approval: { quorum: 2 } })
    expect((await vote(tenant.as('admin'), asked)).status).toBe(200)
    await policyBy('admin', { grants: standingFor(tenant, 1).grants ?? [] })
    const last = await vote(tenant.as('operator2'), asked)
    expect(last.body.operation).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed', details: { changed: 'votes' } },
    })
    expect(await notesIn(tenant.as('viewer'), 'issuers')).not.toContain('armed while people decide')
  })
})

test('every bundle these operations left verifies offline', async () => {
  const ended = await endedOf(tenant)
  const { verdict, runs, failures } = await verifyBundles(tenant.as('auditor'), ended)
  expect(failures).toEqual([])
  expect([verdict, runs]).toEqual(['PASS', ended.length])
})
