/** What was put off while the database's clock ran ahead is done once it is right again, and not when that time has come. */
import { ScheduleOverlapPolicy } from '@temporalio/client'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { makeTenant, type Tenant, UNLIMITED } from '../support/tenant.ts'
import { moveChange, openTemporal } from '../support/temporal.ts'
import { until } from '../support/until.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'wrongclock')
  await tenant.open(UNLIMITED)
})
afterAll(async () => await owner.end())

const note = { action: 'note.append', input: { notebook: 'clock', text: 'late' } }

test('an end is sealed', async () => {
  const { body } = await tenant.as('operator').post('/operations', { ...note, run: 'propose' })
  const ahead = await owner.within<{ id: string }>(
    tenant.id,
    `update outbox set due_at = due_at + interval '2 minutes' where operation_id = $1 and kind = 'seal' returning id`,
    [body.id],
  )
  expect(ahead).toHaveLength(1)
  await until(
    'it is sealed',
    async () => (await tenant.as('auditor').get(`/operations/${body.id}/bundle`)).status === 200,
  )
})

test('a run that is gone is looked at', async () => {
  const { body } = await tenant.as('member').post('/operations', note)
  expect(body.status).toBe('pending_approval')
  const temporal = await openTemporal(addresses.temporal)
  await temporal.client.workflow.getHandle(`${tenant.id}/${body.id}`).terminate('a test')
  await moveChange(owner, tenant.id, body.id, '2 minutes')
  await until('it has ended', async () => {
    await temporal.client.schedule.getHandle('exo-reconcile').trigger(ScheduleOverlapPolicy.ALLOW_ALL)
    return (await tenant.as('member').get(`/operations/${body.id}`)).body.status === 'failed'
  })
  await temporal.close()
})
