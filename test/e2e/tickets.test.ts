/** Tickets for event streams: one look, at one stream, by whoever holds a credential that still holds. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Caller, callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { claimsOf, ISSUER, signToken } from '../support/issuer.ts'
import {
  type MemberName,
  makeTenant,
  type Operation,
  pending,
  refused,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'

const { url, home, credentials, addresses } = inject('deployment')
const all = callers(url, credentials)
const owner = new Database(addresses.postgres.ownerUrl)
let tenant: Tenant
let other: Tenant
let waiting: Operation

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'tickets', { issuer: ISSUER })
  other = await makeTenant(all, url, 'nocket')
  await tenant.open(UNLIMITED)
  waiting = await pending(tenant.as('agent'), { notebook: 'tickets', text: 'x' })
})
afterAll(() => owner.end())

const given = async (caller: Caller, stream = '/events', headers: Record<string, string> = {}): Promise<string> => {
  const { status, body } = await caller.post('/auth/ticket', { stream }, { headers })
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.ticket
}
/** Shows the ticket as a browser does, without any header; hangs up at once. */
const show = async (ticket: string, path = '/events', headers: Record<string, string> = {}) => {
  const response = await fetch(`${url}${path}?ticket=${ticket}`, { headers })
  const opened = response.status === 200
  if (opened) {
    const reader = response.body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^: open\n\n/)
    await reader?.cancel()
    return [200, undefined]
  }
  return refused({ status: response.status, headers: response.headers, body: JSON.parse(await response.text()) })
}
const INVALID = [401, 'auth.invalid']

describe('a ticket', () => {
  test('opens its stream without a header, once, and says when it ends', async () => {
    const { status, body } = await tenant.as('viewer').post('/auth/ticket', { stream: '/events' })
    expect([status, Object.keys(body).sort()]).toEqual([201, ['expires_at', 'ticket']])
    const seconds = (Date.parse(body.expires_at) - Date.now()) / 1000
    expect(seconds).toBeGreaterThan(20)
    expect(seconds).toBeLessThanOrEqual(31)
    expect(await show(body.ticket)).toEqual([200, undefined])
    expect(await show(body.ticket)).toEqual(INVALID)
  })

  test('is used once, however many show it at the same time', async () => {
    const ticket = await given(tenant.as('viewer'))
    const answers = await Promise.all(Array.from({ length: 24 }, () => show(ticket)))
    expect(answers.map(([status]) => status).sort()).toEqual([200, ...Array.from({ length: 23 }, () => 401)])
  })

  test('opens the one stream it is for, and is not lost by being shown at another', async () => {
    const stream = `/operations/${waiting.id}/events`
    const [one, whole] = [await given(tenant.as('viewer'), stream), await given(tenant.as('viewer'))]
    expect(await show(one)).toEqual(INVALID)
    expect(await show(whole, stream)).toEqual(INVALID)
    expect(await show(one, `/operations/op_${'0'.repeat(32)}/events`)).toEqual(INVALID)
    expect(await show(one, '/operations')).toEqual([401, 'auth.missing'])
    expect(await show(one, stream)).toEqual([200, undefined])
    expect(await show(whole)).toEqual([200, undefined])
  })

  test('tells of the tenant it was asked in, whatever else is said beside it', async () => {
    const page = async (headers: Record<string, string>) => {
      const stream = `/operations/${waiting.id}/events`
      const ticket = await given(tenant.as('viewer'), stream)
      const response = await fetch(`${url}${stream}?follow=false&ticket=${ticket}`, { headers })
      return { status: response.status, body: (await response.json()) as { items: object[]; error: Operation } }
    }
    await until('the log tells of it', async () => (await page({})).body.items.length > 1)
    expect((await page({ 'x-tenant-id': tenant.id, 'x-project-id': 'p_main', 'x-mode': 'lab' })).status).toBe(200)
    const elsewhere = await page({ 'x-tenant-id': other.id, 'x-surface-id': 's_x' })
    expect([elsewhere.status, elsewhere.body.error.code, elsewhere.body.error.details.mismatches]).toEqual([
      403,
      'auth.identity_override',
      [
        { field: 'tenant_id', given: other.id },
        { field: 'surface_id', given: 's_x' },
      ],
    ])
    expect((await page({ 'x-mode': 'nowhere' })).status).toBe(400)
    expect((await page({ 'x-env': 'dev' })).status).toBe(400)
  })

  test('is no second credential beside another, and no two of them are one', async () => {
    const authorization = `Bearer ${tenant.as('viewer').token}`
    const ticket = await given(tenant.as('viewer'))
    expect(await show(ticket, '/events', { authorization })).toEqual(INVALID)
    const twice = await fetch(`${url}/events?ticket=${ticket}&ticket=${ticket}`)
    expect(twice.status).toBe(401)
    expect((await fetch(`${url}/events?ticket=${ticket}`, { method: 'HEAD' })).status).toBe(401)
    expect(await show(ticket)).toEqual([200, undefined])
  })

  test.each([
    ['altered', (ticket: string) => `${ticket.slice(0, -1)}${ticket.endsWith('A') ? 'B' : 'A'}`],
    ['cut', (ticket: string) => ticket.slice(0, -1)],
    ['lengthened', (ticket: string) => `${ticket}A`],
    ['in another case', (ticket: string) => ticket.toUpperCase()],
    ['empty', () => ''],
    ['its own digest', (ticket: string) => createHash('sha256').update(ticket).digest('hex')],
  ])('that is %s is none', async (_what, change) => {
    expect(await show(change(await given(tenant.as('viewer'))))).toEqual(INVALID)
  })

  test('ends after its time', async () => {
    const ticket = await given(tenant.as('viewer'))
    await owner.within(
      tenant.id,
      `update stream_tickets set expires_at = clock_timestamp() - interval '1 second' where tenant_id = $1`,
      [tenant.id],
    )
    expect(await show(ticket)).toEqual(INVALID)
    await given(tenant.as('viewer'))
    const left = await owner.within(tenant.id, 'select from stream_tickets where expires_at < clock_timestamp()')
    expect(left).toEqual([])
  })
})

describe('a ticket ends with', () => {
  const newKey = async (name: MemberName) => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const key = `ticket-${name}`
    const body = { principal_id: tenant.principal(name), expires_at }
    const asked = await tenant.as('owner').post('/api-keys', body, { key })
    await vote(tenant.as('operator'), asked.body)
    const made = await tenant.as('owner').post('/api-keys', body, { key })
    return {
      id: made.body.id as string,
      caller: new Caller(url, made.body.api_key),
    }
  }
  const remove = async (path: string) =>
    expect((await tenant.as('owner').call('DELETE', path, { reason: 'lost' })).status).toBe(200)

  test('the key it was asked with, and not with another of the same principal', async () => {
    const { id, caller } = await newKey('service')
    const [by, beside] = [await given(caller), await given(tenant.as('service'))]
    await remove(`/api-keys/${id}`)
    expect(await show(by)).toEqual(INVALID)
    expect(await show(beside)).toEqual([200, undefined])
  })

  test('the membership', async () => {
    const ticket = await given(tenant.as('member'))
    await remove(`/memberships/${tenant.principal('member')}`)
    expect((await show(ticket))[0]).toBe(403)
  })

  test('the principal, whatever it was asked with', async () => {
    const token = signToken(home, claimsOf(`${tenant.id}:agent`))
    const bearer = { authorization: `Bearer ${token}` }
    expect(await show(await given(tenant.as('viewer'), '/events', bearer))).toEqual([200, undefined])
    const [byToken, byKey] = [await given(tenant.as('viewer'), '/events', bearer), await given(tenant.as('agent'))]
    await remove(`/principals/${tenant.principal('agent')}`)
    expect((await show(byToken))[0]).toBe(403)
    expect((await show(byKey))[0]).toBe(403)
  })

  test('the access token it was asked with, to the second', async () => {
    const now = Math.floor(Date.now() / 1000)
    const token = signToken(home, claimsOf(`${tenant.id}:viewer`, { exp: now + 1 }))
    const ticket = await given(tenant.as('viewer'), '/events', { authorization: `Bearer ${token}` })
    const [row] = await owner.within<{ wait: number }>(
      tenant.id,
      `select greatest(0, extract(epoch from to_timestamp((credential ->> 'not_after')::float8) - clock_timestamp()))::float8 as wait
       from stream_tickets where tenant_id = $1 and credential ->> 'kind' = 'token' order by expires_at desc limit 1`,
      [tenant.id],
    )
    await owner.query('select pg_sleep($1)', [(row?.wait ?? 0) + 0.05])
    expect(await show(ticket)).toEqual(INVALID)
  })
})

describe('tickets', () => {
  test('are given for streams that are there and one’s own, and for nothing else', async () => {
    const ask = async (caller: Caller, stream: unknown) => refused(await caller.post('/auth/ticket', { stream }))
    for (const stream of [
      '',
      '/operations',
      '/events?follow=false',
      '/events/',
      '//events',
      'events',
      '/EVENTS',
      '/audit',
      7,
      null,
    ])
      expect(await ask(tenant.as('viewer'), stream), String(stream)).toEqual([400, 'validation.error'])
    const absent = `/operations/op_${'0'.repeat(32)}/events`
    expect(await ask(tenant.as('viewer'), absent)).toEqual([404, 'resource.not_found'])
    expect(await ask(other.as('viewer'), `/operations/${waiting.id}/events`)).toEqual([404, 'resource.not_found'])
    expect(await ask(all.nobody, '/events')).toEqual([401, 'auth.missing'])
  })

  test('of the platform open its own stream', async () => {
    expect(await show(await given(all.platform))).toEqual([200, undefined])
  })

  test('stand in no leaf, no log and no row', async () => {
    const ticket = await given(tenant.as('viewer'))
    await show(`${ticket.slice(0, -1)}_`)
    const half = ticket.slice(3, 30)
    const leaves = await owner.within<{ text: string }>(
      tenant.id,
      `select convert_from(entry, 'UTF8') as text from audit_leaves where tenant_id = $1`,
      [tenant.id],
    )
    const told = leaves.filter(({ text }) => text.includes('"ticket_for":"/events"'))
    expect(told.length).toBeGreaterThan(0)
    expect(leaves.filter(({ text }) => text.includes(half))).toEqual([])
    const rows = await owner.within<{ row: string }>(tenant.id, 'select t::text as row from stream_tickets t')
    expect(rows.filter(({ row }) => row.includes(half))).toEqual([])
    for (const file of await readdir(home, { recursive: true, withFileTypes: true }))
      if (file.isFile() && file.name.endsWith('.log'))
        expect(await readFile(join(file.parentPath, file.name), 'utf8')).not.toContain(half)
  })
})
