/**
 * Thousands of requests that are wrong in ways nobody listed. None of them is answered by a fault of ours, each answer
 * that is no success has the envelope, and what the tenant holds afterwards is what its executed operations say.
 * `EXO_FUZZ` sets how many, `EXO_SEED` repeats a run.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { callers, keyParts } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { envelopeFaults } from '../support/envelope.ts'
import { fire, mutate, type Shot } from '../support/mutations.ts'
import { Random, seedOfRun } from '../support/random.ts'
import {
  type MemberName,
  makeTenant,
  notesIn,
  type Operation,
  pending,
  propose,
  standingFor,
  type Tenant,
  UNLIMITED,
} from '../support/tenant.ts'
import { RUNNING, UNTIL } from '../support/opening.ts'

const COUNT = Number(process.env.EXO_FUZZ ?? '1500')
const AT_ONCE = 12
/** Missing and refused credentials are limited per address, and every test comes from one address. */
const MAX_WITHOUT_CREDENTIAL = 200

const { url, credentials, addresses } = inject('deployment')
const all = callers(url, credentials)
const owner = new Database(addresses.postgres.ownerUrl)
let tenant: Tenant
let waiting: Operation[]

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'fuzz')
  // The grant is for appending only: a removal of what is absent would end `failed`, and rightly with 502.
  const { license_types } = standingFor(tenant)
  await tenant.open({
    ...UNLIMITED,
    license_types: license_types ?? null,
    grants: [
      {
        principal_id: tenant.principal('agent'),
        license_type: 'lt_notes',
        actions: ['note.append'],
        expires_at: UNTIL,
        standing: { max_count: 1_000_000, max_amount: '1000000' },
      },
    ],
  })
  waiting = await Promise.all(
    Array.from({ length: 6 }, (_, i) => pending(tenant.as('operator2'), { notebook: 'fuzz', text: `waits ${i}` })),
  )
})
afterAll(() => owner.end())

/** Right requests, one for each way into the product. */
function rights(): { name: MemberName; method: string; path: string; body?: unknown }[] {
  const [first, second, third] = waiting.map((row) => row.id)
  const { intent_hash, shown_hash } = waiting[0] as Operation
  const vote = Buffer.from('{"alg":"EdDSA","typ":"exo-vote+jwt","kid":"ok_x"}').toString('base64url')
  return [
    {
      name: 'agent',
      method: 'POST',
      path: '/operations',
      body: {
        action: 'note.append',
        input: { notebook: 'fuzz', text: 'right', labels: { a: [1, { b: null }] } },
        run: 'execute',
        reason: 'r',
        estimated_cost: '0.5',
        approval: { expires_in: 60, quorum: 1 },
      },
    },
    {
      name: 'agent',
      method: 'POST',
      path: '/operations',
      body: { action: 'note.append', input: { notebook: 'fuzz', text: 'proposed' }, run: 'propose' },
    },
    {
      name: 'agent',
      method: 'POST',
      path: '/operations',
      body: { action: 'note.remove', input: { note_id: 'n_absent' } },
    },
    { name: 'viewer', method: 'POST', path: '/operations', body: { action: 'note.list', input: { notebook: 'fuzz' } } },
    { name: 'member', method: 'POST', path: '/operations', body: { action: 'note.list', input: { notebook: 'fuzz' } } },
    {
      name: 'operator',
      method: 'POST',
      path: `/operations/${first}/decisions`,
      body: { decision: 'approve', intent_hash, shown_hash, reason: 'r', vote: `${vote}.e30.AAAA` },
    },
    {
      name: 'operator',
      method: 'POST',
      path: `/operations/${second}/decisions`,
      body: { decision: 'deny', intent_hash, reason: 'r' },
    },
    { name: 'admin', method: 'POST', path: `/operations/${third}/cancel`, body: { reason: 'r' } },
    { name: 'agent', method: 'POST', path: `/operations/${first}/undo`, body: { reason: 'r' } },
    {
      name: 'owner',
      method: 'PUT',
      path: '/policy',
      body: {
        base_version: 0,
        reason: 'r',
        policy: {
          license_types: [{ id: 'lt_x', name: 'X' }],
          budget: [{ scope: { surface_id: 's_main' }, threshold: '1' }],
          kpi: { definitions: [], corridors: [{ surface_id: 's_main', kpi: 'k', floor: '1' }] },
        },
      },
    },
    ...[
      ['POST', '/registry/firearms/license-types', { id: 'lt_y', name: 'Y' }],
      ['PUT', '/firearms/policy', { action: 'object.put', license_types: ['lt_notes'], reason: 'r' }],
      [
        'PUT',
        '/firearms/grants',
        {
          principal_id: tenant.principal('agent'),
          license_type: 'lt_notes',
          actions: ['note.append'],
          expires_at: UNTIL,
          standing: { max_count: 1, max_amount: '1' },
          reason: 'r',
        },
      ],
      ['DELETE', '/firearms/grants/gr_absent', { reason: 'r' }],
      ['PUT', '/strategy-lock/policy', { action: 'object.put', surface_id: '*', required: true, reason: 'r' }],
      ['PUT', '/budget/policy', { scope: { surface_id: 's_main' }, threshold: '1', reason: 'r' }],
      ['PUT', '/temperature/floors', { surface_id: 's_main', values: { k: '-1.5' }, reason: 'r' }],
      ['PUT', '/feature-flags', { replay_mode: 'stream', reason: 'r' }],
      [
        'PUT',
        '/egress/targets',
        { origin: 'https://a.example', methods: ['POST'], idempotency_header: null, reason: 'r' },
      ],
    ].map(([method, path, body]) => ({
      name: 'owner' as const,
      method: method as string,
      path: path as string,
      body,
    })),
    {
      name: 'owner',
      method: 'PUT',
      path: '/kill-switches',
      body: { scope: 'tenant', state: 'running', actions: ['note.append'], reason: 'r', hold: null },
    },
    {
      name: 'service',
      method: 'POST',
      path: '/kpi/raw',
      body: { kpi: 'k', value: '1.5', measured_at: '2026-01-01T00:00:00Z', surface_id: 's_main' },
    },
    {
      name: 'service',
      method: 'POST',
      path: '/budget/usage',
      body: { cost: '0.5', action: 'note.append', surface_id: 's_main' },
    },
    { name: 'owner', method: 'PUT', path: '/config/tenant', body: { values: { a: { b: [1] } } } },
    { name: 'owner', method: 'POST', path: '/privacy/train-prefs/tenant', body: { opt_out: true } },
    { name: 'member', method: 'POST', path: '/privacy/train-prefs/user', body: { opt_out: false } },
    { name: 'owner', method: 'POST', path: '/surfaces', body: { id: 's_fuzz', name: 'Fuzz' } },
    { name: 'viewer', method: 'POST', path: '/auth/ticket', body: { stream: `/operations/${first}/events` } },
    { name: 'owner', method: 'DELETE', path: '/surfaces/s_fuzz', body: { reason: 'r' } },
    {
      name: 'operator2',
      method: 'POST',
      path: '/operator-keys',
      body: { public_jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } },
    },
    {
      name: 'owner',
      method: 'POST',
      path: '/tenants',
      body: { id: 't_fuzz', name: 'F', members: [{ name: 'o', kind: 'user', role: 'owner' }] },
    },
    {
      name: 'owner',
      method: 'POST',
      path: '/principals',
      body: { kind: 'user', name: 'F', oidc: { issuer: 'https://issuer.example', sub: 'fuzz' } },
    },
    {
      name: 'owner',
      method: 'PUT',
      path: '/memberships',
      body: { principal_id: tenant.principal('viewer'), role: 'viewer', permissions: ['measure'] },
    },
    {
      name: 'owner',
      method: 'POST',
      path: '/api-keys',
      body: {
        principal_id: tenant.principal('service'),
        permissions: ['read'],
        tenants: [tenant.id],
        expires_at: UNTIL,
        replaces: { id: 'abcdef', overlap_seconds: 60 },
      },
    },
    {
      name: 'owner',
      method: 'POST',
      path: `/api-keys/${keyParts(tenant.as('service').token).id}/rotate`,
      body: { overlap_seconds: 60, expires_at: UNTIL },
    },
    { name: 'owner', method: 'DELETE', path: '/api-keys/abcdef', body: { reason: 'r' } },
    {
      name: 'agent',
      method: 'POST',
      path: '/strategy-locks',
      body: {
        title: 'L',
        allowed_actions: ['note.append'],
        surface_id: 's_main',
        project_id: 'p_main',
        valid_until: UNTIL,
      },
    },
    {
      name: 'operator',
      method: 'POST',
      path: '/strategy-locks/sl_absent/approve',
      body: { content_hash: '0'.repeat(64), reason: 'r' },
    },
    {
      name: 'agent',
      method: 'POST',
      path: '/three-wise/questions',
      body: {
        question: 'Q',
        binds: { action: 'note.append', input: { notebook: 'fuzz', text: 't' } },
        expires_in: 60,
      },
    },
    {
      name: 'operator',
      method: 'POST',
      path: '/three-wise/questions/tw_absent/opinions',
      body: { verdict: 'UNSURE', reason: 'r' },
    },
    { name: 'operator', method: 'PATCH', path: '/strategy-locks/sl_absent', body: { title: 'M' } },
    { name: 'owner', method: 'DELETE', path: '/memberships/p_nobody', body: { reason: 'r' } },
    { name: 'owner', method: 'DELETE', path: '/principals/p_nobody', body: { reason: 'r' } },
    ...[
      '/operations?limit=2&status=executed',
      `/operations/${first}`,
      `/operations/${first}/receipt`,
      `/operations/${first}/events?follow=false`,
      '/events?follow=false&limit=5',
      '/notes?notebook=fuzz&limit=3',
      '/actions/note.append',
      '/policy',
      '/kill-switches',
      '/kill-switches/drain',
      '/kill-switches/history?limit=2',
      '/firearms/grants?limit=2',
      '/registry/firearms/inspect?action=note.append',
      '/kpi/config?surface_id=s_main',
      '/rate-limits',
      '/feature-flags',
      '/api-keys',
      '/memberships',
      '/principals',
      '/kpi/raw?limit=2',
      '/strategy-locks?limit=2&status=draft',
      '/three-wise/questions?limit=2',
      '/budget/usage?limit=2&window_days=3',
      '/budget/usage/summary?surface_id=s_main',
      '/privacy/train-prefs',
      '/temperature/current',
      '/config/tenant',
      '/config/effective',
      '/temperature/history?limit=2&surface_id=s_main',
      '/auth/me',
      '/projects',
      '/operator-keys',
    ].map((path) => ({ name: 'viewer' as const, method: 'GET', path })),
    ...[
      '/audit?limit=3',
      '/audit/proof?leaf=1',
      '/audit/consistency?from=1&to=3',
      '/audit/checkpoint',
      `/operations/${first}/bundle`,
    ].map((path) => ({ name: 'auditor' as const, method: 'GET', path })),
  ]
}

test(
  `${COUNT} broken requests: no fault of ours, an envelope for every refusal, and nothing done that no operation says`,
  async () => {
    const random = new Random(seedOfRun('fuzz'))
    const pool = rights()
    const failures: string[] = []
    const statuses = new Map<number, number>()
    let fired = 0
    let bare = 0
    const shots = async () => {
      while (fired < COUNT && failures.length < 20) {
        fired++
        const { name, method, path, body } = random.pick(pool)
        const headers: Record<string, string> = {
          authorization: `Bearer ${tenant.as(name).token}`,
          'x-mode': 'lab',
          'x-project-id': 'p_main',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        }
        if (bare < MAX_WITHOUT_CREDENTIAL && random.chance(0.02)) {
          bare++
          headers.authorization = random.pick([
            '',
            'Bearer',
            'Bearer exo_x_y',
            `Bearer exo_${'a'.repeat(18)}_${'b'.repeat(43)}`,
          ])
        }
        const shot = mutate(random, { method, path, headers, body })
        const faults = await faultsOf(shot, statuses)
        if (faults.length > 0) failures.push(describeShot(shot, faults))
      }
    }
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: AT_ONCE }, shots))
    const seconds = (performance.now() - startedAt) / 1000
    const told = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
    process.stderr.write(`[fuzz] ${fired} requests in ${seconds.toFixed(1)} s; ${told.join(', ')}\n`)
    expect(failures).toEqual([])
    // A fuzz that never gets past the door proves nothing of what is behind it.
    for (const status of [200, 201, 202, 400, 401, 403, 404, 405, 409, 410, 413, 415])
      expect(statuses.get(status) ?? 0, `${status}`).toBeGreaterThan(0)

    expect((await all.nobody.get('/readyz')).status).toBe(200)
    // One of the broken requests may have been a good one to stop the tenant.
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
    const after = await propose(tenant.as('agent'), { notebook: 'after', text: 'still here' })
    expect(after.body.status).toBe('executed')
    expect(await notesIn(tenant.as('viewer'), 'after')).toEqual(['still here'])
    const [agreement] = await owner.within<{
      notes: number
      executed: number
      ended_twice: number
      open_notes: number
    }>(
      tenant.id,
      `select (select count(*)::int from notes where tenant_id = $1) as notes,
       (select count(*)::int from operations where tenant_id = $1 and status = 'executed' and action = 'note.append') as executed,
       (select count(*)::int from (select operation_id from audit_leaves where tenant_id = $1 and kind in ('operation.closed',
         'operation.blocked', 'operation.proposed', 'operation.denied', 'operation.expired', 'operation.cancelled')
         group by operation_id having count(*) > 1) twice) as ended_twice,
       (select count(*)::int from notes n join operations o on o.tenant_id = n.tenant_id and o.id = n.operation_id
         where n.tenant_id = $1 and o.status <> 'executed') as open_notes`,
      [tenant.id],
    )
    expect(agreement).toEqual({
      notes: agreement?.executed,
      executed: expect.any(Number),
      ended_twice: 0,
      open_notes: 0,
    })
  },
  Math.max(120_000, COUNT * 60),
)

async function faultsOf(shot: Shot, statuses: Map<number, number>): Promise<string[]> {
  let answer: Awaited<ReturnType<typeof fire>>
  try {
    answer = await fire(url, shot)
  } catch (error) {
    return [`no answer: ${String(error)}`]
  }
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
  if (answer.status >= 500) return [`${answer.status} ${answer.text.slice(0, 300)}`]
  // An answer to HEAD has no body by definition.
  if (answer.status >= 400 && shot.method !== 'HEAD') return envelopeFaults(answer)
  return []
}

function describeShot({ method, path, headers, body, done }: Shot, faults: string[]): string {
  const { authorization: _secret, ...shown } = headers
  const text = body === null ? '' : Buffer.from(body).toString().slice(0, 500)
  return `${method} ${path.slice(0, 300)} ${JSON.stringify(shown).slice(0, 400)} ${text} (${done.join('; ')}) -> ${faults.join(' | ')}`
}
