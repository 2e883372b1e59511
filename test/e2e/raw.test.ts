/** Uploads: the ticket binds name, length, digest and time; only what it names is registered, and only once it is approved. */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { HeadObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3'
import { ScheduleOverlapPolicy } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { notRequired, RUNNING } from '../support/opening.ts'
import { endedOf, makeTenant, type Operation, refused, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { openTemporal } from '../support/temporal.ts'
import { type Ticket, uploadBy } from '../support/ticket.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { ObjectStore } from '../../stores/objects.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const store = new S3Client({ ...addresses.s3, forcePathStyle: true, credentials: addresses.s3 })
let tenant: Tenant
let other: Tenant

beforeAll(async () => {
  const all = callers(url, credentials)
  tenant = await makeTenant(all, url, 'raw')
  other = await makeTenant(all, url, 'rawother')
  for (const each of [tenant, other])
    await each.open({ ...UNLIMITED, not_required: notRequired('reversible', 'contained') })
})
afterAll(async () => {
  store.destroy()
  await owner.end()
})

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const BYTES = Buffer.from('a picture of nothing, and then some')

const ask = async (more: object = {}, by: Tenant = tenant) =>
  await by.as('owner').post<Ticket>('/nexus/raw/presign-upload', {
    filename: 'picture.png',
    content_type: 'image/png',
    sha256: digest(BYTES),
    size_bytes: BYTES.length,
    ...more,
  })
const upload = async (ticket: Ticket, bytes: Buffer, fields: Record<string, string> = {}) =>
  await uploadBy({ ...ticket, fields: { ...ticket.fields, ...fields } }, bytes)
const lies = async (Key: string) =>
  await store.send(new HeadObjectCommand({ Bucket: addresses.s3.bucket, Key })).then(
    () => true,
    () => false,
  )
const stagingKey = (ticket: Ticket) => `tenants/${other.id}/dev/staging/${ticket.asset_id}`
const isStaged = async (ticket: Ticket) => await lies(stagingKey(ticket))
const versionsStaged = async (ticket: Ticket) => {
  const asked = new ListObjectVersionsCommand({ Bucket: addresses.s3.bucket, Prefix: stagingKey(ticket) })
  const { Versions = [], DeleteMarkers = [] } = await store.send(asked)
  return Versions.length + DeleteMarkers.length
}
const register = async (asset_id: string, by: Tenant = tenant) =>
  await by.as('owner').post<Operation>('/nexus/raw/register', { asset_id })
const registered = async (ticket: Ticket) => {
  const { status, body } = await register(ticket.asset_id)
  expect(status).toBe(202)
  await vote(tenant.as('operator'), body)
  return await tenant.ended(body.id)
}

test('what the ticket names is uploaded, approved and then there', async () => {
  const { status, body: ticket } = await ask()
  expect([status, ticket.method]).toEqual([201, 'POST'])
  expect(ticket.key).toBe(`tenants/${tenant.id}/dev/raw/${ticket.asset_id}/picture.png`)
  expect(await upload(ticket, BYTES)).toBeLessThan(300)
  expect((await tenant.as('viewer').get(`/nexus/raw/${ticket.asset_id}`)).status).toBe(404)
  const result = { asset_id: ticket.asset_id, key: ticket.key, sha256: digest(BYTES), size: BYTES.length }
  expect(await registered(ticket)).toMatchObject({
    status: 'executed',
    effect: { kind: 'conditional', state: 'committed', result },
  })
  expect((await tenant.as('viewer').get(`/nexus/raw/${ticket.asset_id}`)).body).toEqual({
    ...result,
    filename: 'picture.png',
    content_type: 'image/png',
  })
})

test('registered twice it is the same asset', async () => {
  const { body: ticket } = await ask()
  await upload(ticket, BYTES)
  expect((await registered(ticket)).status).toBe('executed')
  expect((await registered(ticket)).status).toBe('executed')
})

describe('the store refuses', () => {
  test.each([
    ['more bytes', Buffer.concat([BYTES, Buffer.from('!')]), {}],
    ['fewer bytes', BYTES.subarray(1), {}],
    ['other bytes of the same length', Buffer.from(BYTES.map((byte) => byte ^ 1)), {}],
    ['another type', BYTES, { 'Content-Type': 'text/html' }],
    ['another name', BYTES, { key: 'tenants/t_demo/dev/raw/x/picture.png' }],
    ['a digest of other bytes', BYTES, { 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') }],
    ['a signature of nobody', BYTES, { 'X-Amz-Signature': '0'.repeat(64) }],
  ])('%s', async (_what, bytes, fields) => {
    const { body: ticket } = await ask()
    expect(await upload(ticket, bytes, fields)).toBeGreaterThanOrEqual(400)
    expect(await registered(ticket)).toMatchObject({
      status: 'failed',
      error: { code: 'effect.precondition_failed', details: { reason: 'nothing was uploaded' } },
    })
    expect((await tenant.as('viewer').get(`/nexus/raw/${ticket.asset_id}`)).status).toBe(404)
  })
})

describe('no ticket', () => {
  test.each([
    '../picture.png',
    'a/b.png',
    'a\\b.png',
    '',
    '.',
    '..',
    '.hidden',
    'trailing.',
    'a\u0000.png',
    'a\n.png',
    'ｐicture.png',
    'pi\u0441ture.png',
    '\u202egnp.exe',
    'x'.repeat(129),
    'a%2fb.png',
    'con:',
    ' lead.png',
  ])('for the name %j', async (filename) => {
    expect(refused(await ask({ filename }))).toEqual([400, 'validation.error'])
  })

  test.each([
    { size_bytes: 0 },
    { size_bytes: 1e12 },
    { sha256: 'x' },
    { sha256: 'A'.repeat(64) },
    { content_type: 'a' },
  ])('for %j', async (more) => {
    expect(refused(await ask(more))).toEqual([400, 'validation.error'])
  })

  test('for who may not execute, nor while the tenant is stopped', async () => {
    const asked = { filename: 'a.png', sha256: digest(BYTES), size_bytes: 1 }
    const answer = await tenant.as('viewer').post('/nexus/raw/presign-upload', asked)
    expect(refused(answer)).toEqual([403, 'auth.insufficient_role'])
    await tenant.as('operator').put('/kill-switches', { scope: 'tenant', state: 'stopped', reason: 'x' })
    expect(refused(await ask())).toEqual([403, 'kill_switch.blocked'])
    await tenant.policy({ kill_switches: [RUNNING('tenant')] })
  })
})

test('no ticket is given where nobody has ever set anything running', async () => {
  const closed = await makeTenant(callers(url, credentials), url, 'rawclosed')
  const { status, body } = await closed
    .as('owner')
    .post('/nexus/raw/presign-upload', { filename: 'a.png', sha256: digest(BYTES), size_bytes: 1 })
  expect([status, body.error]).toMatchObject([
    403,
    { code: 'kill_switch.blocked', details: { scope: 'tenant', selector: { kind: 'all', value: null }, unset: true } },
  ])
})

test('an upload after the ticket’s time is refused by the store', async () => {
  const objects = new ObjectStore({ ...addresses.s3, env: 'dev' })
  const asset = { filename: 'late.png', content_type: 'image/png', sha256: digest(BYTES), size: BYTES.length }
  const ticket = async (seconds: number, end: string) => {
    const asset_id = `ra_${end.repeat(32)}`
    const { url, fields } = await objects.presign(other.id, { ...asset, asset_id }, seconds)
    return { asset_id, url, fields, method: 'POST', key: '', expires_at: '' }
  }
  const [late, inTime] = [await ticket(1, 'a'), await ticket(60, 'b')]
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect([await upload(late, BYTES), await isStaged(late)]).toEqual([403, false])
  expect([await upload(inTime, BYTES), await isStaged(inTime)]).toEqual([204, true])
  objects.close()
})

test('another tenant’s ticket is nobody’s', async () => {
  const { body: ticket } = await ask({}, other)
  await upload(ticket, BYTES)
  expect(refused(await register(ticket.asset_id))).toEqual([404, 'resource.not_found'])
  expect((await tenant.as('viewer').get(`/nexus/raw/${ticket.asset_id}`)).status).toBe(404)
})

test('what was never registered is swept a day after its ticket, and nothing that somebody still counts on', async () => {
  const [left, young, wanted, unknown, done] = (await Promise.all(
    Array.from({ length: 5 }, async () => (await ask({}, other)).body),
  )) as [Ticket, Ticket, Ticket, Ticket, Ticket]
  for (const ticket of [left, young, wanted, unknown, done]) expect(await upload(ticket, BYTES)).toBeLessThan(300)
  const registration = async (ticket: Ticket) => (await register(ticket.asset_id, other)).body
  const waiting = await registration(wanted)
  const lost = await registration(unknown)
  await owner.within(other.id, `update operations set status = 'unknown' where id = $1`, [lost.id])
  const executed = await registration(done)
  await vote(other.as('operator'), executed)
  expect((await other.ended(executed.id)).status).toBe('executed')
  await owner.within(
    other.id,
    `update raw_assets set expires_at = expires_at - interval '1 day 1 hour' where asset_id <> $1`,
    [young.asset_id],
  )

  const temporal = await openTemporal(addresses.temporal)
  await temporal.client.schedule.getHandle('exo-reconcile').trigger(ScheduleOverlapPolicy.ALLOW_ALL)
  await until('what was left is gone', async () => !(await isStaged(left)) && (await versionsStaged(left)) === 0)
  const rows = await owner.within<{ asset_id: string; closed_as: string | null }>(
    other.id,
    'select asset_id, closed_as from raw_assets',
  )
  const closed = new Map(rows.map((row) => [row.asset_id, row.closed_as]))
  expect([left, young, wanted, unknown, done].map(({ asset_id }) => closed.get(asset_id))).toEqual([
    'swept',
    null,
    null,
    null,
    'registered',
  ])
  for (const kept of [young, wanted, unknown]) expect(await isStaged(kept)).toBe(true)
  expect(await versionsStaged(done)).toBe(0)
  expect(await versionsStaged(young)).toBe(1)
  expect(await lies(done.key)).toBe(true)
  expect(refused(await register(left.asset_id, other))).toEqual([404, 'resource.not_found'])
  expect((await register(done.asset_id, other)).status).toBe(202)

  await vote(other.as('operator'), waiting)
  expect((await other.ended(waiting.id)).status).toBe('executed')
  await until('the log tells of it', async () => {
    const { items } = (await other.as('auditor').get('/audit?kind=record.written&limit=200')).body
    return items.some(({ leaf }: { leaf: { after: JsonObject } }) =>
      isDeepStrictEqual(leaf.after, { asset_id: left.asset_id, closed_as: 'swept' }),
    )
  })
  await temporal.close()
})

test('every bundle these operations left verifies offline', async () => {
  const ended = await endedOf(tenant)
  const { verdict, failures } = await verifyBundles(tenant.as('auditor'), ended)
  expect(failures).toEqual([])
  expect(verdict).toBe('PASS')
})
