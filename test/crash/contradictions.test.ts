/** What deaths and chaos ask of the rows would be noticed: each contradiction is made by hand, told, and taken back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findContradictions } from '../support/contradictions.ts'
import { Database } from '../support/database.ts'
import { notRequired } from '../support/opening.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import { makeTenant, noteOf, type Operation, standingFor, type Tenant, UNLIMITED } from '../support/tenant.ts'
import { until } from '../support/until.ts'

let own: OwnDeployment
let owner: Database
let tenant: Tenant
let id: string

beforeAll(async () => {
  own = await startOwnDeployment('contra')
  owner = new Database(own.deployment.stack.addresses.postgres.ownerUrl)
  tenant = await makeTenant(own.all, own.deployment.url, 'contra')
  await tenant.open({ ...UNLIMITED, ...standingFor(tenant), not_required: notRequired('reversible') })
  const note = { ...noteOf('contra', 'one'), estimated_cost: '1' }
  const { body } = await tenant.as('agent').post<Operation>('/operations', note)
  expect(body.status).toBe('executed')
  id = body.id
  const placed = 'select from audit_leaves where tenant_id = $1 and seq is null'
  await until('leaves have their places', async () => (await owner.within(tenant.id, placed, [tenant.id])).length === 0)
})
afterAll(async () => {
  await owner?.end()
  await own?.stop()
})

const TABLES = ['operations', 'receipts', 'claims', 'audit_leaves', 'audit_heads', 'budget_entries', 'license_grants']

/** What is found once a statement was carried out, past all that the database itself would refuse. */
async function foundAfter(statement: string | null): Promise<string[]> {
  return await owner.transaction(async (client) => {
    await client.query(`select set_config('app.tenant', $1, true)`, [tenant.id])
    for (const table of TABLES) await client.query(`alter table ${table} disable trigger user`)
    if (statement !== null) await client.query(statement.replaceAll('$1', client.escapeLiteral(id)))
    const within: Database['within'] = async (_tenant, text, values) => (await client.query(text, values)).rows
    return await findContradictions({ within }, tenant.id)
  }, 'rollback')
}

test('rows that agree are told nothing of', async () => {
  expect(await foundAfter(null)).toEqual([])
})

test.each([
  ['operations that did not end', 'update operations set ended_at = null where id = $1'],
  ['ends without a receipt', 'delete from receipts where operation_id = $1'],
  ['claims without an outcome', `update claims set state = 'dispatched' where operation_id = $1`],
  ['claims that say otherwise', `update claims set state = 'failed' where operation_id = $1`],
  ['effects without an intent', `delete from audit_leaves where operation_id = $1 and kind = 'effect.intent'`],
  ['money still reserved', `update budget_entries set state = 'reserved' where operation_id = $1`],
  ['money settled for what was not done', `update operations set status = 'failed' where id = $1`],
  ['money not settled', 'delete from budget_entries where operation_id = $1'],
  ['money not held', `update operations set status = 'unknown' where id = $1`],
  ['grants that count', `update license_grants set used_count = used_count + 1 where standing is not null`],
  ['grants that count', `update license_grants set used_amount = used_amount - 1 where used_amount > 0`],
  [
    'operations with two ends',
    `insert into audit_leaves (tenant_id, kind, operation_id, entry) select tenant_id, 'operation.expired', operation_id, entry
       from audit_leaves where operation_id = $1 and kind = 'operation.closed'`,
  ],
  [
    'assets registered twice',
    `update operations set status = 'executed', intent = jsonb_set(jsonb_set(intent, '{action}', '"raw.register"'),
       '{input}', '{"asset_id": "ra_1"}')`,
  ],
  ['leaves without a place', 'update audit_leaves set seq = null where operation_id = $1'],
  ['gaps in the log', 'update audit_heads set size = size + 1'],
])('told: %s (%s)', async (what, statement) => {
  expect(await foundAfter(statement)).toContainEqual(expect.stringMatching(`^${what}`))
})
