/** Event streams and cursors: resumed, each event is heard once; altered, none is. */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { type Caller, callers } from '../support/client.ts'
import { makeTenant, pending, propose, refused, standingFor, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'

const { url, credentials } = inject('deployment')
const all = callers(url, credentials)
const note = (text: string, notebook = 'streams') => ({ notebook, text })
let tenant: Tenant
let other: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'streams')
  other = await makeTenant(all, url, 'elsewhere')
  for (const each of [tenant, other]) await each.open({ ...UNLIMITED, ...standingFor(each) })
})
describe('streams', () => {
  interface Heard {
    id: string
    event: string
    data: { kind: string; operation_id: string; status: string | null; cursor: string }
  }
  /** Reads a stream until `enough` says so, then hangs up. */
  const listen = async (caller: Caller, path: string, enough: (heard: Heard[]) => boolean, lastEventId?: string) => {
    const hangUp = new AbortController()
    const late = setTimeout(() => hangUp.abort(new Error('the stream told too little in 20 s')), 20_000)
    const response = await fetch(url + path, {
      headers: {
        authorization: `Bearer ${caller.token}`,
        'x-mode': 'lab',
        'x-project-id': 'p_main',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: hangUp.signal,
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const heard: Heard[] = []
    let text = ''
    let opened = false
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += new TextDecoder().decode(chunk)
      opened ||= text.startsWith(': open\n\n')
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => line.split(/: (.*)/s, 2) as [string, string]),
        )
        text = text.slice(end + 2)
        if (lines.has('data'))
          heard.push({
            id: lines.get('id') ?? '',
            event: lines.get('event') ?? '',
            data: JSON.parse(lines.get('data') ?? ''),
          })
      }
      if (enough(heard)) break
    }
    clearTimeout(late)
    hangUp.abort()
    expect(opened).toBe(true)
    return heard
  }

  const lastCursor = async () => {
    let cursor = ''
    for (let next: string | null = ''; next !== null; ) {
      const page: JsonObject & { items: { cursor: string }[]; next_cursor: string | null } = (
        await tenant.as('viewer').get(`/events?follow=false&limit=200&after=${next}`)
      ).body
      cursor = page.items.at(-1)?.cursor ?? cursor
      next = page.next_cursor
    }
    return cursor
  }

  test('tell one operation from its beginning, in order', async () => {
    const asked = await pending(tenant.as('operator'), note('streamed', 'streams'))
    await vote(tenant.as('admin'), asked)
    const heard = await listen(
      tenant.as('viewer'),
      `/operations/${asked.id}/events`,
      (all) => all.at(-1)?.event === 'operation.executed',
    )
    expect(heard.map((each) => each.event)).toEqual([
      'operation.evaluating',
      'operation.pending_approval',
      'vote.accepted',
      'operation.executing',
      'operation.executed',
    ])
    expect(heard.every((each) => each.data.operation_id === asked.id && each.data.cursor === each.id)).toBe(true)
  })

  test('resumed with Last-Event-ID after every break, tell each event once and in order', async () => {
    const start = await lastCursor()
    let cursor = start
    const ids: string[] = []
    const writing = (async () => {
      for (let i = 0; i < 12; i++) ids.push((await propose(tenant.as('agent'), note(`event ${i}`, 'streams'))).body.id)
    })()
    const heard: Heard[] = []
    const executed = (among: Heard[]) => among.filter((each) => each.event === 'operation.executed').length
    while (executed(heard) < 12) {
      const missing = 12 - executed(heard)
      const part = await listen(
        tenant.as('viewer'),
        '/events',
        (got) => got.length >= 5 || executed(got) >= missing,
        cursor,
      )
      const kept = part.slice(0, 5)
      heard.push(...kept)
      cursor = kept.at(-1)?.id ?? cursor
    }
    await writing
    const page = (await tenant.as('viewer').get(`/events?follow=false&limit=200&after=${start}`)).body
    const expected = page.items.map((item: JsonObject) => item.cursor)
    expect(heard.map((each) => each.id)).toEqual(expected.slice(0, heard.length))
    for (const id of ids)
      expect(heard.filter((each) => each.data.operation_id === id && each.event === 'operation.executed')).toHaveLength(
        1,
      )
  })

  test('cost one look at the logs together, however many there are, and each hears of its own tenant', async () => {
    const trips = async () =>
      Number(/role="auditor"\} (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1] ?? Number.NaN)
    const opened: Promise<void>[] = []
    const listening = [tenant, other].flatMap((of) =>
      Array.from({ length: 8 }, async () => {
        const { promise, resolve } = Promise.withResolvers<void>()
        opened.push(promise)
        return await listen(of.as('viewer'), '/events', (heard) => {
          resolve()
          return heard.some(({ event }) => event === 'operation.executed')
        })
      }),
    )
    await Promise.all(opened)
    // Leaves of what went before may still get their places, and then every stream reads them; afterwards it is quiet.
    await until('a second goes by in which the database is asked at most four times', async () => {
      const before = await trips()
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      return (await trips()) - before <= 4
    })

    const asked = await Promise.all([tenant, other].map((of) => propose(of.as('agent'), note('to many', 'streams'))))
    const heard = await Promise.all(listening)
    for (const [index, events] of heard.entries()) {
      const id = asked[index < 8 ? 0 : 1]?.body.id
      expect(events.map((each) => each.data.operation_id)).toEqual(events.map(() => id))
    }
  })

  test('go on after the header, where somebody comes back to the address they came to first', async () => {
    const { items } = (await tenant.as('viewer').get('/events?follow=false&limit=3')).body
    const again = await tenant
      .as('viewer')
      .get(`/events?follow=false&limit=1&after=${items[0].cursor}`, { headers: { 'last-event-id': items[1].cursor } })
    expect(again.body.items).toEqual([items[2]])
  })

  test('refuse a cursor that was altered or comes from elsewhere', async () => {
    const good = (await tenant.as('viewer').get('/events?follow=false&limit=1')).body.next_cursor as string
    const [body = '', mac = ''] = good.split('.')
    const flipped = `${body}.${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`
    const moved = `${Buffer.from('999999').toString('base64url')}.${mac}`
    const foreign = (await other.as('viewer').get('/events?follow=false&limit=1')).body.items[0].cursor as string
    for (const cursor of [flipped, moved, foreign, `${good}x`, 'nonsense', `${good}.${mac}`]) {
      expect(refused(await tenant.as('viewer').get(`/events?follow=false&after=${cursor}`)), cursor).toEqual([
        410,
        'events.cursor_invalid',
      ])
      const streaming = await tenant.as('viewer').get('/events', { headers: { 'last-event-id': cursor } })
      expect(refused(streaming)).toEqual([410, 'events.cursor_invalid'])
    }
    const lists = [
      ['/operations?limit=1', 'operations.cursor_invalid', 'viewer'],
      ['/audit?limit=1', 'audit.cursor_invalid', 'auditor'],
      ['/notes?notebook=streams&limit=1', 'notes.cursor_invalid', 'viewer'],
    ] as const
    for (const [path, code, name] of lists) {
      const next = (await tenant.as(name).get(path)).body.next_cursor as string
      expect((await tenant.as(name).get(`${path}&cursor=${next}`)).status).toBe(200)
      expect(refused(await tenant.as(name).get(`${path}&cursor=${next}A`))).toEqual([410, code])
      expect(refused(await other.as(name).get(`${path}&cursor=${next}`))).toEqual([410, code])
      expect(refused(await tenant.as(name).get(`${path}&cursor=${good}`))).toEqual([410, code])
    }
    const executed = (await tenant.as('viewer').get('/operations?status=executed&limit=1')).body.next_cursor
    expect(refused(await tenant.as('viewer').get(`/operations?status=blocked&limit=1&cursor=${executed}`))).toEqual([
      410,
      'operations.cursor_invalid',
    ])
  })
})
