/** The golden stories of votes whose rows the step finds that goes on with them. */
import { notRequired } from '../test/support/opening.ts'
import { Receiver } from '../test/support/receiver.ts'
import { pending, type Tenant, vote } from '../test/support/tenant.ts'

/** Each story answers the id of the operation whose bundle is kept; in order. */
export function lastVoteStories(): Record<string, (stage: { tenant: Tenant }) => Promise<string>> {
  const note = (text: string) => ({ notebook: 'golden', text })
  return {
    'note-append.executed': async ({ tenant }) => {
      await tenant.open({ not_required: notRequired('reversible', 'contained', 'irreversible') })
      const operation = await pending(tenant.as('member'), note('by the last vote'))
      await vote(tenant.as('operator'), operation)
      return operation.id
    },
    'note-append.executed-by-the-second': async ({ tenant }) => {
      const operation = await pending(tenant.as('member'), note('by two'), { approval: { quorum: 2 } })
      await vote(tenant.as('operator'), operation)
      await vote(tenant.as('operator2'), operation)
      return operation.id
    },
    'note-append.denied': async ({ tenant }) => {
      const operation = await pending(tenant.as('member'), note('no'))
      await vote(tenant.as('operator'), operation, 'deny')
      return operation.id
    },
    'http-post.executed-outside': async ({ tenant }) => {
      const receiver = await Receiver.start()
      await tenant.policy({ egress: [{ origin: receiver.origin, methods: ['POST'], idempotency_header: null }] })
      const { body: asked } = await tenant
        .as('owner')
        .post('/operations', { action: 'http.post', target: `${receiver.origin}/ok`, input: { body: { n: 1 } } })
      for (const voter of ['operator', 'operator2'] as const) await vote(tenant.as(voter), asked)
      await tenant.ended(asked.id)
      await receiver.stop()
      return asked.id
    },
    'note-append.blocked': async ({ tenant }) => {
      const operation = await pending(tenant.as('member'), note('overtaken'))
      await tenant.policy({ not_required: notRequired('reversible').filter(({ gate }) => gate !== 'budget') })
      await vote(tenant.as('operator'), operation)
      return operation.id
    },
  }
}
