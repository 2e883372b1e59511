/**
 * The first lock on tenancy, asked of every route: nine principals of a tenant try the ids of another in path, query, body,
 * header, cursor and idempotency key, and each answer is byte for byte the one to an id that is nobody's. Driven by the
 * router: a route somebody adds tomorrow fails until test/support/isolation-rows.ts says where it takes ids.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { makeApi } from '../../api/app.ts'
import { callers, keyParts } from '../support/client.ts'
import { newPublicJwk } from '../support/own-key.ts'
import { Database } from '../support/database.ts'
import type { RawAnswer } from '../support/envelope.ts'
import { CONTEXT_FREE_ROUTES, type Ids, OPEN_ROUTES, type Row, ROWS } from '../support/isolation-rows.ts'
import { fire } from '../support/mutations.ts'
import { notRequired } from '../support/opening.ts'
import { type MemberName, makeTenant, pending, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'

const { url, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)

const PRINCIPALS = [
  'owner',
  'admin',
  'operator',
  'operator2',
  'member',
  'viewer',
  'auditor',
  'agent',
  'service',
] as const satisfies MemberName[]
const PLACES = ['path', 'query', 'body', 'header', 'cursor', 'key', 'plain'] as const
type Place = (typeof PLACES)[number]
/** Stands in whatever belongs to the other tenant, and in nothing of ours. */
const MARK = 'nebula'
const AT_ONCE = 24

interface Question {
  path: string
  headers?: Record<string, string>
  body?: unknown
}
interface Cell {
  route: string
  place: Place
  /** The same question about these ids. */
  ask(ids: Ids): Question
}

const ROUTES = await routesOfRouter()
let ours: Tenant
let theirs: Tenant
let foreign: Ids
let absent: Ids
/** Cursors of the other tenant by route. */
const cursors = new Map<string, string>()
const counts = new Map<string, Map<Place, number>>()

async function routesOfRouter(): Promise<string[]> {
  const api = makeApi({ addressLimit: 1, log: { error: () => undefined } } as never)
  const routes = api.app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
  await api.close()
  return [...new Set(routes)].sort()
}

beforeAll(async () => {
  const all = callers(url, credentials)
  ;[ours, theirs] = await Promise.all([makeTenant(all, url, 'ours'), makeTenant(all, url, MARK)])
  const open = {
    ...UNLIMITED,
    license_types: [{ id: 'lt_a', name: 'A' }],
    not_required: notRequired('reversible', 'contained'),
    temperature: [{ surface_id: 's_main', ceilings: { k: '5' } }],
  }
  await Promise.all([ours.open(open), theirs.open(open)])
  foreign = await furnish()
  absent = {
    tenant: 't_absent_00000000',
    operation: `op_${'0'.repeat(32)}`,
    note: `n_${'0'.repeat(26)}`,
    notebook: 'absent',
    object: 'absent.txt',
    asset: `ra_${'0'.repeat(32)}`,
    principal: 'p_absent_owner',
    person: 'u_absent_owner',
    api_key: '0'.repeat(18),
    operator_key: `ok_${'0'.repeat(43)}`,
    project: 'p_absent',
    surface: 's_absent',
    app: 'a_absent',
    lock: `sl_${'0'.repeat(32)}`,
    grant: `gr_${'0'.repeat(24)}`,
    question: `tw_${'0'.repeat(32)}`,
    hash: '0'.repeat(64),
    key: 'absent-key',
    cursor: 'MA.AAAAAAAAAAAAAAAAAAAAAA',
  }
})
afterAll(async () => {
  process.stderr.write(`${drawn()}\n`)
  await owner.end()
})

/** One of everything that can be named, in the other tenant; all of it real, so that what is hidden is there. */
async function furnish(): Promise<Ids> {
  const by = (name: MemberName) => theirs.as(name)
  const done = async (asked: Awaited<ReturnType<typeof pending>>) => {
    await vote(by('operator'), asked)
    return await theirs.ended(asked.id)
  }
  for (const [kind, prefix] of [
    ['projects', 'p'],
    ['surfaces', 's'],
    ['apps', 'a'],
  ])
    expect((await by('owner').post(`/${kind}`, { id: `${prefix}_${MARK}`, name: MARK })).status).toBe(201)
  const executed = await done(await pending(by('member'), { notebook: 'commons', text: MARK }))
  for (const notebook of ['commons', `${MARK}-book`]) await done(await pending(by('member'), { notebook, text: MARK }))
  const object = await by('owner').post('/operations', {
    action: 'object.put',
    input: { name: `${MARK}.txt`, text: MARK },
  })
  expect((await done(object.body)).status).toBe('executed')
  const bytes = Buffer.from(MARK)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const ticket = await by('owner').post('/nexus/raw/presign-upload', {
    filename: `${MARK}.txt`,
    sha256,
    size_bytes: bytes.length,
  })
  const form = new FormData()
  for (const [name, value] of Object.entries(ticket.body.fields)) form.append(name, String(value))
  form.append('file', new Blob([bytes]))
  await fetch(ticket.body.url, { method: 'POST', body: form })
  const upload = await by('owner').post('/nexus/raw/register', { asset_id: ticket.body.asset_id })
  expect((await done(upload.body)).status).toBe('executed')
  const public_jwk = newPublicJwk()
  const operatorKey = await done((await by('operator2').post('/operator-keys', { public_jwk })).body)
  const draft = {
    title: MARK,
    allowed_actions: ['note.append'],
    surface_id: `s_${MARK}`,
    valid_until: '2090-01-01T00:00:00Z',
  }
  const lock = await by('owner').post('/strategy-locks', draft)
  const licence = {
    principal_id: theirs.principal('member'),
    license_type: 'lt_a',
    actions: ['note.append'],
    expires_at: '2090-01-01T00:00:00Z',
  }
  await theirs.policy({ grants: [licence, licence] })
  const grants = await by('viewer').get('/firearms/grants')
  const stop = { scope: 'tenant', state: 'stopped', actions: ['note.list'], reason: MARK }
  expect((await by('operator').put('/kill-switches', stop)).status).toBe(200)
  const binds = { action: 'note.append', input: { notebook: 'commons', text: MARK } }
  const question = await by('owner').post('/three-wise/questions', { question: MARK, binds })
  // Two of each, so that a list of one has a page after it.
  const cost = { cost: '1', action: 'note.append' }
  for (let i = 0; i < 2; i++) {
    expect((await by('owner').post('/strategy-locks', draft)).status).toBe(201)
    expect((await by('owner').post('/three-wise/questions', { question: MARK, binds })).status).toBe(201)
    expect((await by('service').post('/kpi/raw', { kpi: 'k', value: '1' })).status).toBe(201)
    expect((await by('service').post('/budget/usage', cost)).status).toBe(201)
  }
  const key = `${MARK}-key`
  for (const [route, row] of rows())
    if (row.keyed !== undefined) {
      const [method = '', path = ''] = route.split(' ')
      for (const name of PRINCIPALS) await by(name).call(method, path, row.keyed, { key: `${key}.${path.slice(1)}` })
    }
  for (const [route, row] of rows())
    if (row.list !== undefined) {
      const path = `${route.split(' ')[1]}${row.list}`
      const { body } = await by('auditor').get(`${path}${path.includes('?') ? '&' : '?'}limit=1`)
      cursors.set(route, body.next_cursor ?? body.items?.at(-1)?.cursor ?? '')
    }
  await until(
    'an operation of the other tenant is sealed',
    async () => (await by('operator').get(`/operations/${executed.id}/bundle`)).status === 200,
  )
  return {
    tenant: theirs.id,
    operation: executed.id,
    note: executed.effect.result.note_id,
    notebook: `${MARK}-book`,
    object: `${MARK}.txt`,
    asset: ticket.body.asset_id,
    principal: theirs.principal('member'),
    person: await personOf('owner'),
    api_key: keyParts(theirs.as('member').token).id,
    operator_key: operatorKey.effect.result.kid,
    project: `p_${MARK}`,
    surface: `s_${MARK}`,
    app: `a_${MARK}`,
    lock: lock.body.id,
    grant: grants.body.items[0].id,
    question: question.body.id,
    hash: lock.body.content_hash,
    key,
    cursor: '',
  }
}

async function personOf(name: MemberName): Promise<string> {
  const [row] = await owner.query<{ person_id: string }>('select person_id from principals where id = $1', [
    theirs.principal(name),
  ])
  return row?.person_id ?? ''
}

function rows(): [string, Row][] {
  return Object.entries(ROWS).flatMap(([route, given]) => [given].flat().map((row): [string, Row] => [route, row]))
}

const withQuery = (path: string, query: string) => `${path}${path.includes('?') ? '&' : '?'}${query}`

/** Every question that the table and the router make. */
function cells(): Cell[] {
  const found: Cell[] = []
  const closed = ROUTES.filter((route) => !OPEN_ROUTES.includes(route) && !CONTEXT_FREE_ROUTES.includes(route))
  for (const route of closed) {
    const [method = '', pattern = ''] = route.split(' ')
    const nowhere = pattern.replace(/:\w+/, absent.operation)
    const needs = [ROWS[route] ?? {}].flat()[0]?.plain ?? ''
    const mutates = method !== 'GET'
    const base: Question = mutates ? { path: nowhere, body: {} } : { path: `${nowhere}${needs}` }
    for (const kind of ['tenant', 'project', 'surface', 'app'] as const)
      found.push({ route, place: 'header', ask: (ids) => ({ ...base, headers: { [`x-${kind}-id`]: ids[kind] } }) })
    const repeated = ({ tenant, project, surface }: Ids) =>
      `tenant_id=${tenant}&project_id=${project}&surface_id=${surface}`
    found.push({ route, place: 'query', ask: (ids) => ({ ...base, path: withQuery(base.path, repeated(ids)) }) })
    if (mutates)
      found.push({
        route,
        place: 'body',
        ask: (ids) => ({ ...base, body: { tenant_id: ids.tenant, user_id: ids.principal } }),
      })
  }
  for (const [route, row] of rows()) {
    const path = route.split(' ')[1] ?? ''
    const { path: named, body, query = [], list } = row
    if (named !== undefined)
      found.push({
        route,
        place: 'path',
        ask: (ids) => ({
          path: path.replace(/:\w+/, ids[named]),
          ...(body === undefined ? {} : { body: body(absent) }),
        }),
      })
    else if (body !== undefined) found.push({ route, place: 'body', ask: (ids) => ({ path, body: body(ids) }) })
    for (const each of query)
      found.push({ route, place: 'query', ask: (ids) => ({ path: withQuery(path, each(ids)) }) })
    if (list !== undefined)
      found.push({
        route,
        place: 'cursor',
        ask: (ids) => {
          const cursor = ids === foreign ? (cursors.get(route) ?? '') : ids.cursor
          return {
            path: withQuery(`${path}${list}`, `${route === 'GET /events' ? 'after' : 'cursor'}=${cursor}&limit=1`),
          }
        },
      })
    if (row.keyed !== undefined)
      found.push({
        route,
        place: 'key',
        ask: (ids) => ({ path, body: row.keyed, headers: { 'idempotency-key': `${ids.key}.${path.slice(1)}` } }),
      })
  }
  // What is read does not change while it is read twice.
  return found.sort((a, b) => Number(!a.route.startsWith('GET')) - Number(!b.route.startsWith('GET')))
}

async function ask(name: MemberName, method: string, { path, headers = {}, body }: Question): Promise<RawAnswer> {
  return await fire(url, {
    method,
    path,
    headers: {
      authorization: `Bearer ${ours.as(name).token}`,
      'x-mode': 'lab',
      'x-project-id': 'p_main',
      'x-request-id': 'the-same',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
    done: [],
  })
}

/** An answer without the ids that were asked about; of one that is no refusal, without what is new each time either. */
function told({ status, headers, text }: RawAnswer, ids: Ids, route: string): string {
  let same = text
  const named = Object.entries(ids).filter(([, id]) => id !== '')
  // The longest first, since one may begin as another does.
  for (const [kind, id] of named.sort(([, a], [, b]) => b.length - a.length)) same = same.replaceAll(id, `<${kind}>`)
  if (status < 400)
    same = same
      .replaceAll(/\b(op|p|n|u|sl|bu|tw)_[0-9a-f]{26,32}\b/g, '$1_')
      .replaceAll(/"checkpoint":"[^"]*"/g, 'checkpoint')
      .replaceAll(/\b[0-9a-f]{64}\b/g, '#')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'uuid')
      .replaceAll(/key_[0-9a-f]{24}|xt_[\w-]{43}|ra_[0-9a-f]{32}/g, 'new')
  const cursor = cursors.get(route)
  if (cursor !== undefined && cursor !== '') same = same.replaceAll(cursor, '<cursor>')
  const names = [...headers.keys()].filter((name) => !/^(date|content-length|location)$/.test(name)).sort()
  return `${status} ${names.join()} ${same}`
}

/** Where two answers begin to differ. */
function apart(there: string, nowhere: string): string {
  const at = [...there].findIndex((letter, index) => letter !== nowhere[index])
  const from = Math.max(0, at - 150)
  return `  foreign ${there.slice(0, 4)}… ${there.slice(from, from + 300)}\n  absent  ${nowhere.slice(0, 4)}… ${nowhere.slice(from, from + 300)}`
}

/** Runs work over all items, so many at once. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < items.length) {
        const item = items[next++]
        if (item !== undefined) await work(item)
      }
    }),
  )
}

function count(route: string, place: Place): void {
  const row = counts.get(route) ?? new Map<Place, number>()
  row.set(place, (row.get(place) ?? 0) + 1)
  counts.set(route, row)
}

function drawn(): string {
  const line = (name: string, numbers: readonly (number | string)[]) =>
    `${name.padEnd(36)}${numbers.map((each) => String(each).padStart(8)).join('')}`
  const total = (place: Place) => [...counts.values()].reduce((sum, row) => sum + (row.get(place) ?? 0), 0)
  return [
    `[isolation] comparisons by route and place, ${PRINCIPALS.length} principals of one tenant, ids of the other`,
    line('route', PLACES),
    ...[...counts].sort().map(([route, row]) =>
      line(
        route,
        PLACES.map((place) => row.get(place) ?? '.'),
      ),
    ),
    line(`${counts.size} routes`, PLACES.map(total)),
    line('in all', [PLACES.reduce((sum, place) => sum + total(place), 0)]),
  ].join('\n')
}

/** All that the other tenant has, but for what its own sealing and sequencing still write. */
async function footprint(): Promise<Record<string, string>> {
  const tables = await owner.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
       and c.relname not in ('outbox', 'seals', 'audit_leaves', 'audit_nodes', 'audit_heads') order by 1`,
  )
  const found: Record<string, string> = {}
  for (const { name } of tables) {
    const [row] = await owner.within<{ digest: string }>(
      theirs.id,
      `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '' order by t::text)), '') as digest from ${name} t where tenant_id = $1`,
      [theirs.id],
    )
    found[name] = row?.digest ?? ''
  }
  const leaves = await owner.within<{ n: string }>(
    theirs.id,
    `select count(*)::text as n from audit_leaves where tenant_id = $1 and kind <> 'operation.sealed'`,
    [theirs.id],
  )
  return { ...found, leaves: leaves[0]?.n ?? '' }
}

describe('the table of routes', () => {
  test('has a row for every route of the router, and for no other', () => {
    expect([...Object.keys(ROWS), ...OPEN_ROUTES, ...CONTEXT_FREE_ROUTES].sort()).toEqual(ROUTES)
  })

  test('says of every path with a parameter what it names, words aside that are everybody’s', () => {
    const silent = rows().filter(([route, row]) => route.includes(':') && row.path === undefined)
    expect(silent.map(([route]) => route)).toEqual(['GET /actions/:name', 'GET /config/:scope', 'PUT /config/:scope'])
  })
})

describe('an id of another tenant', () => {
  test('is in nothing that anybody is shown who names nothing', async () => {
    const shown: string[] = []
    const reads = rows().flatMap(([route, { plain }]) =>
      plain === undefined ? [] : PRINCIPALS.map((name) => ({ route, plain, name })),
    )
    await each(reads, async ({ route, plain, name }) => {
      const { status, text } = await ask(name, 'GET', { path: `${route.split(' ')[1]}${plain}` })
      if (text.includes(MARK) || status >= 500) shown.push(`${name} ${route} ${status} ${text.slice(0, 300)}`)
      count(route, 'plain')
    })
    for (const route of [...OPEN_ROUTES, ...CONTEXT_FREE_ROUTES]) {
      const { text } = await ask('owner', 'GET', { path: route.split(' ')[1] ?? '' })
      if (text.includes(MARK)) shown.push(`${route} ${text.slice(0, 300)}`)
      count(route, 'plain')
    }
    expect(shown.slice(0, 10)).toEqual([])
  })

  test('is answered as one that is nobody’s, wherever it is put and whoever puts it, and nothing there changes', async () => {
    const before = await footprint()
    const different: string[] = []
    const asked = cells().flatMap((cell) => PRINCIPALS.map((name) => ({ cell, name })))
    expect([...cursors].filter(([, cursor]) => cursor === '')).toEqual([])
    await each(asked, async ({ cell: { route, place, ask: question }, name }) => {
      const [method = ''] = route.split(' ')
      const answers = []
      for (const ids of [foreign, absent]) answers.push({ ids, answer: await ask(name, method, question(ids)) })
      const [there = '', nowhere = ''] = answers.map(({ ids, answer }) => told(answer, ids, route))
      if (there !== nowhere || there.includes(MARK) || there.startsWith('5'))
        different.push(`${name} ${route} ${place}\n${apart(there, nowhere)}`)
      count(route, place)
    })
    expect(different.slice(0, 10)).toEqual([])
    expect(await footprint()).toEqual(before)
  })
})
