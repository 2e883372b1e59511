/** The golden stories of effects that leave the database. */
import { createHash } from 'node:crypto'
import { notRequired } from '../test/support/opening.ts'
import { Receiver } from '../test/support/receiver.ts'
import { propose, standingFor, type Operation, type Tenant, vote } from '../test/support/tenant.ts'

/** Each story answers the id of the operation whose bundle is kept; in order. */
export function outsideStories(): Record<string, (stage: { tenant: Tenant }) => Promise<string>> {
  let receiver: Receiver
  let unknown = ''
  const approved = async (tenant: Tenant, asked: Operation, ...voters: ('operator' | 'operator2')[]) => {
    for (const voter of voters) await vote(tenant.as(voter), asked)
    await tenant.ended(asked.id)
    return asked.id
  }
  const post = async (tenant: Tenant, path: string) => {
    const target = `${receiver.origin}${path}`
    const asked = await tenant
      .as('owner')
      .post('/operations', { action: 'http.post', target, input: { body: { n: 1 } } })
    return await approved(tenant, asked.body, 'operator', 'operator2')
  }
  const allow = async (tenant: Tenant, idempotency_header: string | null) =>
    await tenant.policy({ egress: [{ origin: receiver.origin, methods: ['POST'], idempotency_header }] })
  const put = async (tenant: Tenant, text: string) => {
    const asked = await tenant
      .as('owner')
      .post('/operations', { action: 'object.put', input: { name: 'golden', text } })
    return await approved(tenant, asked.body, 'operator')
  }
  return {
    'note-append.executed-at-once': async ({ tenant }) => {
      receiver = await Receiver.start()
      await tenant.open({
        ...standingFor(tenant),
        not_required: notRequired('reversible', 'contained', 'irreversible'),
      })
      return (await propose(tenant.as('agent'), { notebook: 'golden', text: 'at once' })).body.id
    },
    'object-put.executed': async ({ tenant }) => await put(tenant, 'the first'),
    'object-put.failed': async ({ tenant }) => await put(tenant, 'the second'),
    'raw-register.executed': async ({ tenant }) => {
      const bytes = Buffer.from('golden bytes')
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const ask = { filename: 'golden.bin', sha256, size_bytes: bytes.length }
      const { body: ticket } = await tenant.as('owner').post('/nexus/raw/presign-upload', ask)
      const form = new FormData()
      for (const [name, value] of Object.entries(ticket.fields as Record<string, string>)) form.append(name, value)
      form.append('file', new Blob([bytes]))
      await fetch(ticket.url, { method: 'POST', body: form })
      const { body: asked } = await tenant.as('owner').post('/nexus/raw/register', { asset_id: ticket.asset_id })
      return await approved(tenant, asked, 'operator')
    },
    'http-post.executed-under-a-key': async ({ tenant }) => {
      await allow(tenant, 'Idempotency-Key')
      return await post(tenant, '/flaky/2')
    },
    'http-post.failed': async ({ tenant }) => await post(tenant, '/status/422'),
    'http-post.unknown': async ({ tenant }) => {
      await allow(tenant, null)
      unknown = await post(tenant, '/status/503')
      return unknown
    },
    'operation-resolve.executed': async ({ tenant }) => {
      const finding = { outcome: 'not_committed', evidence: { seen: 'nothing' }, reason: 'looked' }
      const { body: asked } = await tenant.as('owner').post(`/operations/${unknown}/resolve`, finding)
      const id = await approved(tenant, asked, 'operator', 'operator2')
      await receiver.stop()
      return id
    },
  }
}
