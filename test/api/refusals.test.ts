/**
 * What is refused, with which code, and in which order. Every request of the table is wrong in everything that comes
 * after the fault it is refused for, so that a refusal out of order cannot pass. A refusal leaves its leaf and nothing
 * else.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { makeApi } from '../../api/app.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { envelopeFaults, expectRefusal, type RawRequest, send } from '../support/envelope.ts'
import {
  type MemberName,
  makeTenant,
  type Operation,
  pending,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'

const { url, credentials, addresses } = inject('deployment')
const all = callers(url, credentials)
const owner = new Database(addresses.postgres.ownerUrl)
const KEPT = [
  'operations',
  'votes',
  'claims',
  'receipts',
  'notes',
  'places',
  'kpi_raw',
  'kill_switches',
  'policy_versions',
]
let tenant: Tenant
let waiting: Operation
let executed: Operation

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'refusals')
  await tenant.open(UNLIMITED)
  waiting = await pending(tenant.as('agent'), { notebook: 'refusals', text: 'it waits' })
  executed = await pending(tenant.as('agent'), { notebook: 'refusals', text: 'it is done' })
  await vote(tenant.as('operator'), executed)
  // What was voted on before is still being told to Temporal; rows that go meanwhile are not the doing of a refusal.
  await until('the outbox is empty', async () => {
    const rows = await Promise.all(
      [tenant.id, 't_system'].map((id) =>
        owner.within(id, `select from outbox where tenant_id = $1 and kind <> 'seal'`, [id]),
      ),
    )
    return rows.every((each) => each.length === 0)
  })
})
afterAll(() => owner.end())

const good = (name: MemberName): Record<string, string> => ({
  authorization: `Bearer ${tenant.as(name).token}`,
  'x-mode': 'lab',
  'x-project-id': 'p_main',
  'content-type': 'application/json',
})
/** Headers with some replaced, or taken away by null. */
const but = (headers: Record<string, string>, changes: Record<string, string | null>): Record<string, string> => {
  const changed = new Map(Object.entries(headers))
  for (const [name, value] of Object.entries(changes))
    if (value === null) changed.delete(name)
    else changed.set(name, value)
  return Object.fromEntries(changed)
}
const JUNK = '{"action": 7, "tenant_id": "t_demo"'
const note = JSON.stringify({ action: 'note.append', input: { notebook: 'refusals', text: 'x' } })

/**
 * How many rows of each kept table and of each kind of leaf the tenant has; seals aside, and what is counted for a minute
 * without a request's id: they come when they come.
 */
async function footprint(tenantId: string): Promise<Record<string, number>> {
  const counts = KEPT.map((table) => `select '${table}' as what, count(*)::int as n from ${table} where tenant_id = $1`)
  const rows = await owner.within<{ what: string; n: number }>(
    tenantId,
    `${counts.join(' union all ')} union all
     select 'outbox', count(*)::int from outbox where tenant_id = $1 and kind <> 'seal' union all
     select 'calls', coalesce(sum(calls), 0)::int from rate_windows where tenant_id = $1 union all
     select 'leaf ' || kind, count(*)::int from audit_leaves where tenant_id = $1 and kind <> 'operation.sealed'
       and (kind <> 'access.refused' or request_id is not null) group by kind`,
    [tenantId],
  )
  return Object.fromEntries(rows.map(({ what, n }) => [what, n]))
}

interface Case {
  title: string
  request: () => RawRequest
  status: number
  code: string
  details?: Record<string, unknown>
  /** The leaf it leaves, if any. */
  leaf?: 'access.refused' | 'vote.refused'
}

/** In the order of refusal; each has every later fault as well. */
const ORDER: Case[] = [
  {
    title: 'no credential, on a path that is none',
    request: () => ({ method: 'PATCH', path: '/nowhere?tenant_id=t_demo', headers: { 'x-mode': 'x' }, body: JUNK }),
    status: 401,
    code: 'auth.missing',
  },
  ...[
    ['not Bearer', 'Basic abc'],
    ['no API key', 'Bearer abc'],
    ['a JWT of nobody', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'],
    ['an unknown key', `Bearer exo_${'a'.repeat(18)}_${'b'.repeat(43)}`],
    ['two tokens', `Bearer exo_${'a'.repeat(18)}_${'b'.repeat(43)} exo_c`],
  ].map(
    ([title, authorization = '']): Case => ({
      title: `a credential that is ${title}`,
      request: () => ({ method: 'PATCH', path: '/nowhere', headers: { authorization, 'x-mode': 'x' }, body: JUNK }),
      status: 401,
      code: 'auth.invalid',
    }),
  ),
  {
    title: 'a right key with a wrong secret',
    request: () => {
      const token = tenant.as('viewer').token ?? ''
      const wrong = `${token.slice(0, -3)}${token.endsWith('AAA') ? 'BBB' : 'AAA'}`
      return { method: 'GET', path: '/operations', headers: but(good('viewer'), { authorization: `Bearer ${wrong}` }) }
    },
    status: 401,
    code: 'auth.invalid',
  },
  {
    title: 'an unknown path',
    request: () => ({ method: 'POST', path: '/nowhere', headers: but(good('viewer'), { 'x-mode': null }), body: JUNK }),
    status: 404,
    code: 'route.not_found',
    leaf: 'access.refused',
  },
  {
    title: 'an unknown path that is cut within a character where it is told',
    request: () => ({
      method: 'POST',
      path: `/${'a'.repeat(198)}%F0%9F%98%80`,
      headers: but(good('viewer'), { 'x-mode': null }),
      body: JUNK,
    }),
    status: 404,
    code: 'route.not_found',
    leaf: 'access.refused',
  },
  {
    title: 'a method the path does not have',
    request: () => ({
      method: 'DELETE',
      path: '/operations',
      headers: but(good('viewer'), { 'x-mode': null, 'content-type': 'text/plain' }),
      body: JUNK,
    }),
    status: 405,
    code: 'method.not_allowed',
    details: { allow: ['GET', 'POST'] },
    leaf: 'access.refused',
  },
  {
    title: 'a body larger than the limit',
    request: () => ({
      method: 'POST',
      path: '/operations',
      headers: but(good('viewer'), { 'x-mode': null, 'content-type': 'text/plain' }),
      body: 'x'.repeat(256 * 1024 + 1),
    }),
    status: 413,
    code: 'body.too_large',
    details: { max_bytes: 262_144 },
    leaf: 'access.refused',
  },
  ...['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'application/jsonx'].map(
    (type): Case => ({
      title: `content of type ${type}`,
      request: () => ({
        method: 'POST',
        path: '/operations',
        headers: but(good('viewer'), { 'x-mode': null, 'content-type': type }),
        body: JUNK,
      }),
      status: 415,
      code: 'media_type.unsupported',
      leaf: 'access.refused',
    }),
  ),
  ...(
    [
      ['without X-Mode', { 'x-mode': null }, 'context.missing', { field: 'X-Mode' }],
      [
        'in a mode that is none',
        { 'x-mode': 'prod' },
        'context.invalid',
        { field: 'X-Mode', allowed: ['lab', 'saas', 'enterprise'] },
      ],
      ['without X-Project-Id', { 'x-project-id': null }, 'context.missing', { field: 'X-Project-Id' }],
      ['with a malformed X-Project-Id', { 'x-project-id': 'main' }, 'context.invalid', { field: 'X-Project-Id' }],
      ['with a malformed X-Surface-Id', { 'x-surface-id': 'S_MAIN' }, 'context.invalid', { field: 'X-Surface-Id' }],
      [
        'with a surface that is too long',
        { 'x-surface-id': `s_${'a'.repeat(61)}` },
        'context.invalid',
        { field: 'X-Surface-Id' },
      ],
      [
        'with a letter that looks like one of ours',
        { 'x-surface-id': 's_m\u00e1in' },
        'context.invalid',
        { field: 'X-Surface-Id' },
      ],
      [
        'with a project id and a space',
        { 'x-project-id': 'p_main p_main' },
        'context.invalid',
        { field: 'X-Project-Id' },
      ],
      [
        'with a project id of a very long value',
        { 'x-project-id': `p_${'a'.repeat(9_000)}` },
        'context.invalid',
        { field: 'X-Project-Id' },
      ],
      ['with a mode of another alphabet', { 'x-mode': 'l\u00e4b' }, 'context.invalid', { field: 'X-Mode' }],
      ['with an empty X-Tenant-Id', { 'x-tenant-id': '' }, 'context.invalid', { field: 'X-Tenant-Id' }],
      ['with a malformed X-App-Id', { 'x-app-id': 'a_' }, 'context.invalid', { field: 'X-App-Id' }],
      ['with X-Env', { 'x-env': 'dev' }, 'context.invalid', { field: 'X-Env' }],
      ['with a malformed X-Request-Id', { 'x-request-id': 'a b' }, 'context.invalid', { field: 'X-Request-Id' }],
      ['with a long X-Request-Id', { 'x-request-id': 'a'.repeat(129) }, 'context.invalid', { field: 'X-Request-Id' }],
      ['with a malformed X-Tenant-Id', { 'x-tenant-id': 'demo' }, 'context.invalid', { field: 'X-Tenant-Id' }],
      ['for t_system', { 'x-tenant-id': 't_system' }, 'context.invalid', { field: 'X-Tenant-Id' }],
      ['for t_unknown', { 'x-tenant-id': 't_unknown' }, 'context.invalid', { field: 'X-Tenant-Id' }],
    ] as const
  ).map(
    ([title, changes, code, details]): Case => ({
      title: `a request ${title}`,
      request: () => ({ method: 'POST', path: '/operations', headers: but(good('viewer'), changes), body: JUNK }),
      status: 400,
      code,
      details,
      leaf: 'access.refused',
    }),
  ),
  {
    title: 'a body that is not UTF-8, under a context that is wrong too',
    request: () => ({
      method: 'POST',
      path: '/operations',
      headers: but(good('viewer'), { 'x-mode': null }),
      body: Uint8Array.of(0x7b, 0xff, 0x7d),
    }),
    status: 400,
    code: 'context.missing',
    leaf: 'access.refused',
  },
  {
    title: 'a tenant the credential does not belong to',
    request: () => ({
      method: 'POST',
      path: '/operations',
      headers: but(good('viewer'), { 'x-tenant-id': 't_other' }),
      body: JUNK,
    }),
    status: 403,
    code: 'auth.tenant_mismatch',
    leaf: 'access.refused',
  },
  ...(['x-project-id', 'x-surface-id', 'x-app-id'] as const).map(
    (header): Case => ({
      title: `a place nobody registered in ${header}`,
      request: () => ({
        method: 'POST',
        path: '/operations',
        headers: but(good('viewer'), { [header]: `${header[2]}_nowhere` }),
        body: JUNK,
      }),
      status: 404,
      code: 'context.not_found',
      leaf: 'access.refused',
    }),
  ),
  {
    title: 'a mutation in another mode than the deployment has',
    request: () => ({
      method: 'POST',
      path: '/operations',
      headers: but(good('viewer'), { 'x-mode': 'SaaS' }),
      body: JUNK,
    }),
    status: 403,
    code: 'mode.mismatch',
    details: { mode: 'lab', given: 'saas' },
    leaf: 'access.refused',
  },
  {
    title: 'a query and a body that name another tenant, mode and surface, whatever else is wrong',
    request: () => ({
      method: 'POST',
      path: `/operations?tenant_id=t_other&mode=saas&surface_id=${'s'.repeat(300)}&user_id=a&user_id=b`,
      headers: good('viewer'),
      body: '{"project_id":"p_x","surface_id":{"a":1},"mode":"lab","action":7}',
    }),
    status: 403,
    code: 'auth.identity_override',
    details: {
      mismatches: [
        { field: 'tenant_id', given: 't_other' },
        { field: 'mode', given: 'saas' },
        { field: 'surface_id', given: 's'.repeat(100) },
        { field: 'user_id', given: 'a' },
        { field: 'user_id', given: 'b' },
        { field: 'project_id', given: 'p_x' },
        { field: 'surface_id', given: '{"a":1}' },
      ],
    },
    leaf: 'access.refused',
  },
  {
    title: 'an action one may not execute',
    request: () => ({ method: 'POST', path: '/operations', headers: good('viewer'), body: note }),
    status: 403,
    code: 'auth.insufficient_role',
    details: { required: ['execute:reversible'] },
    leaf: 'access.refused',
  },
  {
    title: 'a vote by somebody who may not decide',
    request: () => ({
      method: 'POST',
      path: `/operations/${waiting.id}/decisions`,
      headers: good('agent'),
      body: JUNK,
    }),
    status: 403,
    code: 'auth.insufficient_role',
    details: { required: ['decide'] },
    leaf: 'access.refused',
  },
  {
    title: 'a log read by somebody who may not',
    request: () => ({ method: 'GET', path: '/audit?limit=0', headers: good('member') }),
    status: 403,
    code: 'auth.insufficient_role',
    leaf: 'access.refused',
  },
  {
    title: 'a stop by somebody who may not',
    request: () => ({
      method: 'PUT',
      path: '/kill-switches',
      headers: good('member'),
      body: JSON.stringify({ scope: 'tenant', state: 'stopped', reason: 'x' }),
    }),
    status: 403,
    code: 'auth.insufficient_role',
    details: { required: ['stop'] },
    leaf: 'access.refused',
  },
  {
    title: 'the global switch by a tenant',
    request: () => ({
      method: 'PUT',
      path: '/kill-switches',
      headers: good('owner'),
      body: JSON.stringify({ scope: 'global', state: 'stopped', reason: 'x' }),
    }),
    status: 403,
    code: 'auth.insufficient_role',
    details: { required: ['platform_operator'] },
    leaf: 'access.refused',
  },
  {
    title: 'a policy by somebody who may not configure it',
    request: () => ({
      method: 'PUT',
      path: '/policy',
      headers: good('operator'),
      body: JSON.stringify({
        base_version: 1,
        reason: 'x',
        policy: { budget: [{ scope: { action: 'note.append' }, daily_cap: '1' }] },
      }),
    }),
    status: 403,
    code: 'auth.insufficient_role',
    details: { required: ['configure:budget'] },
    leaf: 'access.refused',
  },
  {
    title: 'an action nobody registered',
    request: () => ({
      method: 'POST',
      path: '/operations',
      headers: good('agent'),
      body: JSON.stringify({ action: 'Note.Append', input: {} }),
    }),
    status: 404,
    code: 'action.unknown',
    leaf: 'access.refused',
  },
]

const body = (value: unknown): string => JSON.stringify(value)
const errors = (...paths: string[]) => ({ errors: paths.map((path) => expect.objectContaining({ path })) })
const ask =
  (text: string | Uint8Array, name: MemberName = 'agent', path = '/operations', method = 'POST') =>
  (): RawRequest => ({
    method,
    path,
    headers: good(name),
    body: text,
  })
const operationBody = (changes: object) =>
  body({ action: 'note.append', input: { notebook: 'n', text: 't' }, ...changes })
const inputBody = (input: object) => body({ action: 'note.append', input })

/** Bodies that are not what the route takes: 400, with every fault named by its place. */
const BODIES: [string, () => RawRequest, object?][] = [
  ['no body', ask('')],
  ['null', ask('null')],
  ['a list', ask('[]')],
  ['a text', ask('"x"')],
  ['cut JSON', ask('{"action":"note.append"')],
  ['JSON with a comma too many', ask('{"action":"note.append",}')],
  ['JSON after JSON', ask('{}{}')],
  ['a byte order mark', ask('\ufeff{}')],
  ['NaN', ask('{"action":NaN}')],
  ['bytes that are not UTF-8', ask(Uint8Array.of(0x7b, 0xc3, 0x28, 0x7d))],
  ['a key twice', ask('{"action":"note.append","action":"note.append","input":{"notebook":"n","text":"t"}}')],
  ['a key twice, once escaped', ask('{"action":"note.append","input":{"notebook":"n","text":"t","\\u0074ext":"t"}}')],
  ['a lone surrogate', ask('{"action":"note.append","input":{"notebook":"n","text":"\\ud800"}}')],
  ['a NUL in a text', ask(inputBody({ notebook: 'n', text: 'a\0b' }))],
  ['a NUL in a label', ask(inputBody({ notebook: 'n', text: 't', labels: { deep: ['\0'] } }))],
  ['a NUL in a label’s name', ask(inputBody({ notebook: 'n', text: 't', labels: { 'a\0': 1 } }))],
  [
    'an integer no double holds',
    ask('{"action":"note.append","input":{"notebook":"n","text":"t","labels":{"n":9007199254740993}}}'),
  ],
  [
    'a number beyond all numbers',
    ask('{"action":"note.append","input":{"notebook":"n","text":"t","labels":{"n":1e999}}}'),
  ],
  ['JSON nested a hundred thousand deep', ask('['.repeat(100_000) + ']'.repeat(100_000))],
  ['JSON nested a level deeper than allowed', ask(`${'['.repeat(49)}${']'.repeat(49)}`)],
  [
    'an input of more bytes than allowed, though of fewer characters',
    ask(body({ action: 'note.append', input: { notebook: 'n', text: 't', labels: { l: '中'.repeat(30_000) } } })),
    errors('/input'),
  ],
  ['an unknown member', ask(operationBody({ more: 1 })), errors('')],
  ['a member called __proto__', ask('{"__proto__":{"action":"note.append","input":{"notebook":"n","text":"t"}}}')],
  [
    'a member called __proto__ beside good ones',
    ask(operationBody({}).replace('{', '{"__proto__":{"run":"propose"},')),
  ],
  ['an action that is no text', ask(operationBody({ action: 7 })), errors('/action')],
  ['a run that is none', ask(operationBody({ run: 'EXECUTE' })), errors('/run')],
  ['a cost that is a number', ask(operationBody({ estimated_cost: 1 })), errors('/estimated_cost')],
  ['a negative cost', ask(operationBody({ estimated_cost: '-1' })), errors('/estimated_cost')],
  ['a cost with too many places', ask(operationBody({ estimated_cost: '0.1234567' })), errors('/estimated_cost')],
  ['an exponent for a cost', ask(operationBody({ estimated_cost: '1e3' })), errors('/estimated_cost')],
  ['an empty reason', ask(operationBody({ reason: '' })), errors('/reason')],
  ['a reason too long', ask(operationBody({ reason: 'x'.repeat(501) })), errors('/reason')],
  ['a quorum of none', ask(operationBody({ approval: { quorum: 0 } })), errors('/approval/quorum')],
  ['a quorum of six', ask(operationBody({ approval: { quorum: 6 } })), errors('/approval/quorum')],
  [
    'an expiry of a day and a second',
    ask(operationBody({ approval: { expires_in: 86_401 } })),
    errors('/approval/expires_in'),
  ],
  ['a target for an action without', ask(operationBody({ target: 'https://example.com' })), errors('/target')],
  ['no input', ask(body({ action: 'note.append' })), errors('/input')],
  ['an input that is a list', ask(body({ action: 'note.append', input: [] })), errors('/input')],
  ['an input without its members', ask(inputBody({})), errors('/input/notebook', '/input/text')],
  ['an input with a member too many', ask(inputBody({ notebook: 'n', text: 't', x: 1 })), errors('/input')],
  ['an empty text', ask(inputBody({ notebook: 'n', text: '' })), errors('/input/text')],
  ['a notebook that is a path', ask(inputBody({ notebook: '../n', text: 't' })), errors('/input/notebook')],
  ['an input larger than 64 KiB', ask(inputBody({ notebook: 'n', text: 'x'.repeat(65_537) })), errors('/input')],
  [
    'labels nested nine deep',
    ask(inputBody({ notebook: 'n', text: 't', labels: { a: [[[[[[[[1]]]]]]]] } })),
    errors('/input/labels'),
  ],
  [
    'a vote without a hash',
    () => ask(body({ decision: 'approve' }), 'operator', `/operations/${waiting.id}/decisions`)(),
  ],
  [
    'a vote that is neither',
    () =>
      ask(
        body({ decision: 'maybe', intent_hash: waiting.intent_hash }),
        'operator',
        `/operations/${waiting.id}/decisions`,
      )(),
  ],
  [
    'a denial without a reason',
    () =>
      ask(
        body({ decision: 'deny', intent_hash: waiting.intent_hash }),
        'operator',
        `/operations/${waiting.id}/decisions`,
      )(),
    errors('/reason'),
  ],
  ['a cancel without a reason', () => ask('{}', 'agent', `/operations/${waiting.id}/cancel`)(), errors('/reason')],
  [
    'a stop without a reason',
    ask(body({ scope: 'tenant', state: 'stopped' }), 'operator', '/kill-switches', 'PUT'),
    errors('/reason'),
  ],
  [
    'a stop of an action nobody knows',
    ask(
      body({ scope: 'tenant', state: 'stopped', actions: ['no.such'], reason: 'x' }),
      'operator',
      '/kill-switches',
      'PUT',
    ),
    errors('/actions'),
  ],
  [
    'a stop of nothing',
    ask(body({ scope: 'tenant', state: 'stopped', actions: [], reason: 'x' }), 'operator', '/kill-switches', 'PUT'),
  ],
  [
    'a state that is no word of ours',
    ask(body({ scope: 'tenant', state: 'RUNNING', reason: 'x' }), 'operator', '/kill-switches', 'PUT'),
    errors('/state'),
  ],
  [
    'a policy section nobody knows',
    ask(body({ base_version: 1, reason: 'x', policy: { gates: [] } }), 'owner', '/policy', 'PUT'),
    errors('/policy'),
  ],
  [
    'a policy with one thing said twice',
    ask(
      body({
        base_version: 1,
        reason: 'x',
        policy: {
          license_types: [
            { id: 'lt_a', name: 'A' },
            { id: 'lt_a', name: 'B' },
          ],
        },
      }),
      'owner',
      '/policy',
      'PUT',
    ),
  ],
  [
    'a standing grant over a governing action',
    () =>
      ask(
        body({
          base_version: 1,
          reason: 'x',
          policy: {
            grants: [
              {
                principal_id: tenant.principal('agent'),
                license_type: 'lt_a',
                actions: ['policy.put'],
                expires_at: '2090-01-01T00:00:00Z',
                standing: { max_count: 1, max_amount: '1' },
              },
            ],
          },
        }),
        'owner',
        '/policy',
        'PUT',
      )(),
  ],
  [
    'a grant that expires in the year nought',
    () =>
      ask(
        body({
          base_version: 1,
          reason: 'x',
          policy: {
            grants: [
              {
                principal_id: tenant.principal('agent'),
                license_type: 'lt_a',
                actions: ['note.append'],
                expires_at: '0000-01-01T00:00:00Z',
              },
            ],
          },
        }),
        'owner',
        '/policy',
        'PUT',
      )(),
    errors('/policy/grants/0/expires_at'),
  ],
  [
    'a measurement of tomorrow',
    ask(body({ kpi: 'error_rate', value: '1', measured_at: '2098-01-01T00:00:00Z' }), 'service', '/kpi/raw'),
    errors('/measured_at'),
  ],
  [
    'a measurement of the year nought',
    ask(body({ kpi: 'error_rate', value: '1', measured_at: '0000-01-01T00:00:00Z' }), 'service', '/kpi/raw'),
    errors('/measured_at'),
  ],
  [
    'a measurement that is a number',
    ask(body({ kpi: 'error_rate', value: 1 }), 'service', '/kpi/raw'),
    errors('/value'),
  ],
  ['a project id of another kind', ask(body({ id: 's_x', name: 'x' }), 'owner', '/projects'), errors('/id')],
  ['a project id that ends in a line', ask(body({ id: 'p_x\n', name: 'x' }), 'owner', '/projects'), errors('/id')],
  [
    'a project id with a twin of a letter',
    ask(body({ id: 'p_\u0430', name: 'x' }), 'owner', '/projects'),
    errors('/id'),
  ],
  [
    'a project id with a full-width letter',
    ask(body({ id: 'p_\uff41', name: 'x' }), 'owner', '/projects'),
    errors('/id'),
  ],
  [
    'a project id that is too long',
    ask(body({ id: `p_${'a'.repeat(61)}`, name: 'x' }), 'owner', '/projects'),
    errors('/id'),
  ],
  ['a project with a NUL in its name', ask(body({ id: 'p_x', name: 'a\0' }), 'owner', '/projects')],
  [
    'an operator key that is not Ed25519',
    ask(body({ public_jwk: { kty: 'EC', crv: 'P-256', x: 'x' } }), 'operator', '/operator-keys'),
  ],
]

const QUERIES: [string, string, MemberName, object?][] = [
  ['a limit of none', '/operations?limit=0', 'viewer', errors('/query/limit')],
  ['a limit of 201', '/operations?limit=201', 'viewer', errors('/query/limit')],
  ['a limit that is no number', '/operations?limit=ten', 'viewer', errors('/query/limit')],
  ['a status that is none', '/operations?status=done', 'viewer', errors('/query/status')],
  ['a time that is none', '/operations?since=yesterday', 'viewer', errors('/query/since')],
  ['the year nought', '/operations?since=0000-01-01T00:00:00Z', 'viewer', errors('/query/since')],
  ['a NUL', '/operations?action=%00', 'viewer', errors('/query/action')],
  ['a NUL elsewhere', '/notes?notebook=%00', 'viewer'],
  ['a NUL in a filter of the log', '/audit?request_id=a%00', 'auditor', errors('/query/request_id')],
  ['a NUL in a name', '/kpi/raw?kpi=%00', 'viewer', errors('/query/kpi')],
  ['no notebook', '/notes', 'viewer', errors('/query/notebook')],
  ['a kind of leaf that is none', '/audit?kind=x', 'auditor', errors('/query/kind')],
  ['a leaf that is no index', '/audit/proof?leaf=-1', 'auditor', errors('/query/leaf')],
  ['a tree that shrinks', '/audit/consistency?from=2&to=1', 'auditor'],
  ['a drain of no scope', '/kill-switches/drain?scope=all', 'viewer', errors('/query/scope')],
]

/** Faults of state: everything about the request itself is right. */
const CONFLICTS: Case[] = [
  {
    title: 'an operation that is not there',
    request: () => ({ method: 'GET', path: '/operations/op_absent', headers: good('viewer') }),
    status: 404,
    code: 'resource.not_found',
  },
  {
    title: 'a vote on an operation that ended',
    request: () =>
      ask(
        body({ decision: 'approve', intent_hash: executed.intent_hash }),
        'operator2',
        `/operations/${executed.id}/decisions`,
      )(),
    status: 409,
    code: 'approval.already_decided',
    leaf: 'vote.refused',
  },
  {
    title: 'a vote on another intent',
    request: () =>
      ask(
        body({ decision: 'approve', intent_hash: executed.intent_hash }),
        'operator2',
        `/operations/${waiting.id}/decisions`,
      )(),
    status: 409,
    code: 'approval.intent_mismatch',
    leaf: 'vote.refused',
  },
  {
    title: 'a vote by the one whose agent asks',
    request: () =>
      ask(
        body({ decision: 'approve', intent_hash: waiting.intent_hash }),
        'operator3',
        `/operations/${waiting.id}/decisions`,
      )(),
    status: 403,
    code: 'approval.self',
    leaf: 'vote.refused',
  },
  {
    title: 'a vote whose signature is none',
    request: () =>
      ask(
        body({ decision: 'approve', intent_hash: waiting.intent_hash, vote: 'a.b.c' }),
        'operator',
        `/operations/${waiting.id}/decisions`,
      )(),
    status: 400,
    code: 'approval.vote_invalid',
    details: { check: 'kid' },
    leaf: 'vote.refused',
  },
  {
    title: 'a cancel after the effect',
    request: () => ask(body({ reason: 'late' }), 'agent', `/operations/${executed.id}/cancel`)(),
    status: 409,
    code: 'operation.not_cancellable',
    leaf: 'access.refused',
  },
  {
    title: 'an undo of what waits',
    request: () => ask(body({ reason: 'early' }), 'agent', `/operations/${waiting.id}/undo`)(),
    status: 409,
    code: 'operation.not_reversible',
    leaf: 'access.refused',
  },
  {
    title: 'a policy over an old version',
    request: () =>
      ask(body({ base_version: 0, reason: 'x', policy: { license_types: [] } }), 'owner', '/policy', 'PUT')(),
    status: 409,
    code: 'policy.version_conflict',
    leaf: 'access.refused',
  },
  {
    title: 'a licence to oneself',
    request: () =>
      ask(
        body({
          base_version: 1,
          reason: 'x',
          policy: {
            grants: [
              {
                principal_id: tenant.principal('owner'),
                license_type: 'lt_a',
                actions: ['note.append'],
                expires_at: '2090-01-01T00:00:00Z',
              },
            ],
          },
        }),
        'owner',
        '/policy',
        'PUT',
      )(),
    status: 403,
    code: 'firearms.self_grant',
    leaf: 'access.refused',
  },
  {
    title: 'a project whose id is taken',
    request: ask(body({ id: 'p_main', name: 'x' }), 'owner', '/projects'),
    status: 409,
    code: 'resource.conflict',
    leaf: 'access.refused',
  },
  {
    title: 'a tenant asked for by a tenant',
    request: ask(
      body({ id: 't_x', name: 'x', members: [{ name: 'o', kind: 'user', role: 'owner' }] }),
      'operator',
      '/tenants',
    ),
    status: 403,
    code: 'auth.insufficient_role',
    leaf: 'access.refused',
  },
  {
    title: 'a governing action through the common door by somebody who governs nothing',
    request: ask(body({ action: 'policy.put', input: { base_version: 1, policy: {} } }), 'agent'),
    status: 403,
    code: 'auth.insufficient_role',
    leaf: 'access.refused',
  },
  {
    title: 'an Idempotency-Key with a space',
    request: () => ({
      method: 'POST',
      path: '/operations',
      headers: but(good('agent'), { 'idempotency-key': 'a b' }),
      body: note,
    }),
    status: 400,
    code: 'context.invalid',
    details: { field: 'Idempotency-Key' },
    leaf: 'access.refused',
  },
  {
    title: 'a body that names another tenant, project, mode, user and surface',
    request: ask(
      operationBody({ tenant_id: 't_other', project_id: 'p_x', mode: 'saas', user_id: 'p_x', surface_id: 's_x' }),
    ),
    status: 403,
    code: 'auth.identity_override',
    details: {
      mismatches: [
        { field: 'tenant_id', given: 't_other' },
        { field: 'project_id', given: 'p_x' },
        { field: 'mode', given: 'saas' },
        { field: 'user_id', given: 'p_x' },
        { field: 'surface_id', given: 's_x' },
      ],
    },
    leaf: 'access.refused',
  },
]

async function expectCase({ request, status, code, details, leaf }: Case): Promise<void> {
  const [before, systemBefore] = await Promise.all([footprint(tenant.id), footprint('t_system')])
  const answer = await send(url, request())
  const error = expectRefusal(answer, status, code)
  if (details !== undefined) expect(error.details).toMatchObject(details)
  const [after, systemAfter] = await Promise.all([footprint(tenant.id), footprint('t_system')])
  const expected = leaf === undefined ? before : { ...before, [`leaf ${leaf}`]: (before[`leaf ${leaf}`] ?? 0) + 1 }
  expect(after).toEqual(expected)
  expect(systemAfter).toEqual(systemBefore)
}

describe('in the order of refusal, each with all later faults', () => {
  test.each(ORDER)('$status $code: $title', expectCase)
})

describe('bodies', () => {
  test.each(BODIES)('400: %s', async (_title, request, details) => {
    await expectCase({
      title: '',
      request,
      status: 400,
      code: 'validation.error',
      leaf: 'access.refused',
      ...(details === undefined ? {} : { details: details as Record<string, unknown> }),
    })
  })
})

describe('queries', () => {
  test.each(QUERIES)('400: %s', async (_title, path, name, details) => {
    const request = () => ({ method: 'GET', path, headers: good(name) })
    await expectCase({
      title: '',
      request,
      status: 400,
      code: 'validation.error',
      ...(details === undefined ? {} : { details: details as Record<string, unknown> }),
    })
  })
})

describe('state', () => {
  test.each(CONFLICTS)('$status $code: $title', expectCase)
})

describe('rates', () => {
  test('a principal over its limit is told so after its permission and before its body is read, and how long to wait', async () => {
    await tenant.policy({ rate_limits: [{ class: 'mutation', limit: 2, window_seconds: 60 }] })
    try {
      const ok = () => send(url, { method: 'POST', path: '/operations', headers: good('member'), body: note })
      const refused = await send(url, { method: 'POST', path: '/operations', headers: good('member'), body: JUNK })
      expectRefusal(refused, 400, 'validation.error')
      expect([(await ok()).status, (await ok()).status]).toEqual([202, 202])
      await expectCase({
        title: '',
        request: () => ({
          method: 'POST',
          path: '/operations',
          headers: good('member'),
          body: operationBody({ run: 7 }),
        }),
        status: 429,
        code: 'rate_limit.exceeded',
        details: { limit: 2 },
      })
      const unpermitted = { method: 'POST', path: '/projects', headers: good('member'), body: JUNK }
      expectRefusal(await send(url, unpermitted), 403, 'auth.insufficient_role')
      const another = await send(url, { method: 'POST', path: '/operations', headers: good('admin'), body: note })
      expect(another.status).toBe(202)
      const stop = { scope: 'tenant', state: 'stopped', reason: 'a stop has no limit', actions: ['note.remove'] }
      for (let i = 0; i < 4; i++) expect((await tenant.as('operator').put('/kill-switches', stop)).status).toBe(200)
    } finally {
      await tenant.policy(UNLIMITED)
    }
  })

  test('an address that brings no credential again and again is refused before anything is looked up', async () => {
    const api = makeApi({ addressLimit: 3, log: { error: () => undefined } } as never)
    const ask = async (path: string) => {
      const response = await api.app.request(path, { headers: { 'x-mode': 'lab' } })
      return { status: response.status, headers: response.headers, text: await response.text() }
    }
    for (let i = 0; i < 3; i++) expectRefusal(await ask('/operations'), 401, 'auth.missing')
    for (const path of ['/operations', '/nowhere', '/auth/me']) {
      const answer = await ask(path)
      expectRefusal(answer, 429, 'rate_limit.exceeded')
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    await api.close()
  })
})

describe('credentials of the platform', () => {
  test.each([
    ['a tenant', { 'x-tenant-id': 't_demo' }, 'X-Tenant-Id'],
    ['a project', { 'x-project-id': 'p_main' }, 'X-Project-Id'],
  ])('name no %s', async (_what, headers, field) => {
    const before = await footprint('t_system')
    const answer = await send(url, {
      method: 'POST',
      path: '/tenants',
      headers: {
        authorization: `Bearer ${credentials.platform_operator}`,
        'x-mode': 'lab',
        'content-type': 'application/json',
        ...headers,
      },
      body: '{}',
    })
    expect(expectRefusal(answer, 400, 'context.invalid').details).toMatchObject({ field })
    expect(await footprint('t_system')).toEqual({
      ...before,
      'leaf access.refused': (before['leaf access.refused'] ?? 0) + 1,
    })
  })
})

test('a header that cannot be corrected is told to be dropped', async () => {
  const messageOf = async (name: MemberName, changes: Record<string, string>) => {
    const { body: answer } = await tenant.as(name).get('/policy', { headers: changes })
    return [answer.error.code, answer.error.message]
  }
  expect(await messageOf('viewer', { 'x-env': 'dev' })).toEqual([
    'context.invalid',
    'Drop X-Env: the deployment alone says which env it is.',
  ])
  for (const id of ['t_system', 't_unknown'])
    expect(await messageOf('viewer', { 'x-tenant-id': id })).toEqual([
      'context.invalid',
      `No caller may name ${id}: drop X-Tenant-Id, or name a tenant of the credential.`,
    ])
})

describe('what HTTP itself refuses', () => {
  test('a header larger than the server reads has the envelope too', async () => {
    const answer = await send(url, {
      method: 'GET',
      path: '/operations',
      headers: but(good('viewer'), { 'x-filler': 'x'.repeat(20_000) }),
    })
    expect([400, 431]).toContain(answer.status)
    expect(envelopeFaults(answer)).toEqual([])
  })

  test('a streamed body without a length is cut at the limit', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1024))
    let sent = 0
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 40) controller.enqueue(chunk)
        else controller.close()
      },
    })
    const response = await fetch(`${url}/operations`, {
      method: 'POST',
      headers: good('agent'),
      body: stream,
      duplex: 'half',
    } as RequestInit)
    expectRefusal(
      { status: response.status, headers: response.headers, text: await response.text() },
      413,
      'body.too_large',
    )
  })
})
