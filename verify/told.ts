/** What the steps of a run told the workflow, sorted by what it speaks of. Read strictly from history. */
import { passShape, voterShape } from './documents.ts'
import type { StepCall } from './history.ts'
import { ensure } from './report.ts'
import {
  anyText,
  flag,
  hexHash,
  instant,
  isObject,
  json,
  listOf,
  nullable,
  object,
  oneOf,
  type Shape,
  text,
  withMembers,
} from './shape.ts'
import type { Vote } from '../domain/approval.ts'
import type { Json } from '../domain/canonical.ts'
import type { Preview } from '../domain/plan.ts'
import type {
  DeadlineOutput,
  EndedOutput,
  GuardOutput,
  PassOutput,
  PendingInput,
  PendingOutput,
} from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'

export interface Told {
  reads: { pass: 'propose' | 'resume'; read: PassOutput; eventId: number }[]
  pending: { asked: PendingInput; answered: PendingOutput; eventId: number }[]
  admitted: { vote: Vote; eventId: number }[]
  deadlines: (DeadlineOutput & { eventId: number })[]
  guards: { answer: GuardOutput; eventId: number }[]
  /** `found` tells that the step did not ask for this end: an earlier one, told or lost with its task, had made it. */
  ends: { ended: EndedOutput; found: boolean; eventId: number }[]
}

const preview: Shape<Preview> = withMembers<Preview>({
  title: anyText,
  fields: listOf(withMembers({ label: anyText, value: anyText })),
})

const vote: Shape<Vote> = (value, at) => {
  voterShape(value, at)
  return withMembers({ jws: text })(value, at) as Vote
}

const ended = withMembers<EndedOutput>({
  outcome: oneOf('ended'),
  status: text as Shape<EndedOutput['status']>,
  error_code: nullable(text) as Shape<EndedOutput['error_code']>,
  error_details: object,
  passes: listOf(passShape),
  votes: listOf(vote),
  decision_hash: hexHash,
  result: json,
})

const passOutput = withMembers<PassOutput>({
  proposal_valid: flag,
  facts: object,
  preview: nullable(preview),
  shown_hash: nullable(hexHash),
  ended: nullable(ended),
  cancelled: flag,
  votes: listOf(vote),
})

const guardOutput: Shape<GuardOutput> = (value, at) => {
  const { outcome } = withMembers<{ outcome: string }>({ outcome: text })(value, at)
  switch (outcome) {
    case 'ended':
      return ended(value, at)
    case 'blocked':
      return withMembers<{ outcome: 'blocked'; pass: Pass }>({ outcome: oneOf('blocked'), pass: passShape })(value, at)
    case 'invalid':
      return withMembers<{ outcome: 'invalid'; detail: string }>({ outcome: oneOf('invalid'), detail: text })(value, at)
    default:
      return withMembers({ outcome: oneOf('unapproved', 'cancelled', 'expired') })(value, at) as GuardOutput
  }
}

const pendingInput = withMembers<Pick<PendingInput, 'pass' | 'preview' | 'shown_hash'>>({
  pass: passShape,
  preview: nullable(preview),
  shown_hash: hexHash,
}) as Shape<PendingInput>
const milliseconds: Shape<number> = (value, at) => {
  ensure(typeof value === 'number' && value >= 0, `${at} is not a time to wait`)
  return value
}
const pendingOutput = withMembers<PendingOutput>({
  expires_at: instant,
  remaining_ms: milliseconds,
  votes: listOf(vote),
})
const deadline = withMembers<DeadlineOutput>({ remaining_ms: milliseconds, cancelled: flag, votes: listOf(vote) })

/** An operation ends once; what an answer calls an end is one, whichever step gave it. */
export function readTold(calls: readonly StepCall[]): Told {
  const told: Told = { reads: [], pending: [], admitted: [], deadlines: [], guards: [], ends: [] }
  for (const { eventId, step, input, answer } of calls) {
    if (answer === null) continue
    const at = `event ${eventId}`
    switch (step) {
      case 'readPass': {
        const { pass } = withMembers<{ pass: 'propose' | 'resume' }>({ pass: oneOf('propose', 'resume') })(input, at)
        addRead(told, pass, passOutput(answer, at), eventId)
        break
      }
      case 'proposeAndGuard':
        addBoth(told, 'propose', input, answer, eventId)
        break
      case 'resumeAndGuard':
        addBoth(told, 'resume', input, answer, eventId)
        break
      case 'guardEffect':
      case 'effectOutside':
        addGuard(told, guardOutput(answer, at), eventId)
        break
      case 'markPending':
        told.pending.push({ asked: pendingInput(input, at), answered: pendingOutput(answer, at), eventId })
        break
      case 'admitVote': {
        const admitted = object(answer, at)
        if ('vote' in admitted) told.admitted.push({ vote: vote(admitted['vote'], at), eventId })
        break
      }
      case 'readDeadline':
        told.deadlines.push({ ...deadline(answer, at), eventId })
        break
      case 'endOperation': {
        const { status } = withMembers<{ status: string }>({ status: text })(input, at)
        const answered = ended(answer, at)
        told.ends.push({ ended: answered, found: answered.status !== status, eventId })
        break
      }
      case 'raiseAlarm':
        break
      default:
        ensure(false, `${at} is step ${step}, which no run of this system has`)
    }
  }
  return told
}

/** A step that was tried while the votes were not counted, and found too few: it read no pass and guarded nothing. */
function cameToNothing(input: Json, answer: Json | null): boolean {
  const tried = isObject(input) && input['unsure'] === true
  return tried && isObject(answer) && answer['ended'] === null && answer['read'] === null && answer['guard'] === null
}

/** A pass and the guard in one step. */
function addBoth(told: Told, pass: 'propose' | 'resume', input: Json, answer: Json, eventId: number): void {
  const at = `event ${eventId}`
  const both = withMembers<{ ended: EndedOutput | null }>({ ended: nullable(ended) })(answer, at)
  if (both.ended !== null) return void told.ends.push({ ended: both.ended, found: true, eventId })
  if (cameToNothing(input, answer)) return
  const { read, guard } = withMembers({ read: passOutput, guard: nullable(guardOutput) })(answer, at)
  addRead(told, pass, read, eventId)
  if (guard !== null) addGuard(told, guard, eventId)
}

function addRead(told: Told, pass: 'propose' | 'resume', read: PassOutput, eventId: number): void {
  if (read.ended === null) told.reads.push({ pass, read, eventId })
  else told.ends.push({ ended: read.ended, found: true, eventId })
}

function addGuard(told: Told, answer: GuardOutput, eventId: number): void {
  told.guards.push({ answer, eventId })
  if (answer.outcome === 'ended') told.ends.push({ ended: answer, found: false, eventId })
}
