/**
 * What was asked in somebody's name: a few principals, none twice, every one of them read by every pass and kept
 * from voting, and of them all nothing that only one of them could have: no standing grant, no change of controls.
 */
import { ensure } from './report.ts'
import { listOf, nullable, oneOf, text, withMembers } from './shape.ts'
import type { PrincipalFact } from '../domain/facts.ts'
import type { Receipt } from '../domain/receipt.ts'

const MOST_REPRESENTED = 4

const represented = listOf(
  withMembers<PrincipalFact>({
    id: text,
    kind: oneOf('agent', 'service', 'user'),
    person_id: nullable(text),
    status: oneOf('active', 'revoked'),
    membership: oneOf('active', 'revoked', 'none'),
  }),
)

export function ensureDelegation({ intent, plan, passes, effect }: Receipt): void {
  const { principal_id, on_behalf_of } = intent
  for (const { pass, facts } of passes)
    ensure(
      (on_behalf_of !== null) === Object.hasOwn(facts, 'on_behalf_of'),
      `pass ${pass} reads others than the intent names`,
    )
  if (on_behalf_of === null) return
  const askers = [principal_id, ...on_behalf_of]
  ensure(
    on_behalf_of.length >= 1 && on_behalf_of.length <= MOST_REPRESENTED,
    `asked in the name of ${on_behalf_of.length}`,
  )
  ensure(new Set(askers).size === askers.length, 'somebody asks in their own name and another')
  ensure(!plan.governs, 'a change of controls was asked in somebody’s name')
  ensure(!plan.standing, 'the plan allows a standing grant for what was asked in somebody’s name')
  if (effect === null) return
  for (const { pass, facts } of passes) {
    const read = represented(facts['on_behalf_of'], `pass ${pass}: facts.on_behalf_of`)
    ensure(read.map(({ id }) => id).join() === on_behalf_of.join(), `pass ${pass} reads others than the intent names`)
    for (const { id, status, membership, person_id } of read) {
      ensure(status === 'active' && membership === 'active', `pass ${pass}: ${id} was revoked`)
      const isOut = person_id === null || plan.approval.excluded_persons.includes(person_id)
      ensure(isOut, `the plan does not leave out the person of ${id}`)
    }
  }
}
