/**
 * Whatever changes between the first yes and the effect, nothing is done on what nobody approved: thirteen things that may
 * change, each swapped under an operation that waits for its last vote, and five under an effect that has begun. `EXO_SWAPS`
 * sets how often each is.
 */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { Egress } from '../../stores/egress.ts'
import { callers } from '../support/client.ts'
import { Database } from '../support/database.ts'
import { notRequired, UNTIL } from '../support/opening.ts'
import { Receiver } from '../support/receiver.ts'
import { makeTenant, notesIn, type Operation, type Tenant, UNLIMITED, vote } from '../support/tenant.ts'
import { until } from '../support/until.ts'

const SWAPS = Number(process.env.EXO_SWAPS ?? '1')
const { url, home, credentials, addresses } = inject('deployment')
const owner = new Database(addresses.postgres.ownerUrl)
const store = new S3Client({ ...addresses.s3, forcePathStyle: true, credentials: addresses.s3 })
const WAIVED = notRequired('reversible', 'contained', 'irreversible')
let tenant: Tenant
let receiver: Receiver
/** A target that keeps keys, so that what it did not answer is sent again. */
let keeper: Receiver

beforeAll(async () => {
  tenant = await makeTenant(callers(url, credentials), url, 'swaps')
  receiver = await Receiver.start()
  keeper = await Receiver.start()
  await tenant.open({
    ...UNLIMITED,
    not_required: WAIVED,
    license_types: [{ id: 'lt_swaps', name: 'Swaps' }],
    firearms: [{ action: 'note.append', license_types: ['lt_swaps'] }],
    ...licensed(),
    egress: [target(), keeping()],
  })
  const directory = join(home, 'secrets', tenant.id, new URL(receiver.origin).host)
  mkdirSync(directory, { recursive: true })
  for (const name of ['token', 'other']) writeFileSync(join(directory, name), `Bearer ${name}`)
})
afterAll(async () => {
  store.destroy()
  await receiver?.stop()
  await keeper?.stop()
  await owner.end()
})

const licensed = (): JsonObject => ({
  grants: [
    {
      principal_id: tenant.principal('agent'),
      license_type: 'lt_swaps',
      actions: ['note.append'],
      expires_at: UNTIL,
      standing: null,
    },
  ],
})
const target = (more: JsonObject = {}): JsonObject => ({
  origin: receiver.origin,
  methods: ['POST'],
  idempotency_header: null,
  allowed_headers: ['X-Ref'],
  secret_headers: [{ header: 'Authorization', secret: 'token' }],
  ...more,
})

const keeping = (): JsonObject => ({
  origin: keeper.origin,
  methods: ['POST'],
  idempotency_header: 'Idempotency-Key',
})

interface Story {
  ask(name: string): Promise<Operation>
  swap(asked: Operation, name: string): Promise<unknown>
  /** How often what was approved was done. */
  done(asked: Operation, name: string): Promise<number>
  restore?(): Promise<unknown>
}

const propose = async (body: JsonObject): Promise<Operation> => {
  const asked = await tenant.as('agent').post<Operation>('/operations', body)
  expect([asked.status, asked.body.status]).toEqual([202, 'pending_approval'])
  return asked.body
}
const sql = async (text: string, values: unknown[] = []) => await owner.within(tenant.id, text, values)
const append: Pick<Story, 'ask' | 'done'> = {
  ask: async (name) => await propose({ action: 'note.append', input: { notebook: name, text: 'approved' } }),
  done: async (_asked, name) => (await notesIn(tenant.as('viewer'), name)).length,
}
const post: Pick<Story, 'ask' | 'done'> = {
  ask: async (name) =>
    await propose({
      action: 'http.post',
      target: `${receiver.origin}/ok?${name}`,
      input: { body: { name }, headers: { 'X-Ref': name } },
    }),
  done: async (_asked, name) => receiver.at(`/ok?${name}`).length,
}
const policyWas = (change: () => JsonObject, was: () => JsonObject): Pick<Story, 'swap' | 'restore'> => ({
  swap: async () => await tenant.policy(change()),
  restore: async () => await tenant.policy(was()),
})
const egressWas = (egress: () => JsonObject[]) =>
  policyWas(
    () => ({ egress: egress() }),
    () => ({ egress: [target(), keeping()] }),
  )
const membershipOf = (who: 'agent' | 'operator2'): Pick<Story, 'swap' | 'restore'> => {
  const set = async (status: string) =>
    await sql('update memberships set status = $2 where principal_id = $1', [tenant.principal(who), status])
  return { swap: async () => await set('revoked'), restore: async () => await set('active') }
}
const OTHER = Buffer.from('other bytes')
const BYTES = Buffer.from('these bytes')
const overwrite = async (Key: string) =>
  await store.send(
    new PutObjectCommand({
      Bucket: addresses.s3.bucket,
      Key,
      Body: OTHER,
      ChecksumSHA256: createHash('sha256').update(OTHER).digest('base64'),
    }),
  )
const looked = async (path: string) =>
  await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${tenant.as('viewer').token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
  })

const STORIES: Readonly<Record<string, Story>> = {
  'the row that is acted on': {
    ask: async (name) => {
      await sql(`insert into notes (tenant_id, id, notebook, text, operation_id) values ($1, $2, $3, 'as shown', 'op_none')`, [
        tenant.id,
        `n_${name}`,
        name,
      ]) // biome-ignore format: one statement
      return await propose({ action: 'note.remove', input: { note_id: `n_${name}` } })
    },
    swap: async (_asked, name) => await sql(`update notes set text = 'another' where id = $1`, [`n_${name}`]),
    done: async (_asked, name) => 1 - (await notesIn(tenant.as('viewer'), name)).length,
  },
  'the target, taken off the list': { ...post, ...egressWas(() => []) },
  'the target’s guarantee': { ...post, ...egressWas(() => [target({ idempotency_header: 'Idempotency-Key' })]) },
  'the headers that callers may set': {
    ...post,
    ...egressWas(() => [target({ allowed_headers: ['X-Ref', 'X-More'] })]),
  },
  'the name of the secret': {
    ...post,
    ...egressWas(() => [target({ secret_headers: [{ header: 'Authorization', secret: 'other' }] })]),
  },
  'the bytes that were uploaded': {
    ask: async () => {
      const asked = {
        filename: 'a.txt',
        sha256: createHash('sha256').update(BYTES).digest('hex'),
        size_bytes: BYTES.length,
      }
      const { body } = await tenant.as('agent').post('/nexus/raw/presign-upload', asked)
      const form = new FormData()
      for (const [key, value] of Object.entries(body.fields as Record<string, string>)) form.append(key, value)
      form.append('file', new Blob([BYTES]))
      expect((await fetch(body.url, { method: 'POST', body: form })).status).toBeLessThan(300)
      return await propose({ action: 'raw.register', input: { asset_id: body.asset_id } })
    },
    swap: async ({ input }) => await overwrite(`tenants/${tenant.id}/dev/staging/${input.asset_id}`),
    done: async ({ input }) => ((await looked(`/nexus/raw/${input.asset_id}`)).status === 200 ? 1 : 0),
  },
  'the object under the name': {
    ask: async (name) => await propose({ action: 'object.put', input: { name, text: 'approved' } }),
    swap: async (_asked, name) => await overwrite(`tenants/${tenant.id}/dev/objects/${name}`),
    done: async (_asked, name) => ((await (await looked(`/objects/${name}`)).text()) === OTHER.toString() ? 0 : 1),
  },
  'the budget that policy asks for': {
    ...append,
    ...policyWas(
      () => ({ not_required: WAIVED.filter(({ gate }) => gate !== 'budget') }),
      () => ({ not_required: WAIVED }),
    ),
  },
  'the licence of the requester': { ...append, ...policyWas(() => ({ grants: [] }), licensed) },
  'the requester, revoked': { ...append, ...membershipOf('agent') },
  'one who voted, revoked': { ...post, ...membershipOf('operator2') },
  'the version of the action, in its row': {
    ...append,
    swap: async ({ id }) =>
      await sql(`update operations set intent = jsonb_set(intent, '{action_version}', '2') where id = $1`, [id]),
  },
  'the bytes of the intent, in its row': {
    ...append,
    swap: async ({ id }) =>
      await sql(`update operations set intent = jsonb_set(intent, '{input,text}', '"another"') where id = $1`, [id]),
  },
}

const each = Object.entries(STORIES).flatMap(([what, story]) =>
  Array.from({ length: SWAPS }, (_, round) => ({ what, round: round + 1, story })),
)
let count = 0

test.each(each)('swapped: $what ($round)', async ({ story }) => {
  const name = `swap${++count}`
  const asked = await story.ask(name)
  if (asked.approval.quorum > 1) expect((await vote(tenant.as('operator2'), asked)).status).toBe(200)
  try {
    await story.swap(asked, name)
    expect((await vote(tenant.as('operator'), asked)).status).toBe(200)
    const ended = await tenant.ended(asked.id, 60_000)
    expect([await story.done(asked, name), ended.status]).toEqual([0, expect.stringMatching(/^(failed|blocked)$/)])
  } finally {
    await story.restore?.()
  }
})

const rounds = Array.from({ length: SWAPS }, (_, round) => ({ round: round + 1 }))
/** Asks, and has it approved; answers when the effect has begun, which is when `begun` says so. */
const under = async (asked: Operation, begun: () => boolean | Promise<boolean>) => {
  for (const who of ['operator2', 'operator'] as const)
    if (who === 'operator' || asked.approval.quorum > 1) void vote(tenant.as(who), asked)
  await until('the effect has begun', begun)
}
/** The first try is answered with 500; the second would be taken. */
const tryTwice = async (name: string, swap: (asked: Operation) => Promise<unknown>) => {
  const path = `/flaky/2?${name}`
  const asked = await propose({ action: 'http.post', target: `${keeper.origin}${path}`, input: { body: { name } } })
  await under(asked, () => keeper.at(path).length > 0)
  await swap(asked)
  const { status, error } = await tenant.ended(asked.id, 60_000)
  expect(keeper.received.filter(({ body }) => body.includes(name)).map(({ body }) => body)).toEqual([`{"name":"${name}"}`])
  expect(status).toBe('unknown')
  return error.details.reason
} // biome-ignore format: one flow

test.each(rounds)('swapped between two tries: the bytes, in their row ($round)', async ({ round }) => {
  const reason = await tryTwice(`bytes${round}`, async ({ id }) => {
    await sql(`update operations set intent = jsonb_set(intent, '{input,body,more}', '1') where id = $1`, [id])
  })
  expect(reason).toBe('not as it was approved: intent')
})

test.each(rounds)('swapped between two tries: the target, taken off the list ($round)', async ({ round }) => {
  const { swap, restore } = egressWas(() => [target()])
  const reason = await tryTwice(`list${round}`, async (asked) => await swap(asked, ''))
  await restore?.()
  expect(reason).toBe('the target was changed meanwhile')
})

const SEVERAL = {
  'those that follow': [
    'intent',
    `intent = jsonb_set(intent, '{input,items}',
       (select jsonb_agg(jsonb_set(item, '{text}', '"another"')) from jsonb_array_elements(intent #> '{input,items}') item))`,
  ],
  'that there are several': ['plan', `plan = plan - 'batch'`],
  'what each of them costs': ['plan', `plan = jsonb_set(plan, '{batch,unit_cost}', '"0"')`],
} as const
const several = Object.entries(SEVERAL).flatMap(([what, [part, change]]) =>
  rounds.map(({ round }) => ({ what, part, change, round })),
)

test.each(several)('swapped between inputs of one operation: $what ($round)', async ({ part, change }) => {
  const notebook = `several${++count}`
  const inputs = Array.from({ length: 500 }, (_, i) => ({ notebook, text: `${i + 1}` }))
  const asked = await propose({ action: 'note.append', inputs, estimated_cost: '0.5' })
  const written = async () => await sql('select text from notes where notebook = $1', [notebook])
  await under(asked, async () => (await written()).length > 0)
  await sql(`update operations set ${change} where id = $1`, [asked.id])
  const { status, error } = await tenant.ended(asked.id, 60_000)
  const texts = (await written()).map((row) => row['text'])
  expect([texts.includes('another'), texts.length < 500]).toEqual([false, true])
  expect([status, error.details.reason]).toEqual(['unknown', `not as it was approved: ${part}`])
  const held = await sql('select state, amount::float from budget_entries where operation_id = $1', [asked.id])
  expect(held).toEqual([{ state: 'reserved', amount: 250 }])
})

test('swapped: where the target’s name leads', async () => {
  for (let round = 0; round < SWAPS; round++) {
    const answers = [['93.184.216.34', '127.0.0.1'], ['127.0.0.1'], ['::ffff:127.0.0.1']]
    const before = receiver.received.length
    for (const found of answers) {
      const egress = new Egress({ ownNetworks: false, resolve: async () => found.map((address) => ({ address })) })
      const asked = { url: `http://target.example:${new URL(receiver.origin).port}/ok`, headers: {}, body: '{}' }
      expect(await egress.post({ ...asked, timeoutMs: 1_000 })).toMatchObject({ silence: 'address_forbidden' })
    }
    expect(receiver.received).toHaveLength(before)
  }
})

test('what nobody swapped is done', async () => {
  const asked = [await append.ask('kept'), await post.ask('kept')]
  for (const each of asked) {
    if (each.approval.quorum > 1) await vote(tenant.as('operator2'), each)
    await vote(tenant.as('operator'), each)
    expect((await tenant.ended(each.id)).status).toBe('executed')
  }
  expect([await append.done(asked[0] as Operation, 'kept'), await post.done(asked[1] as Operation, 'kept')]).toEqual([
    1, 1,
  ])
})
