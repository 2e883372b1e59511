/**
 * The receipt and the history tell one story: what the run was started with, what its passes read, which votes reached it and
 * how it ended. Replay shows that the code follows from the history; this shows that the receipt does.
 */
import { canonicalJson, type Json } from '../domain/canonical.ts'
import { kindHash } from '../domain/hash.ts'
import type { Check } from './check.ts'
import { startShape } from './documents.ts'
import { onlyValue } from './history.ts'
import { ensure } from './report.ts'
import type { Subject } from './subject.ts'
import type { Receipt } from '../domain/receipt.ts'

export const recordChecks: readonly Check[] = [
  { name: 'record.start', run: start },
  { name: 'record.passes', run: passes },
  { name: 'record.pending', run: pending },
  { name: 'record.votes', run: votes },
  { name: 'record.end', run: end },
]

const same = (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b)

function start(subject: Subject): string {
  const { receipt } = subject
  const attributes = subject.history.events[0]?.workflowExecutionStartedEventAttributes
  const input = startShape(onlyValue(attributes?.input, 'event 1'), 'event 1')
  for (const member of ['tenant_id', 'operation_id', 'intent_hash', 'plan_hash'] as const)
    ensure(input[member] === receipt.value[member], `the run was started with another ${member} than the receipt says`)
  for (const member of ['intent', 'plan'] as const)
    ensure(
      same(input[member], receipt.value[member]),
      `the run was started with another ${member} than the receipt says`,
    )
  ensure(input.proposal === subject.text('proposal.jws'), 'the run was started with another proposal')
  return 'the run was started with what the receipt says'
}

function passes(subject: Subject): string {
  const { reads, guards, ends } = subject.told
  const { passes: recorded, shown_hash } = subject.receipt.value
  const backed = new Set<string>(ends.flatMap(({ ended }) => ended.passes.map(({ pass }) => pass)))
  for (const { pass, read, eventId } of reads) {
    if (!read.proposal_valid) continue
    const kept = recorded.find((each) => each.pass === pass)
    ensure(
      kept !== undefined || subject.endedFromOutside,
      `event ${eventId} read pass ${pass}, which the receipt does not hold`,
    )
    ensure(
      kept === undefined || same(kept.facts, read.facts),
      `event ${eventId} read other facts for pass ${pass} than the receipt holds`,
    )
    const shown = read.preview === null ? null : kindHash('shown', read.preview)
    ensure(shown === read.shown_hash, `event ${eventId} shows a preview of another hash`)
    if (pass === 'propose' && shown_hash !== null)
      ensure(shown === shown_hash, `event ${eventId} shows another preview than the receipt says`)
    backed.add(pass)
  }
  for (const { answer, eventId } of guards) {
    if (answer.outcome !== 'blocked') continue
    const kept = recorded.find((each) => each.pass === 'guard')
    ensure(
      kept !== undefined && same(kept, answer.pass),
      `event ${eventId} blocked with another pass than the receipt holds`,
    )
    backed.add('guard')
  }
  for (const { pass } of recorded)
    ensure(backed.has(pass) || subject.endedFromOutside, `the receipt holds pass ${pass}, which the history does not`)
  ensure(new Set(reads.map(({ pass }) => pass)).size === reads.length, 'a pass was read twice')
  return `${recorded.length} passes as read`
}

function pending(subject: Subject): string {
  const { pending: marked } = subject.told
  const { passes: recorded, shown_hash, approval, error_code } = subject.receipt.value
  ensure(marked.length <= 1, 'people were asked twice')
  const [asked] = marked
  if (asked === undefined) {
    ensure(
      approval.expires_at === null || subject.foundEnded || subject.endedFromOutside,
      'the receipt names a deadline, but nobody was asked',
    )
    return 'nobody was asked'
  }
  const at = `event ${asked.eventId}`
  const proposed = recorded.find(({ pass }) => pass === 'propose')
  ensure(proposed !== undefined && same(proposed, asked.asked.pass), `${at} asked people over another pass`)
  ensure(asked.asked.shown_hash === shown_hash, `${at} showed people something else than the receipt says`)
  const shown = asked.asked.preview === null ? null : kindHash('shown', asked.asked.preview)
  ensure(shown === shown_hash, `${at} showed people a preview of another hash`)
  ensure(
    asked.answered.expires_at === approval.expires_at || error_code === 'internal.error',
    `${at} names another deadline than the receipt`,
  )
  return `people were asked until ${asked.answered.expires_at}`
}

function votes(subject: Subject): string {
  const { admitted, reads, pending: marked, deadlines } = subject.told
  const { votes: jws, voters, status } = subject.receipt.value
  ensure(jws.length === voters.length, `the receipt holds ${jws.length} votes of ${voters.length} voters`)
  ensure(new Set(jws).size === jws.length, 'the receipt holds a vote twice')
  const reread = [...reads.map(({ read }) => read), ...marked.map(({ answered }) => answered), ...deadlines]
  const heard = [...admitted.map(({ vote }) => vote), ...reread.flatMap((each) => each.votes)]
  jws.forEach((text, index) => {
    for (const vote of heard)
      if (vote.jws === text)
        ensure(
          same(vote, { ...voters[index], jws: text }),
          `vote ${index + 1} was admitted with other words about its voter`,
        )
  })
  const denial = heard.find((vote) => vote.decision === 'deny')
  ensure(denial === undefined || status !== 'executed', `executed although ${denial?.by} denied it`)
  return `${jws.length} votes`
}

function end(subject: Subject): string {
  const { ends } = subject.told
  const { value: receipt } = subject.receipt
  if (subject.endedFromOutside) {
    ensure(ends.length === 0, 'the run told an end, but the receipt says that it was ended from outside')
    return 'ended from outside'
  }
  const [first, ...more] = ends
  ensure(first !== undefined, 'the run was told no end')
  ensure(more.length === 0, `event ${more[0]?.eventId} ends the run a second time`)
  const at = `event ${first.eventId}`
  ensure(subject.calls.at(-1)?.eventId === first.eventId, `${at} ends the run, but it went on`)
  const told = endOf(receipt)
  for (const member of Object.keys(told)) {
    const given = (first.ended as unknown as Record<string, Json>)[member]
    ensure(same(given, told[member]), `${at} tells another ${member} than the receipt`)
  }
  const closing = subject.history.events.at(-1)?.workflowExecutionCompletedEventAttributes
  const result = onlyValue(closing?.result, 'the closing event')
  const { operation_id, status, error_code, decision_hash } = receipt
  ensure(
    same(result, { operation_id, status, error_code, decision_hash }),
    'the run closed with another result than the receipt says',
  )
  return `${status}, told once`
}

function endOf(receipt: Receipt): Record<string, unknown> {
  const { status, error_code, error_details, passes: held, decision_hash, effect } = receipt
  const given = receipt.voters.map((voter, index) => ({ ...voter, jws: receipt.votes[index] }))
  return {
    status,
    error_code,
    error_details,
    passes: held,
    votes: given,
    decision_hash,
    result: effect?.result ?? null,
  }
}
