/** One tenant's or one row's fault keeps no others waiting; many faults in a row are the backend's, and end the turn. */
import { expect, test } from 'vitest'
import { type KeeperTools, startKeepers } from '../../bin/keepers.ts'
import { until } from '../support/until.ts'

interface Faults {
  tenants?: readonly string[]
  rows?: readonly string[]
}

/** Runs the keepers over three tenants and four rows, of which some fail, until every loop has had a turn. */
async function turn({ tenants = [], rows = [] }: Faults) {
  const did: string[] = []
  const fail = (which: readonly string[], name: string) => {
    if (which.includes(name)) throw new Error(`${name} fails`)
    did.push(name)
  }
  const signal = (operation_id: string) => ({
    id: operation_id,
    tenant_id: 't',
    operation_id,
    kind: 'signal',
    payload: { jws: 'x' },
  })
  let given = false
  const tools = {
    leadership: { held: async () => true, release: async () => undefined },
    sequencer: {
      waiting: async () => ['t_a', 't_b', 't_c'],
      index: async (tenant: string) => fail(tenants, tenant),
      selfCheck: async () => true,
      beat: async () => void did.push('beat'),
      unmirrored: async () => [],
    },
    outbox: {
      take: async () => (given ? [] : ['op_1', 'op_2', 'op_3', 'op_4', 'op_5'].map(signal)),
      done: async ([id]: string[]) => void did.push(`${id} told`),
      takeSeals: async () => [],
      unstarted: async () => {
        given = true
        return []
      },
    },
    temporal: { signalDecide: async ({ operation_id }: { operation_id: string }) => fail(rows, operation_id) },
    reviews: false,
    log: { error: (_details: object, message: string) => void did.push(message) },
  } as unknown as KeeperTools
  const keepers = startKeepers(tools)
  await until('both loops had a turn', async () => given && did.includes('beat'))
  await keepers.stop()
  return new Set(did)
}

test('a tenant whose leaves cannot be given places keeps neither the others waiting nor the beat', async () => {
  const did = await turn({ tenants: ['t_a'] })
  for (const done of ['t_b', 't_c', 'beat', 'the sequencer met an error']) expect(did).toContain(done)
})

test('a row that cannot be told keeps none after it waiting', async () => {
  const did = await turn({ rows: ['op_1', 'op_3'] })
  for (const done of ['op_2 told', 'op_4 told', 'op_5 told', 'the outbox met an error']) expect(did).toContain(done)
  for (const row of ['op_1', 'op_3']) expect(did).not.toContain(`${row} told`)
})

test('where three fail, the rest of the turn is left', async () => {
  const did = await turn({ rows: ['op_1', 'op_2', 'op_3'] })
  expect(did).toContain('the outbox met an error')
  expect(did).not.toContain('op_4 told')
})
