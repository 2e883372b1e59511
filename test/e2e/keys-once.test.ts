/** The keys of a new tenant's members are handed out once, to whoever asked for the tenant. */
import { randomBytes } from 'node:crypto'
import { describe, expect, inject, it } from 'vitest'
import { approve, callers } from '../support/client.ts'

const { url, credentials } = inject('deployment')
const all = callers(url, credentials)

describe('the keys of a new tenant', () => {
  it('are in one of eight repeats made at once, and in no later one', async () => {
    const body = {
      id: `t_once_${randomBytes(4).toString('hex')}`,
      name: 'Once',
      members: [{ name: 'owner', kind: 'user', role: 'owner' }],
    }
    const asked = await all.platform.post('/tenants', body, { key: body.id })
    await approve(all.platform2, asked.body)
    const repeat = async () => (await all.platform.post('/tenants', body, { key: body.id })).body.members[0].api_key
    const keys = await Promise.all(Array.from({ length: 8 }, repeat))
    expect(keys.filter((key) => key !== undefined)).toHaveLength(1)
    expect(await repeat()).toBeUndefined()
  })
})
