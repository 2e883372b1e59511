/** What a verifier believes of an operation that was asked for in somebody's name. */
import { expect, test } from 'vitest'
import type { Receipt } from '../../domain/receipt.ts'
import { ensureDelegation } from '../../verify/delegation.ts'
import { Divergence } from '../../verify/report.ts'

const member = (id: string, change: object = {}) => ({
  id,
  kind: 'user',
  person_id: `person_${id}`,
  status: 'active',
  membership: 'active',
  ...change,
})
const BEHIND = [member('p_bot', { kind: 'agent', person_id: null }), member('p_ada')]

interface Given {
  on_behalf_of?: unknown
  read?: unknown
  plan?: object
  excluded?: string[]
  effect?: object | null
}
const receipt = ({
  on_behalf_of = ['p_bot', 'p_ada'],
  read = BEHIND,
  plan = {},
  excluded = ['person_p_ada'],
  effect = { state: 'committed' },
}: Given = {}) =>
  ({
    intent: { principal_id: 'p_agent', on_behalf_of },
    plan: { governs: false, standing: false, approval: { excluded_persons: excluded }, ...plan },
    passes: ['propose', 'guard'].map((pass) => ({ pass, facts: read === undefined ? {} : { on_behalf_of: read } })),
    effect,
  }) as unknown as Receipt

test.each<[string, Receipt]>([
  ['of which every pass read everybody', receipt()],
  [
    'that came to no effect because one was revoked',
    receipt({ read: [BEHIND[0], member('p_ada', { status: 'revoked' })], effect: null }),
  ],
  ['in no other name', { ...receipt(), intent: { ...receipt().intent, on_behalf_of: null }, passes: [] }],
])('one %s is believed', (_what, given) => {
  expect(() => ensureDelegation(given)).not.toThrow()
})

test.each<[string, Receipt]>([
  ['nobody', receipt({ on_behalf_of: [], read: [] })],
  ['too many', receipt({ on_behalf_of: ['a', 'b', 'c', 'd', 'e'] })],
  ['one twice', receipt({ on_behalf_of: ['p_ada', 'p_ada'] })],
  ['the requester', receipt({ on_behalf_of: ['p_agent'] })],
  ['whom no pass read', { ...receipt(), passes: [{ ...receipt().passes[0], facts: {} }] } as unknown as Receipt],
  ['of whom a pass read fewer', receipt({ read: BEHIND.slice(0, 1) })],
  ['of whom a pass read others', receipt({ read: BEHIND.toReversed() })],
  ['one who was revoked', receipt({ read: [BEHIND[0], member('p_ada', { status: 'revoked' })] })],
  ['one who is no member', receipt({ read: [BEHIND[0], member('p_ada', { membership: 'none' })] })],
  ['one whose person may vote', receipt({ excluded: [] })],
  ['somebody by a standing grant', receipt({ plan: { standing: true } })],
  ['somebody for a change of controls', receipt({ plan: { governs: true } })],
  ['nobody, though a pass read somebody', { ...receipt(), intent: { ...receipt().intent, on_behalf_of: null } }],
])('one in the name of %s is not', (_what, given) => {
  expect(() => ensureDelegation(given)).toThrow(Divergence)
})
