/** Many at once never spend more than there is: not the threshold of a window, not the cap of a day, not by a millionth. */
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
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
  })
})

/** How 64 operations that race under this policy end. */
async function race(budget: JsonObject[], estimated_cost: string, code: string) {
  await tenant.policy({ budget })
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, n) =>
      propose(tenant.as('agent'), { notebook: 'race', text: `${n}` }, { estimated_cost }),
    ),
  )
  const executed = answers.filter((answer) => answer.status === 201)
  const blocked = answers.filter((answer) => answer.body.error?.code === code)
  return [executed.length, blocked.length]
}
const spent = async () => (await tenant.as('viewer').get('/budget/usage/summary')).body

describe('of 64 operations that race', () => {
  it('exactly five of 10.000001 fit under a threshold of 50.000005', async () => {
    const threshold = [{ scope: {}, threshold: '50.000005' }]
    expect(await race(threshold, '10.000001', 'budget.threshold_exceeded')).toEqual([5, 59])
    expect(await spent()).toEqual({ currency: 'USD', window_days: 7, settled: '50.000005', reserved: '0' })
  })

  it('exactly as many fit under a daily cap as the day has left, posted usage included', async () => {
    const posted = await tenant.as('service').post('/budget/usage', { cost: '9.999995', action: 'note.append' })
    expect(posted.status).toBe(201)
    const cap = [
      { scope: {}, threshold: '1000' },
      { scope: { action: 'note.append' }, daily_cap: '75.5' },
    ]
    // 60 are gone; of the 15.5 that are left each takes 5.
    expect(await race(cap, '5', 'budget.daily_cap_exceeded')).toEqual([3, 61])
    expect(await spent()).toMatchObject({ settled: '75', reserved: '0' })
  })
})
