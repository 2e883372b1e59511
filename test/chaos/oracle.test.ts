/** What chaos would notice: each thing that must not be is put before the oracle, which says so. */
import { expect, test } from 'vitest'
import { aDone } from './a-done.ts'
import { findWrong, type Seen } from './effects.ts'
import type { Done } from './load.ts'
import { findLate } from './oracle.ts'
import { type Put, StoreWatch } from './store-watch.ts'
import type { Received } from '../support/receiver.ts'
import type { Effect } from '../support/world.ts'

const NOTHING: Seen = {
  notes: new Map(),
  keyed: new Map(),
  blind: new Map(),
  store: new Map(),
  puts: new Map(),
  terminated: new Set(),
}
const request = (answered: number | null): Received => ({
  path: '/ok',
  headers: { 'idempotency-key': 'k' },
  body: '{}',
  at: 1,
  answered,
})
const put: Put = { key: 'objects/c-1', at: 1, onlyIfAbsent: true, created: true }
const done = (sort: Done['sort'], status: string, code: string | null = null): Done => {
  const ended = aDone({ sort, status, code })
  if (sort === 'raw') return { ...ended, key: 'tenants/t/dev/raw/ra_1/file.bin' }
  if (sort !== 'batch') return ended
  return { ...ended, inputs: 2, items: code === null ? [1, 2].map((n) => ({ n, state: 'committed' })) : null }
}
/** Notes of a batch, by their number, in the order they were written. */
const wrote = (...numbers: number[]): Seen => {
  const effects = numbers.map((number, at): Effect => {
    const said = { tenant_id: 't', operation_id: 'op_1', note_id: `n_${at}`, at: '' }
    return { n: at, what: 'INSERT', text: `c-1 / ${number}`, ...said }
  })
  return { ...NOTHING, notes: Map.groupBy(effects, ({ text }) => text) }
}
const registered = (text: string, ...more: string[]): Seen => ({
  ...NOTHING,
  store: new Map(
    [['raw/ra_1/file.bin', text], ...more.map((key) => [key, text] as const)].map(([key = '', bytes]) => [
      key,
      Buffer.from(bytes ?? ''),
    ]),
  ),
  puts: new Map([['raw/ra_1/file.bin', [put]]]),
})
const told = (...answered: (number | null)[]): Seen => {
  const sent = new Map([['op_1', answered.map(request)]])
  return { ...NOTHING, keyed: sent, blind: sent }
}
const lies = (text: string, puts = [put]): Seen => ({
  ...NOTHING,
  store: new Map([['objects/c-1', Buffer.from(text)]]),
  puts: new Map([['objects/c-1', puts]]),
})

test.each([
  ['a failure without an answer', 'keyed', 'failed', 'effect.failed', told()],
  ['a lost reply called failed', 'keyed', 'failed', 'effect.failed', told(null)],
  ['a server error called failed', 'keyed', 'failed', 'effect.failed', told(500)],
  ['an answer to come again called failed', 'blind', 'failed', 'effect.failed', told(409)],
  ['an effect called failed', 'blind', 'failed', 'effect.failed', told(200)],
  ['an effect called failed after a second answer', 'keyed', 'failed', 'effect.failed', told(200, 422)],
  ['a run terminated that nobody terminated', 'blind', 'failed', 'run.terminated', told()],
  ['executed without an answer', 'blind', 'executed', null, told(null)],
  ['executed by a server error', 'keyed', 'executed', null, told(500)],
  ['a blind request sent twice', 'blind', 'executed', null, told(200, 200)],
  ['sent though it was blocked', 'keyed', 'blocked', null, told(200)],
  ['an object that is not there', 'object', 'executed', null, NOTHING],
  ['other bytes', 'object', 'executed', null, lies('other')],
  ['an object that nobody put', 'object', 'executed', null, lies('text of c-1', [])],
  ['an object created twice', 'object', 'executed', null, lies('text of c-1', [put, put])],
  ['an object put over another', 'object', 'executed', null, lies('text of c-1', [{ ...put, onlyIfAbsent: false }])],
  ['a failure that left its object', 'object', 'failed', 'run.terminated', lies('text of c-1')],
  ['an object that failed for no reason', 'object', 'failed', 'effect.failed', NOTHING],
  ['an object begun though nobody voted', 'object', 'expired', null, { ...lies('x'), store: new Map() }],
  ['an upload registered with other bytes', 'raw', 'executed', null, registered('other')],
  ['an upload that lies in two places', 'raw', 'executed', null, registered('text of c-1', 'raw/ra_1/again.bin')],
  ['an upload that is there and failed', 'raw', 'failed', 'run.terminated', registered('text of c-1')],
  ['an upload that was lost', 'raw', 'failed', 'effect.precondition_failed', NOTHING],
  ['an input done twice', 'batch', 'executed', null, wrote(1, 2, 2)],
  ['an input not done', 'batch', 'executed', null, wrote(1)],
  ['inputs out of order', 'batch', 'executed', null, wrote(2, 1)],
  ['inputs done of a batch that was stopped before', 'batch', 'failed', 'kill_switch.blocked', wrote(1)],
  ['a note that was not written', 'note by vote', 'executed', null, NOTHING],
  ['a note that failed for no reason', 'note by grant', 'failed', 'internal.error', NOTHING],
  ['a request refused', 'refused', 'refused', 'auth.invalid', NOTHING],
] as const)('it says so: %s', (_what, sort, status, code, seen) => {
  expect(findWrong(seen, done(sort, status, code))).not.toEqual([])
})

test.each([
  ['the target refused it', 'keyed', 'failed', 'effect.failed', told(500, 422)],
  ['the target refused it', 'blind', 'failed', 'effect.failed', told(422)],
  ['nobody knows', 'blind', 'unknown', null, told(null)],
  ['applied in the end', 'keyed', 'executed', null, told(null, 500, 200)],
  ['put twice, created once', 'object', 'executed', null, lies('text of c-1', [{ ...put, created: false }, put])],
  ['nobody knows, and it is there', 'object', 'unknown', null, lies('text of c-1')],
  ['registered as it was uploaded', 'raw', 'executed', null, registered('text of c-1')],
  ['all inputs done in order', 'batch', 'executed', null, wrote(1, 2)],
  ['stopped before the first input', 'batch', 'failed', 'kill_switch.blocked', NOTHING],
  ['its run was terminated', 'note by vote', 'failed', 'run.terminated', { ...NOTHING, terminated: new Set(['op_1']) }],
] as const)('it says nothing: %s', (_what, sort, status, code, seen) => {
  expect(findWrong(seen, done(sort, status, code))).toEqual([])
})

const wroteOne: Seen = (() => {
  const effect: Effect = { n: 1, what: 'INSERT', text: 'c-1', tenant_id: 't', operation_id: 'op_1', note_id: 'n_1', at: '' }
  return { ...NOTHING, notes: new Map([['c-1', [effect]]]) }
})() // biome-ignore format: one row

test.each([
  ['note by grant', 0, wroteOne, true],
  ['note by vote', 0, wroteOne, false],
  ['note by vote', 1, wroteOne, true],
  ['refused', 0, wroteOne, false],
  ['refused', 2, wroteOne, false],
  ['keyed', 1, told(200), false],
  ['keyed', 2, told(200), true],
  ['blind', 1, told(200), false],
] as const)('of %s with %i who said yes', (sort, voters, seen, isSound) => {
  expect(findWrong(seen, { ...done(sort, 'executed'), voters }).length).toBe(isSound ? 0 : 1)
})

test('inside the window of a stop no request, no object and no note begins', () => {
  const window = { from: 100, to: 200, notes: [5, 5] as const }
  const at = (...times: number[]) => ({ received: times.map((each) => ({ ...request(200), at: each })) })
  const puts = (...keys: string[]) => keys.map((key) => ({ ...put, key: `tenants/t/dev/${key}`, at: 150 }))
  const none = { tenantId: 't', keyed: at(), blind: at(), puts: [] as Put[] }
  const late = (more: Partial<typeof none>, notes = window.notes as readonly [number, number]) =>
    findLate({ ...none, ...more }, { ...window, notes }).length
  expect(late({ keyed: at(99, 201), puts: puts('operations/op_1/bundle.zip', 'audit/checkpoint') })).toBe(0)
  expect(late({ keyed: at(150) })).toBe(1)
  expect(late({ blind: at(101, 199) })).toBe(2)
  expect(late({ puts: puts('objects/c-1', 'raw/ra_1/a.txt') })).toBe(2)
  expect(late({}, [5, 7])).toBe(1)
})

test('the watch tells puts from other requests, and answers of one connection from those of another', () => {
  const watch = new StoreWatch()
  const [one, other] = [{}, {}]
  const ask = (connection: object, text: string) => watch.asked(connection, Buffer.from(text))
  const answer = (connection: object, text: string) => watch.answered(connection, Buffer.from(text))
  ask(one, 'PUT /exoarmur/tenants/t/dev/objects/a%20b?x-id=PutObject HTTP/1.1\r\nIf-None-Match: *\r\n\r\nbytes')
  ask(other, 'GET /exoarmur/tenants/t/dev/objects/c HTTP/1.1\r\n\r\n')
  answer(other, 'HTTP/1.1 200 OK\r\n')
  answer(one, 'HTTP/1.1 412 Precondition Failed\r\n')
  ask(one, 'PUT /exoarmur/tenants/t/dev/objects/c HTTP/1.1\r\n\r\n')
  answer(one, 'HTTP/1.1 200 OK\r\n')
  ask(one, 'HEAD /exoarmur/tenants/t/dev/objects/c HTTP/1.1\r\n\r\n')
  expect(watch.puts.map(({ key, onlyIfAbsent, created }) => [key, onlyIfAbsent, created])).toEqual([
    ['tenants/t/dev/objects/a b', true, false],
    ['tenants/t/dev/objects/c', false, true],
  ])
})
