/** Many at once never spend more than there is. */
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { callers } from '../support/client.ts'
import { notRequired, RUNNING } from '../support/opening.ts'
import { makeTenant, propose, standingFor, type Tenant, UNLIMITED } from '../support/tenant.ts'

const { url, credentials } = inject('deployment')
const all = callers(url, credentials)
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'budget')
  await tenant.policy({
    ...UNLIMITED,
    ...standingFor(tenant),
    kill_switches: [RUNNING('tenant')],
    not_required: notRequired('reversible').filter((row) => row.gate !== 'budget'),
    budget: [{ scope: {}, threshold: '50' }],
  })
})

describe('a budget of 50', () => {
  it('lets exactly five of forty racing operations of 10 execute', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        propose(tenant.as('agent'), { notebook: 'race', text: `${n}` }, { estimated_cost: '10' }),
      ),
    )
    const executed = answers.filter((answer) => answer.status === 201)
    const blocked = answers.filter((answer) => answer.body.error?.code === 'budget.threshold_exceeded')
    expect([executed.length, blocked.length]).toEqual([5, 35])
  })
})
