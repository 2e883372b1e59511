/** Another tenant, from outside: foreign is absent, and nothing that names a tenant can choose one. */
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'
import { expectRefusal, send } from '../support/envelope.ts'
import { ownKey } from '../support/own-key.ts'
import { openTemporal } from '../support/temporal.ts'
import { makeTenant, pending, refused, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'

const { url, credentials, addresses } = inject('deployment')
const all = callers(url, credentials)
const note = (text: string, notebook = 'tenants') => ({ notebook, text })
let tenant: Tenant
let other: Tenant
let temporal: { client: Client; close(): Promise<void> }

beforeAll(async () => {
  temporal = await openTemporal(addresses.temporal)
  tenant = await makeTenant(all, url, 'tenants')
  other = await makeTenant(all, url, 'others')
  for (const each of [tenant, other]) await each.open(UNLIMITED)
})
afterAll(() => temporal.close())
describe('another tenant', () => {
  test('sees what is foreign exactly as what is absent', async () => {
    const asked = await pending(tenant.as('operator'), note('ours', 'foreign'))
    const absent = `op_${'0'.repeat(32)}`
    const body = JSON.stringify({ decision: 'approve', intent_hash: asked.intent_hash, reason: 'x' })
    const reason = JSON.stringify({ reason: 'x' })
    const paths: [string, string, string | null][] = [
      ['GET', '', null],
      ['GET', '/receipt', null],
      ['GET', '/history', null],
      ['GET', '/bundle', null],
      ['GET', '/events', null],
      ['POST', '/decisions', body],
      ['POST', '/cancel', reason],
      ['POST', '/undo', reason],
    ]
    for (const [method, path, text] of paths) {
      const ask = async (id: string) => {
        const answer = await send(url, {
          method,
          path: `/operations/${id}${path}`,
          headers: {
            authorization: `Bearer ${other.as('operator').token}`,
            'x-mode': 'lab',
            'x-project-id': 'p_main',
            'x-request-id': 'the-same',
            ...(text === null ? {} : { 'content-type': 'application/json' }),
          },
          ...(text === null ? {} : { body: text }),
        })
        expectRefusal(answer, 404, 'resource.not_found')
        return [answer.text.replaceAll(id, 'ID'), [...answer.headers.keys()].filter((name) => name !== 'date')]
      }
      expect(await ask(asked.id), `${method} ${path}`).toEqual(await ask(absent))
    }
    expect((await tenant.operation(asked.id)).status).toBe('pending_approval')
  })

  test('cannot be chosen by a header, nor named in a body or query', async () => {
    const headers = { 'x-tenant-id': tenant.id }
    expect(refused(await other.as('operator').get('/operations', { headers }))).toEqual([403, 'auth.tenant_mismatch'])
    const inBody = await other.as('operator').post('/operations', {
      action: 'note.append',
      input: note('x'),
      tenant_id: tenant.id,
      project_id: 'p_other',
    })
    expect(refused(inBody)).toEqual([403, 'auth.identity_override'])
    expect(inBody.body.error.details.mismatches).toEqual([
      { field: 'tenant_id', given: tenant.id },
      { field: 'project_id', given: 'p_other' },
    ])
    const inQuery = await other.as('operator').get(`/operations?tenant_id=${tenant.id}`)
    expect(refused(inQuery)).toEqual([403, 'auth.identity_override'])
    expect((await other.as('operator').get(`/operations?tenant_id=${other.id}`)).status).toBe(200)
  })

  test('cannot vote with a signature of its own operator', async () => {
    const asked = await pending(tenant.as('operator'), note('not yours', 'foreign'))
    const key = await ownKey(other, 'operator2', 'operator')
    const jws = await key.sign(tenant, asked)
    const carried = await vote(
      tenant.as('operator'),
      await pending(tenant.as('agent'), note('carrier', 'foreign')),
      'approve',
      { vote: jws },
    )
    expect(carried.body.error?.code ?? carried.body.operation.status).toMatch(
      /^(approval\.vote_invalid|pending_approval)$/,
    )
    await temporal.client.workflow.getHandle(`${tenant.id}/${asked.id}`).signal('decide', jws)
    const leaves = await tenant.leavesUpTo(asked.id, 'vote.refused')
    expect(leaves.find((leaf) => leaf.kind === 'vote.refused')?.reason).toMatch(/^(kid|entitlement)$/)
    expect((await tenant.operation(asked.id)).approval.votes).toEqual([])
  })
})
