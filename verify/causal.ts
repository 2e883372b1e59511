/**
 * Step 4: what may follow from what, in rules of the verifier's own. Nothing here is shared with the code that wrote the record:
 * a fault in the gates, the workflow or the guard shows as a rule broken, not as agreement.
 */
import { canonicalJson } from '../domain/canonical.ts'
import { sha256TextHex } from '../domain/hash.ts'
import { ensureBatch } from './batch.ts'
import type { Check } from './check.ts'
import { ensure } from './report.ts'
import { ensureDelegation } from './delegation.ts'
import { ensureGoverning } from './governing.ts'
import { idOf } from './history.ts'
import { fewestSeats, treeSatisfied } from './seats.ts'
import { instant, instantNs, listOf, micros, nullable, text, withMembers } from './shape.ts'
import { ensureStandingGrant, issuersOf } from './standing-grant.ts'
import type { Subject } from './subject.ts'
import type { Receipt } from '../domain/receipt.ts'

export const causalChecks: readonly Check[] = [
  { name: 'causal.outcome', run: outcome },
  { name: 'causal.effect', run: effect },
  { name: 'causal.approval', run: ({ receipt }) => approval(receipt.value) },
  { name: 'causal.times', run: ({ receipt }) => times(receipt.value) },
  { name: 'causal.settlement', run: ({ receipt }) => settlement(receipt.value) },
]

const GATES = 8
/** What is not the same when it comes twice is tried once. */
const MOST_ATTEMPTS = { none: 0, transactional: 1, conditional: 5, keyed: 5, blind: 1 } as const

/** The way an operation ended fits everything that was decided and told on the way. */
function outcome(subject: Subject): string {
  const receipt = subject.receipt.value
  const { status, error_code, passes, intent, voters, plan, effect: done } = receipt
  for (const { pass, verdicts } of passes) {
    ensure(verdicts.length === GATES, `pass ${pass} lists ${verdicts.length} verdicts`)
    for (const { gate, decision, code } of verdicts)
      ensure((decision === 'block') === (code !== null), `pass ${pass}, gate ${gate}: ${decision} with code ${code}`)
    const blocks = verdicts.some(({ decision }) => decision === 'block')
    ensure(!blocks || ['blocked', 'cancelled', 'failed'].includes(status), `${status} although pass ${pass} blocks`)
    ensure(!blocks || pass === passes.at(-1)?.pass, `the run went on after pass ${pass} blocked`)
  }
  const firstBlock = passes.at(-1)?.verdicts.find(({ decision }) => decision === 'block')
  const clean = status === 'executed' || status === 'proposed'
  ensure(clean === (error_code === null), `${status} with code ${error_code}`)
  ensure(intent.run === 'execute' || status !== 'executed', 'executed what was only to be proposed')
  const denials = voters.filter(({ decision, person_id }) => decision === 'deny' && counts(receipt, person_id))
  switch (status) {
    case 'blocked':
      ensure(
        firstBlock === undefined ? isVersionGone(subject) : firstBlock.code === error_code,
        `blocked with ${error_code}, but the first block is ${firstBlock?.code}`,
      )
      break
    case 'denied':
      ensure(denials.length > 0 && error_code === 'approval.denied', 'denied without a vote that denies')
      break
    case 'expired':
      ensure(error_code === 'approval.expired' && isExpired(subject), 'expired before the deadline')
      break
    case 'cancelled':
      ensure(error_code === 'operation.cancelled' && isCancelled(subject), 'cancelled, but no step read a cancellation')
      break
    case 'proposed':
      ensure(intent.run === 'propose' && passes.length === 1, 'proposed what was to be executed')
      break
    case 'executed':
    case 'failed':
    case 'unknown':
      break
  }
  ensure(done === null || denials.length === 0, 'an effect after a denial')
  ensure(done !== null || (status !== 'executed' && status !== 'unknown'), `${status} without an effect`)
  ensure(plan.approval.required || intent.run === 'propose', 'nobody had to approve a side effect')
  return error_code === null ? status : `${status} ${error_code}`
}

/** The one block that no gate makes: a step found that the registry no longer has the planned version of the action. */
function isVersionGone(subject: Subject): boolean {
  const { error_code } = subject.receipt.value
  const { guards, reads } = subject.told
  const answer = guards.at(-1)?.answer
  const told = answer?.outcome === 'invalid' ? answer.code === error_code : reads.at(-1)?.read.preview === null
  return error_code === 'action.version_unavailable' && (told || foundAfterLoss(subject))
}

function isExpired(subject: Subject): boolean {
  const { approval, ended_at } = subject.receipt.value
  const { deadlines, guards } = subject.told
  const told = (deadlines.at(-1)?.remaining_ms ?? 1) <= 0 || guards.at(-1)?.answer.outcome === 'expired'
  const late = approval.expires_at !== null && instantNs(ended_at) >= instantNs(approval.expires_at)
  return late && (told || foundAfterLoss(subject))
}

function isCancelled(subject: Subject): boolean {
  const { deadlines, guards, reads } = subject.told
  const answered = guards.at(-1)?.answer.outcome === 'cancelled'
  const told = answered || deadlines.at(-1)?.cancelled === true || reads.at(-1)?.read.cancelled === true
  return told || foundAfterLoss(subject)
}

/** The run came upon its end, made by steps of a task that was lost before it could tell what they read. */
function foundAfterLoss({ told, lostTask }: Subject): boolean {
  return lostTask && told.ends.at(-1)?.found === true
}

/** One effect, the planned one, after a guard pass that allowed it. */
function effect(subject: Subject): string {
  const receipt = subject.receipt.value
  const { effect: done, plan, intent, passes, status } = receipt
  const planned = sha256TextHex(canonicalJson({ action: intent.action, target: intent.target, input: intent.input }))
  ensure(plan.binding_hash === planned, 'the plan binds other bytes than the intent asks for')
  if (done === null) return 'none'
  const guard = passes.at(-1)
  const ofItems = plan.batch !== undefined
  ensure(ofItems || receipt.error_code !== 'run.terminated', 'an effect of a run that was ended from outside')
  ensure(intent.run === 'execute', 'an effect of what was only to be proposed')
  ensure(passes[0]?.pass === 'propose' && guard?.pass === 'guard', 'an effect without a guard pass')
  ensure(
    guard.verdicts.every(({ decision }) => decision !== 'block'),
    'an effect although the guard blocked',
  )
  ensureGoverning(receipt)
  ensure(done.key === plan.effect_key && done.kind === plan.effect_kind, 'another effect than the planned one')
  ensure(done.input_sha256 === planned, 'the effect had other input than the intent asks for')
  ensure(done.attempts >= 1 && done.attempts <= MOST_ATTEMPTS[done.kind], `an effect after ${done.attempts} attempts`)
  ensure(!subject.endedFromOutside || isAsked(subject), 'an effect of a run that was ended before it asked for one')
  const ended = { claimed: null, dispatched: null, committed: 'executed', failed: 'failed', unknown: 'unknown' }[
    done.state
  ]
  ensure(ended === status, `the effect is ${done.state}, the operation ${status}`)
  const output = done.state === 'committed' ? sha256TextHex(canonicalJson(done.result)) : null
  ensure(done.output_sha256 === output, 'the effect had another output than the receipt says')
  return `${done.kind} effect, ${done.state}`
}

/** Whether the run asked for an effect of a step that did not answer it: an answer, where it was no end, was a no. */
function isAsked({ history: { events } }: Subject): boolean {
  const asked = new Set<number>()
  for (const event of events) {
    const step = event.activityTaskScheduledEventAttributes?.activityType?.name ?? ''
    if (['effectOutside', 'resumeAndGuard'].includes(step)) asked.add(idOf(event))
    asked.delete(Number(event.activityTaskCompletedEventAttributes?.scheduledEventId))
  }
  return asked.size > 0
}

/** Whoever had to say yes did, and nobody who may not. */
function approval(receipt: Receipt): string {
  const { approval: given, plan, voters, effect: done, intent, passes } = receipt
  const { tree, quorum, assurance } = plan.approval
  ensureDelegation(receipt)
  for (const [index, { by, person_id, assurance: how }] of voters.entries()) {
    const at = `vote ${index + 1} of ${by}`
    ensure(counts(receipt, person_id), `${at} is by a person who may not vote on this`)
    ensure(assurance !== 'self_signed' || how === 'self_signed', `${at} is not signed by the voter`)
  }
  ensure(new Set(voters.map(({ person_id }) => person_id)).size === voters.length, 'one person voted twice')
  ensure(fewestSeats(tree) >= Math.max(quorum, 1), 'the approval tree asks fewer people than the quorum')
  if (done === null) {
    const expected = receipt.status === 'proposed' ? 'none_required' : null
    ensure(given.satisfied_by === expected && given.license_id === null, 'approved, but nothing followed')
    return given.satisfied_by ?? 'not approved'
  }
  const guard = passes.at(-1)?.facts
  switch (given.satisfied_by) {
    case 'votes': {
      const { now } = withMembers<{ now: string }>({ now: instant })(guard, 'guard facts')
      ensure(given.license_id === null, 'approved by votes and by a grant')
      ensure(treeSatisfied(tree, voters), 'the votes do not satisfy the approval tree')
      const issuers = issuersOf(plan, intent, guard)
      const others = voters.filter(({ person_id }) => !issuers.has(person_id))
      ensure(treeSatisfied(tree, others), 'approved by the vote of whoever issued the grant that arms it')
      ensure(given.expires_at !== null && instantNs(now) < instantNs(given.expires_at), 'approved after the deadline')
      return `${voters.length} votes satisfy the tree`
    }
    case 'license':
      ensure(voters.length === 0, 'approved by a grant and by votes')
      ensureStandingGrant(plan, intent, guard, given.license_id)
      return `standing grant ${given.license_id}`
    default:
      return ensure(false, 'an effect that nobody approved') as never
  }
}

const asker = nullable(withMembers<{ person_id: string | null }>({ person_id: nullable(text) }))
const askedFor = listOf(asker)

/** Whether a person's vote may count: not that of anybody who asks or is asked for, not one the plan leaves out. */
function counts({ plan, passes }: Receipt, personId: string): boolean {
  const requesters = passes.flatMap(({ facts }) => [
    asker(facts['principal'] ?? null, 'facts.principal')?.person_id,
    ...askedFor(facts['on_behalf_of'] ?? [], 'facts.on_behalf_of').map((each) => each?.person_id),
  ])
  return !plan.approval.excluded_persons.includes(personId) && !requesters.includes(personId)
}

function times(receipt: Receipt): string {
  const { passes, voters, ended_at, effect: done } = receipt
  const read = passes.flatMap(({ pass, facts }) =>
    typeof facts['now'] === 'string' ? [{ pass, at: instantNs(facts['now']) }] : [],
  )
  read.forEach(({ pass, at }, index) =>
    ensure(at >= (read[index - 1]?.at ?? 0n), `pass ${pass} is earlier than the one before it`),
  )
  const end = instantNs(ended_at)
  ensure((read.at(-1)?.at ?? 0n) <= end, 'the end is earlier than the last pass')
  voters.forEach(({ at }, index) => {
    ensure(instantNs(at) <= end, `vote ${index + 1} is later than the end`)
    ensure(
      instantNs(at) >= instantNs(voters[index - 1]?.at ?? at),
      `vote ${index + 1} is earlier than the one before it`,
    )
  })
  const decided = read.find(({ pass }) => pass === 'guard')?.at
  for (const { at } of voters)
    ensure(done === null || decided === undefined || instantNs(at) <= decided, 'a vote was granted after the effect')
  return 'granted, decided and ended in this order'
}

/** Money is settled when the effect is committed, released when it failed, held while that is unknown. */
function settlement(receipt: Receipt): string {
  const batch = ensureBatch(receipt)
  if (batch !== null) return batch
  const {
    effect: done,
    settlement: { settled, released },
    intent,
  } = receipt
  const cost = micros(intent.estimated_cost)
  const expected = {
    none: [0n, 0n],
    committed: [cost, 0n],
    failed: [0n, cost],
    unknown: [0n, 0n],
    claimed: [0n, 0n],
    dispatched: [0n, 0n],
  }[done === null ? 'none' : done.state]
  ensure(micros(settled) === expected[0], `settled ${settled} where the effect is ${done?.state ?? 'absent'}`)
  ensure(micros(released) === expected[1], `released ${released} where the effect is ${done?.state ?? 'absent'}`)
  return `settled ${settled}, released ${released}`
}
