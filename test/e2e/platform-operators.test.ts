/** Operators of the platform: made by another one's vote, known by an issuer if they wish, and never fewer than two. */
import { describe, expect, inject, test } from 'vitest'
import { Caller, callers } from '../support/client.ts'
import { claimsOf, ISSUER, signToken } from '../support/issuer.ts'
import { makeTenant, refused, vote } from '../support/tenant.ts'

const { url, home, credentials } = inject('deployment')
const all = callers(url, credentials)
const remove = async (id: string) => refused(await all.platform.call('DELETE', `/principals/${id}`, { reason: 'left' }))

describe('an operator of the platform', () => {
  test('comes by the vote of the other, with a token of an issuer, and goes at once', async () => {
    const oidc = { issuer: ISSUER, sub: `platform-${Date.now()}` }
    const body = { kind: 'user', name: 'Grace', oidc }
    const asked = await all.platform.post('/principals', body)
    expect(asked.status).toBe(202)
    const grace = new Caller(url, signToken(home, claimsOf(oidc.sub)), true)
    expect(refused(await grace.get('/auth/me'))).toEqual([401, 'auth.invalid'])
    expect(refused(await vote(all.platform, asked.body))).toEqual([403, 'approval.self'])
    const shown = await all.platform2.get(`/operations/${asked.body.id}`)
    expect(shown.body.preview.title).toBe('Make Grace an operator of the platform')
    const made = (await vote(all.platform2, shown.body)).body.operation
    expect(made).toMatchObject({ status: 'executed', effect: { result: { platform_role: 'platform_operator', oidc } } })
    const { id } = made.effect.result

    expect((await grace.get('/auth/me')).body).toMatchObject({ principal: { id }, platform_role: 'platform_operator' })
    const listed = (await all.platform.get('/principals')).body.items
    expect(listed.map((row: { id: string }) => row.id)).toContain(id)
    const members = [{ name: 'owner', kind: 'user', role: 'owner' }]
    const tenant = await all.platform.post('/tenants', { id: `t_by_grace_${Date.now()}`, name: 'G', members })
    expect((await vote(grace, tenant.body)).body.operation.status).toBe('executed')

    expect(await remove(id)).toEqual([200, undefined])
    expect(refused(await grace.get('/operations'))).toEqual([403, 'auth.principal_revoked'])
  })

  test('is a user and a new person, and is made by nobody of a tenant', async () => {
    const ask = async (body: object) => {
      const answer = await all.platform.post('/principals', { name: 'X', ...body })
      return [...refused(answer), answer.body.error?.details.errors?.[0]?.path]
    }
    expect(await ask({ kind: 'agent' })).toEqual([400, 'validation.error', '/input/kind'])
    expect(await ask({ kind: 'user', person_id: 'u_demo_owner' })).toEqual([
      400,
      'validation.error',
      '/input/person_id',
    ])
    const tenant = await makeTenant(all, url, 'noplatform')
    const asked = await tenant.as('owner').post('/principals', { kind: 'user', name: 'Y' })
    const made = (await vote(tenant.as('operator'), asked.body)).body.operation
    expect(made.effect.result).not.toHaveProperty('platform_role')
    expect(await remove(made.effect.result.id)).toEqual([404, 'resource.not_found'])
  })

  test('stays when only one other would be left, since it takes one to ask and one to vote', async () => {
    for (const caller of [all.platform, all.platform2]) {
      const { id } = (await caller.get('/auth/me')).body.principal
      expect(await remove(id)).toEqual([409, 'resource.required'])
    }
  })
})
