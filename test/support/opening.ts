/** Opens a fresh deployment for work, the way people do: by policies that another person votes on. */
import { approve, approveAll, type callers } from './client.ts'
import type { JsonObject } from '../../domain/canonical.ts'

type Callers = ReturnType<typeof callers>

export const RUNNING = (scope: 'global' | 'tenant') => ({
  scope,
  selector: { kind: 'all', value: null },
  state: 'running',
})
export const UNTIL = '2090-01-01T00:00:00Z'

/** As late as a waiver may end, but for some days; at midnight, so that it reads the same wherever it was kept. */
const WAIVED_UNTIL = `${new Date(Date.now() + 360 * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`

/** Entries that say no metric is required of a class. */
export const notRequired = (...classes: string[]) =>
  classes.flatMap((each) =>
    ['budget', 'kpi', 'temperature'].map((gate) => ({
      gate,
      class: each,
      until: WAIVED_UNTIL,
      reason: 'nothing to measure here',
    })),
  )

export async function openGlobal({ platform, platform2 }: Callers): Promise<void> {
  const { body } = await platform.get('/policy')
  const asked = await platform.put('/policy', {
    base_version: body.version,
    reason: 'open the platform',
    policy: { kill_switches: [RUNNING('global')] },
  })
  if (asked.status !== 202) throw new Error(`opening the platform: ${asked.status} ${JSON.stringify(asked.body)}`)
  await settled(await approve(platform2, asked.body))
}

async function putPolicy(all: Callers, tenant: string, policy: JsonObject) {
  const owner = all.as(tenant, 'owner')
  const { body } = await owner.get('/policy')
  const asked = await owner.put('/policy', { base_version: body.version, reason: 'set up', policy })
  if (asked.status !== 202) throw new Error(`policy: ${asked.status} ${JSON.stringify(asked.body)}`)
  return await settled(await approveAll([all.as(tenant, 'operator'), all.as(tenant, 'operator2')], asked.body))
}

export async function openTenant(all: Callers, tenant: string, more: JsonObject = {}): Promise<void> {
  await putPolicy(all, tenant, {
    kill_switches: [RUNNING('tenant')],
    not_required: notRequired('reversible'),
    ...more,
  })
}

/** A standing grant for the tenant's agent over the note actions. */
export const standingNotes = (
  tenant: string,
  max_count = 1_000_000,
  actions = ['note.append', 'note.remove'],
): JsonObject => ({
  license_types: [{ id: 'lt_notes', name: 'Notes' }],
  grants: [
    {
      principal_id: `p_${tenant.slice(2)}_agent`,
      license_type: 'lt_notes',
      actions,
      expires_at: UNTIL,
      standing: { max_count, max_amount: '1000000' },
    },
  ],
})

async function settled(answer: { status: number; body: { operation?: { status: string } } }) {
  if (answer.status !== 200 || answer.body.operation?.status !== 'executed')
    throw new Error(`not executed: ${answer.status} ${JSON.stringify(answer.body).slice(0, 800)}`)
  return answer.body
}
