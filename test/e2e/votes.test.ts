/** Votes that operators sign themselves, through the route and as raw signals; and everything that only looks like one. */
import { randomBytes } from 'node:crypto'
import type { Client } from '@temporalio/client'
import { type CryptoKey, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { LIMITS } from '../../domain/limits.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { aVote } from '../support/domain.ts'
import { type OwnKey, ownKey } from '../support/own-key.ts'
import { openTemporal } from '../support/temporal.ts'
import {
  endedOf,
  makeTenant,
  notesIn,
  type Operation,
  pending,
  refused,
  type Tenant,
  UNLIMITED,
  vote,
} from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

const { url, credentials, addresses } = inject('deployment')
const note = (text: string, notebook = 'votes') => ({ notebook, text })
let tenant: Tenant
/** Operations with rows that nobody admitted: their bundles do not verify, and should not. */
const forged = new Set<string>()
let temporal: { client: Client; close(): Promise<void> }
const owner = new Database(addresses.postgres.ownerUrl)

beforeAll(async () => {
  temporal = await openTemporal(addresses.temporal)
  tenant = await makeTenant(callers(url, credentials), url, 'votes')
  await tenant.open(UNLIMITED)
})
afterAll(() => Promise.all([temporal.close(), owner.end()]))
describe('votes that carry a signature of their own', () => {
  let key: OwnKey
  const jws = async (row: Operation, changes: JsonObject = {}, header: JsonObject = {}, other?: CryptoKey) =>
    await key.sign(tenant, row, changes, header, other)
  const signal = async (row: Operation, ...args: unknown[]) =>
    await temporal.client.workflow.getHandle(`${tenant.id}/${row.id}`).signal('decide', ...args)
  const refusedLeaves = async (row: Operation, count: number) =>
    await until(`${row.id} has ${count} refused votes`, async () => {
      const found = (await tenant.leaves(row.id)).filter((leaf) => leaf.kind === 'vote.refused')
      return found.length >= count ? found : null
    })

  beforeAll(async () => {
    key = await ownKey(tenant, 'operator2', 'operator')
  })

  test('decide through the route, and from then on nothing less will do', async () => {
    const asked = await pending(tenant.as('agent'), note('signed', 'signed'))
    expect(refused(await vote(tenant.as('operator2'), asked))).toEqual([403, 'approval.signature_required'])
    const voted = await vote(tenant.as('operator2'), asked, 'approve', { vote: await jws(asked) })
    expect(voted.body.operation).toMatchObject({
      status: 'executed',
      approval: { votes: [{ by: tenant.principal('operator2'), assurance: 'self_signed', counted: true }] },
    })
  })

  test('say in the body what the signature says, or are refused', async () => {
    const asked = await pending(tenant.as('agent'), note('two tongues', 'signed'))
    const yes = await key.sign(tenant, asked)
    const answer = await vote(tenant.as('operator2'), asked, 'deny', { vote: yes })
    expect(refused(answer)).toEqual([400, 'validation.error'])
    expect(await tenant.operation(asked.id)).toMatchObject({ status: 'pending_approval', approval: { votes: [] } })
    expect((await vote(tenant.as('operator2'), asked, 'approve', { vote: yes })).body.operation.status).toBe('executed')
  })

  test('decide as a raw signal to the run', async () => {
    const asked = await pending(tenant.as('agent'), note('by signal', 'signed'))
    await signal(asked, await jws(asked))
    const row = await tenant.ended(asked.id)
    expect(row).toMatchObject({ status: 'executed', approval: { votes: [{ assurance: 'self_signed' }] } })
    expect(
      (await tenant.leavesUpTo(asked.id, 'operation.closed')).filter((leaf) => leaf.kind === 'vote.accepted'),
    ).toHaveLength(1)
  })

  test('deny as a raw signal', async () => {
    const asked = await pending(tenant.as('agent'), note('by signal, no', 'signed'))
    await signal(asked, await jws(asked, { decision: 'deny', reason: 'not like this' }))
    expect(await tenant.ended(asked.id)).toMatchObject({
      status: 'denied',
      error: { details: { reason: 'not like this' } },
    })
  })

  test.each([
    ['typ', {}, { typ: 'JWT' }],
    ['kid', {}, { kid: 'ok_nobody' }],
    ['tenant', { tenant: 't_demo' }, {}],
    ['operation', { operation_id: 'op_another' }, {}],
    ['intent', { intent_hash: '0'.repeat(64) }, {}],
    ['plan', { plan_hash: '0'.repeat(64) }, {}],
    ['shown', { shown_hash: '0'.repeat(64) }, {}],
    ['time', { iat: 1_700_000_000, exp: 1_700_000_600 }, {}],
    ['time', { exp: Math.floor(Date.now() / 1000) + 7200 }, {}],
    ['entitlement', { by: 'p_somebody_else' }, {}],
    ['entitlement', { nonce: 'short' }, {}],
    ['entitlement', { more: true }, {}],
  ] as const)('fail on %s with changes %j %j', async (check, changes, header) => {
    const asked = await pending(tenant.as('agent'), note(`refused ${check}`, 'signed'))
    const answer = await vote(tenant.as('operator2'), asked, 'approve', { vote: await jws(asked, changes, header) })
    expect([...refused(answer), answer.body.error.details.check]).toEqual([400, 'approval.vote_invalid', check])
    expect((await tenant.operation(asked.id)).approval.votes).toEqual([])
  })

  test('fail when the signature is by another key or a byte was changed', async () => {
    const asked = await pending(tenant.as('agent'), note('forged', 'signed'))
    const another = (await generateKeyPair('EdDSA', { crv: 'Ed25519' })).privateKey
    const good = await jws(asked)
    const [header = '', payload = '', signature = ''] = good.split('.')
    const forged = Buffer.from(payload, 'base64url').toString().replace('null', '"no"')
    for (const bad of [
      await jws(asked, {}, {}, another),
      [header, Buffer.from(forged).toString('base64url'), signature].join('.'),
      [header, payload, ''].join('.'),
    ]) {
      const answer = await vote(tenant.as('operator2'), asked, 'approve', { vote: bad })
      expect([...refused(answer), answer.body.error.details.check]).toEqual([400, 'approval.vote_invalid', 'signature'])
    }
    const unsigned = `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'exo-vote+jwt', kid: key.kid })).toString('base64url')}.${payload}.`
    const none = await vote(tenant.as('operator2'), asked, 'approve', { vote: unsigned })
    expect(none.body.error.details.check).toMatch(/^(alg|signature)$/)
    expect((await tenant.operation(asked.id)).approval.votes).toEqual([])
  })

  test('fail in every form that the verifier would refuse, or that no row holds', async () => {
    const asked = await pending(tenant.as('agent'), note('other forms', 'signed'))
    const good = await jws(asked)
    const text = async (change: (text: string) => string) => await key.signText(tenant, asked, change)
    const forms: [string, string][] = [
      ['signature', await jws(asked, {}, { note: 'more' })],
      ['signature', `${good.slice(0, -9)}\n${good.slice(-9)}`],
      ['signature', `${good}=`],
      ['entitlement', await text((claims) => claims.replace('{', '{"decision":"deny",'))],
      ['entitlement', await text((claims) => claims.replace('"reason":null', '"reason":"\\ud800"'))],
      ['entitlement', await text((claims) => claims.replace('"reason":null', '"reason":"a\\u0000"'))],
      ['entitlement', await text((claims) => `\ufeff${claims}`)],
      ['kid', await jws(asked, {}, { kid: `${key.kid}\0` })],
      ['kid', await jws(asked, {}, { kid: '\ud800' })],
    ]
    for (const [check, form] of forms) {
      const answer = await vote(tenant.as('operator2'), asked, 'approve', { vote: form })
      expect([form, ...refused(answer), answer.body.error.details.check]).toEqual([
        form,
        400,
        'approval.vote_invalid',
        check,
      ])
    }
    for (const [, form] of forms) await signal(asked, form)
    const found = await refusedLeaves(asked, 2 * forms.length)
    expect(found.map(({ reason }) => reason)).toEqual([...forms, ...forms].map(([check]) => check))
    await signal(asked, good)
    expect((await tenant.ended(asked.id)).status).toBe('executed')
  })

  test('count once: a nonce is spent in its tenant, and a vote names one operation', async () => {
    const [first, second] = await Promise.all([
      pending(tenant.as('agent'), note('first', 'nonce')),
      pending(tenant.as('agent'), note('second', 'nonce')),
    ])
    const nonce = randomBytes(16).toString('hex')
    const spent = await jws(first, { nonce })
    expect((await vote(tenant.as('operator2'), first, 'approve', { vote: spent })).body.operation.status).toBe(
      'executed',
    )
    const replayed = await vote(tenant.as('operator2'), second, 'approve', { vote: spent })
    expect(replayed.body.error.details.check).toBe('operation')
    const reused = await vote(tenant.as('operator2'), second, 'approve', { vote: await jws(second, { nonce }) })
    expect([...refused(reused), reused.body.error.details.check]).toEqual([400, 'approval.vote_invalid', 'nonce'])
    expect((await tenant.operation(second.id)).status).toBe('pending_approval')
  })

  test('forged by a raw signal they change nothing and leave a refused attempt each', async () => {
    const asked = await pending(tenant.as('agent'), note('by force', 'forged'))
    const another = (await generateKeyPair('EdDSA', { crv: 'Ed25519' })).privateKey
    await signal(asked, 'approve')
    await signal(asked, await jws(asked, {}, {}, another))
    await signal(asked, await jws(asked, { tenant: 't_other' }))
    await signal(asked, { decision: 'approve', by: tenant.principal('operator') })
    await signal(asked)
    await temporal.client.workflow.getHandle(`${tenant.id}/${asked.id}`).signal('approve', true)
    const found = await refusedLeaves(asked, 4)
    expect(found.map((leaf) => [leaf.code, leaf.reason])).toEqual([
      ['approval.vote_invalid', 'kid'],
      ['approval.vote_invalid', 'signature'],
      ['approval.vote_invalid', 'tenant'],
      ['approval.vote_invalid', 'kid'],
    ])
    expect(await tenant.operation(asked.id)).toMatchObject({ status: 'pending_approval', approval: { votes: [] } })
    expect((await vote(tenant.as('operator'), asked)).body.operation.status).toBe('executed')
    expect(await notesIn(tenant.as('viewer'), 'forged')).toEqual(['by force'])
  })

  test('a flood of signals leaves the run able to hear a vote, after fifty attempts looked at', async () => {
    const asked = await pending(tenant.as('agent'), note('flood', 'flood'))
    for (let round = 0; round < 6; round++)
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          signal(asked, i % 4 === 0 ? `x${'x'.repeat(20_000)}` : `no vote ${round} ${i}`),
        ),
      )
    await refusedLeaves(asked, LIMITS.refusedVotesKept)
    expect((await vote(tenant.as('operator'), asked)).status).toBe(200)
    expect((await tenant.ended(asked.id, 30_000)).status).toBe('executed')
    const { events } = await temporal.client.workflow.getHandle(`${tenant.id}/${asked.id}`).fetchHistory()
    const steps = (events ?? []).map((event) => {
      const data = event.markerRecordedEventAttributes?.details?.data?.payloads?.[0]?.data
      return data == null ? null : (JSON.parse(Buffer.from(data).toString()) as { activity_type: string }).activity_type
    })
    expect(steps.filter((step) => step === 'admitVote')).toHaveLength(LIMITS.refusedVotesKept)
  })

  test.each([
    ['operator_keys', 'revoked_at', 'clock_timestamp()', 'null'],
    ['memberships', 'status', `'revoked'`, `'active'`],
    ['memberships', 'role', `'viewer'`, `'operator'`],
  ])('say yes while their voter keeps their place in %s: %s', async (table, column, lost, had) => {
    const set = async (value = '') =>
      await owner.within(tenant.id, `update ${table} set ${column} = ${value} where principal_id = $1`, [
        tenant.principal('operator2'),
      ])
    const asked = await pending(tenant.as('agent'), note('against what is left', 'lost'), { approval: { quorum: 2 } })
    expect((await vote(tenant.as('operator2'), asked, 'approve', { vote: await jws(asked) })).status).toBe(200)
    await set(lost)
    try {
      // The run looks at its rows once more, whether it had heard of the yes before or not.
      await signal(asked, 'no vote')
      await refusedLeaves(asked, 1)
      const { status, body } = await vote(tenant.as('operator'), asked)
      expect([status, body.operation]).toMatchObject([
        200,
        {
          status: 'failed',
          effect: null,
          error: { code: 'effect.precondition_failed', details: { changed: 'votes' } },
        },
      ])
    } finally {
      await set(had)
    }
    expect(await notesIn(tenant.as('viewer'), 'lost')).toEqual([])
  })

  describe('in a row that somebody wrote past the API', () => {
    /** A row of its own, or beside the vote of operator2: signed anew by that key, and telling something else. */
    const forge = async (asked: Operation, told: JsonObject, column: string | null = null) => {
      forged.add(asked.id)
      const nonce = randomBytes(16).toString('hex')
      const row = {
        ...aVote('operator2', { by: tenant.principal('operator2'), person_id: await personOf('operator2') }),
        nonce,
        shown_hash: asked.shown_hash,
        at: new Date().toISOString(),
        jws: await jws(asked, { nonce }),
        ...told,
      }
      await owner.within(
        tenant.id,
        `insert into votes (tenant_id, operation_id, person_id, vote, nonce, jws_hash) values ($1, $2, $3, $4, $5, $5)`,
        [tenant.id, asked.id, column ?? row.person_id, row, nonce],
      )
    }
    const personOf = async (name: 'operator' | 'operator2') => {
      const found = await owner.query<{ person_id: string }>('select person_id from principals where id = $1', [
        tenant.principal(name),
      ])
      return found[0]?.person_id ?? ''
    }
    const votedOnce = async (text: string) => {
      const asked = await pending(tenant.as('agent'), note(text, 'forged'), { approval: { quorum: 2 } })
      const { status } = await vote(tenant.as('operator2'), asked, 'approve', { vote: await jws(asked) })
      expect(status).toBe(200)
      return asked
    }
    const failsOver = async (asked: Operation) => {
      await signal(asked, 'no vote')
      expect(await tenant.ended(asked.id)).toMatchObject({ status: 'failed', error: { details: { changed: 'votes' } } })
    }

    test('are none under another voter’s name', async () => {
      const asked = await votedOnce('another')
      await forge(asked, { by: tenant.principal('operator'), person_id: await personOf('operator') })
      for (const count of [1, 2]) {
        await signal(asked, `no vote ${count}`)
        await refusedLeaves(asked, count)
      }
      expect((await tenant.operation(asked.id)).status).toBe('pending_approval')
    })

    test('are no second person’s', async () => {
      const asked = await votedOnce('second')
      await forge(asked, { person_id: 'person_forged' })
      await failsOver(asked)
    })

    test('are no second person’s who is there under somebody else’s row', async () => {
      const asked = await votedOnce('third')
      const other = await personOf('operator')
      await forge(asked, { by: tenant.principal('operator'), person_id: other, jws: 'x' })
      await expect(forge(asked, { person_id: other }, 'anything')).rejects.toMatchObject({ code: '23514' })
    })

    test.each<JsonObject>([
      { role: 'owner' },
      { platform_role: 'operator' },
      { permissions: ['decide', 'configure:policy'] },
    ])('are not by a voter who is more than they are: %j', async (told) => {
      const asked = await pending(tenant.as('agent'), note('more', 'forged'))
      await forge(asked, told)
      await failsOver(asked)
    })
  })

  test('say no for good: the guard obeys it also when the voter has lost key and membership since', async () => {
    const asked = await pending(tenant.as('agent'), note('against a no', 'refused'))
    const set = async (table: string, change: string) =>
      await owner.within(tenant.id, `update ${table} set ${change} where principal_id = $1`, [
        tenant.principal('operator2'),
      ])
    const voting = await owner.transaction(async (client) => {
      await client.query(`select pg_advisory_xact_lock(hashtextextended('exo fence ' || $1, 0))`, [tenant.id])
      const yes = vote(tenant.as('operator'), asked)
      await until('the guard waits at the fence', async () => {
        const { rows } = await client.query(
          `select from pg_locks where locktype = 'advisory' and not granted and mode = 'ShareLock'`,
        )
        return rows.length > 0
      })
      const no = vote(tenant.as('operator2'), asked, 'deny', {
        reason: 'stop there',
        vote: await jws(asked, { decision: 'deny', reason: 'stop there' }),
      })
      await until('the no has its row', async () => (await tenant.operation(asked.id)).approval.votes.length === 2)
      await set('operator_keys', 'revoked_at = clock_timestamp()')
      await set('memberships', `status = 'revoked'`)
      return [yes, no]
    })
    expect(await tenant.ended(asked.id, 30_000)).toMatchObject({
      status: 'denied',
      effect: null,
      error: { code: 'approval.denied', details: { reason: 'stop there' } },
    })
    await Promise.all(voting)
    expect(await notesIn(tenant.as('viewer'), 'refused')).toEqual([])
    await set('operator_keys', 'revoked_at = null')
    await set('memberships', `status = 'active'`)
  })
})

test('every bundle these operations left verifies offline', async () => {
  const ended = (await endedOf(tenant)).filter((id) => !forged.has(id))
  const { verdict, runs, failures } = await verifyBundles(tenant.as('auditor'), ended)
  expect(failures).toEqual([])
  expect([verdict, runs]).toEqual(['PASS', ended.length])
})
