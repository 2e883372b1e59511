/** Headers of requests to targets: those a target lists, and secrets by name whose value is nowhere but in the request. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { notRequired } from '../support/opening.ts'
import { Receiver } from '../support/receiver.ts'
import { openTemporal } from '../support/temporal.ts'
import { endedOf, makeTenant, type Operation, refused, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const SECRET = 'Bearer of-nobody-but-the-target'
const { url, home, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
let tenant: Tenant
let receiver: Receiver

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'headers')
  receiver = await Receiver.start()
  await tenant.open({ ...UNLIMITED, not_required: notRequired('reversible', 'contained', 'irreversible') })
  await allow()
})
afterAll(async () => {
  await receiver?.stop()
  await owner.end()
})

const secretFile = () => join(home, 'secrets', tenant.id, new URL(receiver.origin).host, 'crm_token')
const putSecret = (text: string | null) => {
  mkdirSync(join(secretFile(), '..'), { recursive: true })
  if (text === null) rmSync(secretFile())
  else writeFileSync(secretFile(), text)
}
const target = () => ({
  origin: receiver.origin,
  methods: ['POST'],
  idempotency_header: 'Idempotency-Key',
  allowed_headers: ['X-Ref'],
  secret_headers: [{ header: 'Authorization', secret: 'crm_token' }],
})
const allow = async (more: JsonObject = {}) => {
  const asked = await tenant.as('admin').put('/egress/targets', { ...target(), ...more, reason: 'a partner' })
  expect(asked.status).toBe(202)
  expect((await vote(tenant.as('operator'), asked.body)).body.operation.status).toBe('executed')
}
const post = async (path: string, headers?: JsonObject) =>
  await tenant.as('owner').post<Operation>('/operations', {
    action: 'http.post',
    target: `${receiver.origin}${path}`,
    input: { body: { order: 17 }, ...(headers === undefined ? {} : { headers }) },
  })
const approved = async (asked: Operation) => {
  for (const voter of ['operator', 'operator2'] as const) await vote(tenant.as(voter), asked)
  return await tenant.ended(asked.id, 60_000)
}

/** Payloads as what they hold, not as their base64. */
const bytesAsText = (_key: string, value: unknown) => {
  const bytes = value instanceof Uint8Array ? value : (value as { type?: string; data?: number[] } | null)
  if (bytes instanceof Uint8Array) return Buffer.from(bytes).toString('latin1')
  return bytes?.type === 'Buffer' ? Buffer.from(bytes.data ?? []).toString('latin1') : value
}

test('a target without headers reads as it always did', async () => {
  const plain = { origin: 'http://127.0.0.1:1', methods: ['POST'], idempotency_header: null }
  const asked = await tenant.as('admin').put('/egress/targets', { ...plain, reason: 'a partner' })
  await vote(tenant.as('operator'), asked.body)
  const { items } = (await tenant.as('viewer').get('/egress/targets')).body
  expect(items).toContainEqual(plain)
  expect(items).toContainEqual(target())
})

test('what is listed is sent, with the secret, whose name alone is shown', async () => {
  putSecret(`${SECRET}\n`)
  const { body: asked } = await post('/ok', { 'X-Ref': 'order 17' })
  expect(asked.preview.fields).toContainEqual({ label: 'header X-Ref', value: 'order 17' })
  expect(asked.preview.fields).toContainEqual({ label: 'header Authorization', value: 'the secret crm_token' })
  expect((await approved(asked)).status).toBe('executed')
  expect(receiver.at('/ok')[0]?.headers).toMatchObject({ 'x-ref': 'order 17', authorization: SECRET })
})

test.each(['X-Other', 'x-ref', 'Authorization', 'Idempotency-Key', 'X-Exo-Operation-Id', 'constructor'])(
  'the header %s is refused before anybody is asked',
  async (name) => {
    expect(refused(await post('/ok', { [name]: 'x' }))).toEqual([403, 'egress.header_forbidden'])
  },
)

test('without its secret nothing is sent, and the operation fails', async () => {
  const { body: asked } = await post('/missing')
  putSecret(null)
  expect(await approved(asked)).toMatchObject({
    status: 'failed',
    effect: { state: 'failed' },
    error: { code: 'effect.secret_missing', http_status: 502, details: { secret: 'crm_token' } },
  })
  expect(receiver.at('/missing')).toHaveLength(0)
})

test('a secret that is gone after a first try leaves it unknown: that one may have been applied', async () => {
  putSecret(SECRET)
  const { body: asked } = await post('/status/500')
  const done = approved(asked)
  await until('the first try is made', () => receiver.at('/status/500').length > 0)
  putSecret(null)
  // Three more tries are told of, so that the test need not wait for them.
  await owner.within(tenant.id, 'update claims set attempts = 4, lease_until = claimed_at where operation_id = $1', [
    asked.id,
  ])
  expect(await done).toMatchObject({ status: 'unknown', error: { code: 'effect.unknown' } })
  expect(receiver.at('/status/500')).toHaveLength(1)
  putSecret(SECRET)
})

test.each([
  ['another secret', { secret_headers: [{ header: 'Authorization', secret: 'other_token' }] }],
  ['another header for it', { secret_headers: [{ header: 'X-Api-Key', secret: 'crm_token' }] }],
  ['no secret', { secret_headers: undefined }],
  ['another list', { allowed_headers: ['X-Ref', 'X-More'] }],
])('a target that has %s since gets nothing', async (what, more) => {
  const { body: asked } = await post(`/changed?${encodeURIComponent(what)}`)
  await allow(more as JsonObject)
  expect(await approved(asked)).toMatchObject({
    status: 'failed',
    effect: null,
    error: { code: 'effect.precondition_failed' },
  })
  expect(receiver.received.filter(({ path }) => path.startsWith('/changed'))).toEqual([])
  await allow()
})

test('every bundle verifies offline, and the secret is in no bundle, row, leaf, history or answer', async () => {
  const ended = await endedOf(tenant)
  const { verdict, failures } = await verifyBundles(tenant.as('auditor'), ended)
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
  const told: string[] = []
  const temporal = await openTemporal(addresses.temporal)
  for (const id of ended) {
    told.push(JSON.stringify((await tenant.as('auditor').get(`/operations/${id}`)).body))
    told.push(JSON.stringify((await tenant.as('auditor').get(`/operations/${id}/receipt`)).body))
    const history = await temporal.client.workflow.getHandle(`${tenant.id}/${id}`).fetchHistory()
    told.push(JSON.stringify(history, bytesAsText))
  }
  await temporal.close()
  const tables = await owner.query<{ name: string }>(
    `select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r' and exists (select from pg_attribute a
       where a.attrelid = c.oid and a.attname = 'tenant_id')`,
  )
  for (const { name } of tables)
    told.push(JSON.stringify(await owner.within(tenant.id, `select t::text as row from ${name} t`)))
  const leaves = await owner.within<{ text: string }>(
    tenant.id,
    `select convert_from(entry, 'UTF8') as text from audit_leaves where tenant_id = $1`,
    [tenant.id],
  )
  told.push(JSON.stringify(leaves))
  const logs = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.log'))
  told.push(...logs.map((path) => readFileSync(join(home, path), 'utf8')))
  const words = [SECRET, Buffer.from(SECRET).toString('base64').slice(0, 36), Buffer.from(SECRET).toString('hex')]
  expect(told.filter((text) => text.includes('crm_token')).length).toBeGreaterThan(ended.length)
  expect(words.filter((word) => told.some((text) => text.includes(word)))).toEqual([])
})
