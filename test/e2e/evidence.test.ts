/** What an operation leaves behind and what a deployment publishes: receipts, seals, the log and its proofs, the document. */
import { randomBytes } from 'node:crypto'
import { compactVerify, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { makeApi } from '../../api/app.ts'
import { CONSOLE_FILES, CONSOLE_PAGE } from '../../api/console-files.ts'
import { canonicalJson, type JsonObject } from '../../domain/canonical.ts'
import { sha256Hex, sha256TextHex } from '../../domain/hash.ts'
import { verifyConsistency, verifyInclusion } from '../../domain/log/merkle.ts'
import { openNote, parseCheckpointBody } from '../../domain/log/note.ts'
import { intentHash, planHash } from '../../domain/plan.ts'
import { approve, Caller, callers, keyParts } from '../support/client.ts'
import { expectDescribed } from '../support/described.ts'
import { Database } from '../support/database.ts'
import { send } from '../support/envelope.ts'
import { ownKey } from '../support/own-key.ts'
import {
  makeTenant,
  type Operation,
  pending,
  propose,
  refused,
  standingFor,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, addresses } = inject('deployment')
const all = callers(url, credentials)
const owner = new Database(addresses.postgres.ownerUrl)
const note = (text: string, notebook = 'evidence') => ({ notebook, text })
let tenant: Tenant

beforeAll(async () => {
  tenant = await makeTenant(all, url, 'evidence')
  await tenant.open({ ...UNLIMITED, ...standingFor(tenant) })
  // A log long enough that no order but the log's own puts its pages right.
  await Promise.all(Array.from({ length: 30 }, (_, i) => propose(tenant.as('agent'), note(`filler ${i}`))))
})
afterAll(() => owner.end())
describe('what is left behind', () => {
  let row: Operation
  beforeAll(async () => {
    row = (await propose(tenant.as('agent'), note('evidence', 'evidence'))).body
  })

  test('a receipt that any JOSE library verifies with the published trust root', async () => {
    const { body } = await tenant.as('viewer').get(`/operations/${row.id}/receipt`)
    const trust = (await all.nobody.get('/trust')).body
    const { payload, protectedHeader } = await compactVerify(body.jws, async (header?: { kid?: string }) => {
      const key = trust.keys.find((each: JsonObject) => each.kid === header?.kid && each.purpose === 'receipt')
      return await importJWK(key.jwk, 'EdDSA')
    })
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: 'exo-receipt+jwt' })
    expect(new TextDecoder().decode(payload)).toBe(canonicalJson(body.receipt))
    expect(body.receipt).toMatchObject({
      operation_id: row.id,
      tenant_id: tenant.id,
      status: 'executed',
      intent_hash: row.intent_hash,
      decision_hash: row.decision_hash,
      effect: { state: 'committed', result: row.effect.result },
      approval: { satisfied_by: 'license' },
    })
    expect(intentHash(body.receipt.intent)).toBe(row.intent_hash)
    expect(planHash(body.receipt.plan)).toBe(row.plan_hash)
  })

  test('a bundle holds the leaves that tell its story, however many others there are', async () => {
    const key = await ownKey(tenant, 'operator2', 'operator')
    const [enrolment] = (await tenant.as('owner').get('/operations?action=operator_key.create')).body.items
    const asked = await pending(tenant.as('member'), note('tried in vain', 'evidence'))
    const inVain = { decision: 'approve', intent_hash: '0'.repeat(64), reason: 'no' }
    for (const { id } of [asked, enrolment, asked, enrolment])
      expect(refused(await tenant.as('operator').post(`/operations/${id}/decisions`, inVain))).toEqual([
        409,
        'approval.intent_mismatch',
      ])
    const voted = await vote(tenant.as('operator2'), asked, 'approve', { vote: await key.sign(tenant, asked) })
    expect(voted.body.operation.status).toBe('executed')
    expect(await verifyBundles(tenant.as('auditor'), [asked.id])).toEqual({ verdict: 'PASS', runs: 1, failures: [] })
    const [seal] = await owner.within<{ jws: string }>(tenant.id, 'select jws from seals where operation_id = $1', [
      asked.id,
    ])
    const { leaves } = JSON.parse(Buffer.from(seal?.jws.split('.')[1] ?? '', 'base64url').toString())
    const kinds = await owner.within<{ kind: string; whose: string }>(
      tenant.id,
      `select kind, operation_id as whose from audit_leaves where seq = any ($1) order by seq`,
      [leaves.map(({ seq }: { seq: number }) => seq)],
    )
    expect(kinds.map(({ kind, whose }) => (whose === asked.id ? kind : `${kind} of the key`))).toEqual([
      'control.changed of the key',
      'operation.requested',
      'operation.pending',
      'vote.accepted',
      'effect.intent',
      'effect.outcome',
      'operation.closed',
    ])
  })

  test('a sealed history and a bundle, 202 until they are there', async () => {
    const fresh = (await propose(tenant.as('agent'), note('sealing', 'evidence'))).body
    const early = await tenant.as('operator').get(`/operations/${fresh.id}/bundle`)
    expect([200, 202]).toContain(early.status)
    if (early.status === 202) {
      expect(early.body).toEqual({ operation_id: fresh.id, state: 'sealing' })
      expect(early.headers.get('retry-after')).toMatch(/^\d+$/)
    }
    const bundle = await until('the bundle is there', async () => {
      const answer = await send(url, {
        method: 'GET',
        path: `/operations/${fresh.id}/bundle`,
        headers: { authorization: `Bearer ${tenant.as('auditor').token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
      })
      return answer.status === 200 ? answer : null
    })
    expect(bundle.headers.get('content-type')).toBe('application/zip')
    const history = await tenant.as('viewer').get(`/operations/${fresh.id}/history`)
    expect(history.body.events.length).toBeGreaterThan(4)
    expect((await tenant.as('viewer').get(`/operations/${fresh.id}/bundle`)).status).toBe(403)
    const [seal] = await owner.within<{ jws: string }>(tenant.id, 'select jws from seals where operation_id = $1', [
      fresh.id,
    ])
    const claims = JSON.parse(Buffer.from(seal?.jws.split('.')[1] ?? '', 'base64url').toString()) as {
      history_sha256: string
      receipt_sha256: string
    }
    const text = await send(url, {
      method: 'GET',
      path: `/operations/${fresh.id}/history`,
      headers: { authorization: `Bearer ${tenant.as('viewer').token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
    })
    expect(sha256TextHex(text.text)).toBe(claims.history_sha256)
    const { body } = await tenant.as('viewer').get(`/operations/${fresh.id}/receipt`)
    expect(sha256TextHex(canonicalJson(body.receipt))).toBe(claims.receipt_sha256)
  })

  test('leaves in order, one end among them, each proven in a tree whose head the note key signed', async () => {
    await tenant.leavesUpTo(row.id, 'operation.sealed')
    const auditor = tenant.as('auditor')
    const { items } = (await auditor.get(`/audit?operation_id=${row.id}`)).body as {
      items: { seq: number; leaf_hash: string; entry: string; leaf: { kind: string } }[]
    }
    expect(items.map((item) => item.leaf.kind)).toEqual([
      'operation.requested',
      'effect.intent',
      'effect.outcome',
      'operation.closed',
      'operation.sealed',
    ])
    const key = (await all.nobody.get('/.well-known/exo-note-key')).body as unknown as string
    const checkpoint = (await auditor.get('/audit/checkpoint')).body as unknown as string
    const { origin, size, root } = parseCheckpointBody(openNote(checkpoint, [key.trim()]).body)
    expect(origin.endsWith(`/${tenant.id}`)).toBe(true)
    const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
    for (const item of items) {
      const entry = new Uint8Array(Buffer.from(item.entry, 'base64'))
      expect(new TextDecoder().decode(entry)).toBe(canonicalJson(item.leaf))
      expect(sha256Hex(Uint8Array.of(0, ...entry))).toBe(item.leaf_hash)
      const proof = (await auditor.get(`/audit/proof?leaf=${item.seq}&size=${size}`)).body
      expect([proof.leaf_index, proof.tree_size, proof.leaf_hash]).toEqual([item.seq, size, item.leaf_hash])
      const claim = { leafHash: bytes(item.leaf_hash), index: item.seq, size, root, hashes: proof.hashes.map(bytes) }
      expect(verifyInclusion(claim)).toBe(true)
      expect(verifyInclusion({ ...claim, index: item.seq - 1 })).toBe(false)
    }
    for (const from of [1, 2, 3, Math.floor(size / 2), size - 1, size]) {
      const proof = (await auditor.get(`/audit/consistency?from=${from}&to=${size}`)).body
      const claim = { from, to: size, fromRoot: bytes(proof.from_root), toRoot: root, hashes: proof.hashes.map(bytes) }
      expect(verifyConsistency(claim), `from ${from}`).toBe(true)
      if (from < size)
        expect(verifyConsistency({ ...claim, fromRoot: bytes('00'.repeat(32)) }), `from ${from}`).toBe(false)
    }
    const beyond = await auditor.get(`/audit/proof?leaf=${size + 1000}`)
    expect(refused(beyond)).toEqual([404, 'resource.not_found'])
  })

  test('a log that is dense, whole in its export, and readable page by page', async () => {
    const exported = (await tenant.as('auditor').get('/audit/export')).body as {
      entries: { seq: number; entry: string }[]
    }
    expect(exported.entries.map((entry) => entry.seq)).toEqual(exported.entries.map((_, index) => index))
    type Page = { body: { items: { entry: string }[]; next_cursor: string | null } }
    const paged: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: Page = await tenant.as('auditor').get(`/audit?limit=150${cursor === '' ? '' : `&cursor=${cursor}`}`)
      paged.push(...page.body.items.map((item) => item.entry))
      cursor = page.body.next_cursor
    }
    expect(paged.slice(0, exported.entries.length)).toEqual(exported.entries.map((entry) => entry.entry))
    expect(refused(await tenant.as('member').get('/audit'))).toEqual([403, 'auth.insufficient_role'])
  })
})

describe('the document of the API', () => {
  test('lists every route with its kind, and no other but the parts of a page', async () => {
    const { body } = await all.nobody.get('/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    const documented = Object.entries<Record<string, { description: string }>>(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { description }]) => {
        expect(description, path).toMatch(/^Kind: (read|record|operation|control operation|open)\.$/)
        return `${method.toUpperCase()} ${path}`
      }),
    )
    const api = makeApi({ addressLimit: 1, log: { error: () => undefined } } as never)
    const served = api.app.routes
      .filter(({ method, path }) => method !== 'ALL' && (path === CONSOLE_PAGE || CONSOLE_FILES[path] === undefined))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    await api.close()
    expect(documented.sort()).toEqual([...new Set(served)].sort())
    expect(served.length).toBeGreaterThan(30)
  })

  test('is there for people too, and needs no credential', async () => {
    const page = await fetch(`${url}/docs`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8'])
    for (const path of ['/healthz', '/readyz', '/metrics', '/trust'])
      expect((await all.nobody.get(path)).status).toBe(200)
    for (const path of ['/trust', '/openapi.json', '/metrics', '/.well-known/exo-note-key'])
      expect(JSON.stringify((await all.nobody.get(path)).body)).not.toContain(tenant.id)
  })
})

test('keys are handed out once, and never stand in a result, receipt or leaf', async () => {
  const id = `t_keys_${randomBytes(4).toString('hex')}`
  const body = { id, name: 'Keys', members: [{ name: 'owner', kind: 'user', role: 'owner' }] }
  const asked = await all.platform.post('/tenants', body, { key: id })
  expect(refused(await approve(all.platform, asked.body))).toEqual([403, 'approval.self'])
  expect((await approve(all.platform2, asked.body)).body.operation.status).toBe('executed')
  const first = await all.platform.post('/tenants', body, { key: id })
  expectDescribed('post /tenants', first.body)
  const token = first.body.members[0].api_key as string
  expect(token).toMatch(/^exo_/)
  await until('the second repeat no longer tells the key', async () => {
    const again = await all.platform.post('/tenants', body, { key: id })
    return again.status === 200 && again.body.members[0].api_key === undefined
  })
  const { secret } = keyParts(token)
  const told = await Promise.all([
    all.platform.get(`/operations/${asked.body.id}`),
    all.platform.get(`/operations/${asked.body.id}/receipt`),
    all.platform.get(`/audit?operation_id=${asked.body.id}`),
  ])
  for (const answer of told) expect(JSON.stringify(answer.body)).not.toContain(secret)
  expect((await new Caller(url, token).get('/auth/me')).body.tenants[0].id).toBe(id)
})
