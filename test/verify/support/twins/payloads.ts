/** Lies in the payloads of a history: what steps were asked and answered. An insider seals them again, so no digest helps. */
import { attributes, editPayload, type Event, type Kit, markerOf } from './kit.ts'
import { type Places, setPlaces } from './places.ts'
import { twinsOf } from './twin.ts'
import type { JsonObject } from '../../../../domain/canonical.ts'

type Find = (events: Event[]) => JsonObject

/** Changes one payload and seals again. */
const sealed = (find: Find, places: Places) => (kit: Kit) => changed(find, places)(kit).reseal()
/** Changes one payload and nothing else. */
const changed = (find: Find, places: Places) => (kit: Kit) =>
  kit.history((events) => editPayload(find(events), (value) => setPlaces(value, places)))
const member =
  (kind: string, name: string): Find =>
  (events) =>
    attributes(events, kind)[name] as JsonObject
const asked =
  (step: string): Find =>
  (events) =>
    markerOf(events, step).input
const answered =
  (step: string): Find =>
  (events) =>
    markerOf(events, step).result

const started = member('workflowExecutionStarted', 'input')
/** What was tried before the run had counted comes first, and to nothing where no vote has its row yet. */
const tryAsked = member('activityTaskScheduled', 'input')
const tryAnswered = member('activityTaskCompleted', 'result')
const guardAsked: Find = (events) => tryAsked([...events].reverse())
const guardAnswered: Find = (events) => tryAnswered([...events].reverse())
const closed = member('workflowExecutionCompleted', 'result')
const signal = member('workflowExecutionSignaled', 'input')
const ZEROS = '0'.repeat(64)
const READ = {
  proposal_valid: true,
  facts: {},
  preview: null,
  shown_hash: null,
  ended: null,
  cancelled: false,
  votes: [],
}
const ENDED = {
  outcome: 'ended',
  status: 'executed',
  error_code: null,
  error_details: {},
  passes: [],
  votes: [],
  decision_hash: ZEROS,
  result: null,
}

export const payloadTwins = [
  ...twinsOf('executed by one vote', [
    ["the effect's result, unsealed", 'log.digests', changed(guardAnswered, { 'ended.result': null })],
    ["the effect's input", 'replay.commands', sealed(guardAsked, { 'passes[0].facts_hash': ZEROS })],
    ["the effect's operation", 'replay.commands', sealed(guardAsked, { operation_id: 'op_other' })],
    ["the effect's result", 'record.end', sealed(guardAnswered, { 'ended.result': { note_id: 'n_other' } })],
    ["the effect's status", 'replay.commands', sealed(guardAnswered, { 'ended.status': 'failed' })],
    ["the guard's facts", 'record.end', sealed(guardAnswered, { 'ended.passes[2].facts.switches[0].epoch': 99 })],
    [
      "the guard's verdict",
      'replay.commands',
      sealed(guardAnswered, { 'ended.passes[2].verdicts[0].decision': 'block' }),
    ],
    ['what people were shown', 'replay.commands', sealed(asked('markPending'), { shown_hash: ZEROS })],
    [
      'the deadline people were given',
      'record.pending',
      sealed(answered('markPending'), { expires_at: '2099-01-01T00:00:00.000Z' }),
    ],
    ['the time people were given', 'replay.commands', sealed(answered('markPending'), { remaining_ms: 1 })],
    ['the facts that were read', 'record.passes', sealed(answered('readPass'), { 'facts.waivers': [] })],
    [
      'the preview that was made',
      'record.passes',
      sealed(answered('readPass'), { 'preview.title': 'Something harmless' }),
    ],
    ['a cancellation that was read', 'replay.temporal', sealed(answered('readPass'), { cancelled: true })],
    ['the soundness of the proposal', 'replay.temporal', sealed(answered('readPass'), { proposal_valid: false })],
    [
      'the voter of the admitted vote',
      'record.votes',
      sealed(answered('admitVote'), { 'vote.person_id': 'person_zed' }),
    ],
    [
      'the decision of the admitted vote',
      'replay.temporal',
      sealed(answered('admitVote'), { 'vote.decision': 'deny' }),
    ],
    [
      'the vote in the signal',
      'replay.commands',
      (kit) => kit.history((events) => editPayload(signal(events), () => 'e30.e30.c2ln')).reseal(),
    ],
    ['the try turned to one that was sure', 'replay.commands', sealed(tryAsked, { unsure: undefined })],
    ['the try turned to an end', 'record.end', sealed(tryAnswered, { ended: ENDED })],
    ['the try turned to a pass', 'replay.temporal', sealed(tryAnswered, { read: READ })],
    ['the try turned to a guard', 'record.passes', sealed(tryAnswered, { guard: { outcome: 'cancelled' } })],
    ['what the run was asked to do', 'record.start', sealed(started, { 'intent.input.text': 'something else' })],
    ['who had to approve the run', 'record.start', sealed(started, { 'plan.approval.quorum': 0 })],
    ['the proposal of the run', 'record.start', sealed(started, { proposal: 'e30.e30.c2ln' })],
    ['the tenant of the run', 'record.start', sealed(started, { tenant_id: 't_b' })],
    ['the result of the run', 'replay.commands', sealed(closed, { status: 'blocked' })],
    ['the decision of the run', 'record.end', sealed(closed, { decision_hash: ZEROS })],
    ['a doubled key in the result', 'record.end', (kit) => kit.history((events) => doubleKey(closed(events))).reseal()],
    ['white space in the result', 'record.end', (kit) => kit.history((events) => respace(closed(events))).reseal()],
  ]),
  ...twinsOf('executed by a grant at once', [
    [
      "the fast step's facts",
      'record.end',
      sealed(answered('proposeAndGuard'), { 'ended.passes[1].facts.budget.settled': '0' }),
    ],
    [
      "the fast step's decision",
      'replay.commands',
      sealed(answered('proposeAndGuard'), { 'ended.decision_hash': ZEROS }),
    ],
    ["the fast step's input", 'replay.commands', sealed(asked('proposeAndGuard'), { governs: true })],
    [
      "the fast step's block",
      'record.end',
      sealed(answered('proposeAndGuard'), { 'ended.passes[1].verdicts[0].decision': 'block' }),
    ],
    ["the fast step's status", 'replay.commands', sealed(answered('proposeAndGuard'), { 'ended.status': 'failed' })],
  ]),
  ...twinsOf('blocked by a stop after votes', [
    [
      'the stop turned to leave',
      'replay.temporal',
      sealed(guardAnswered, { 'read.facts.switches[1].state': 'running' }),
    ],
    ['the facts of the block', 'record.passes', sealed(guardAnswered, { 'read.facts.switches[0].epoch': 99 })],
  ]),
  ...twinsOf('blocked in the guard as its version is gone', [
    [
      'the version back in the registry',
      'replay.commands',
      sealed(guardAnswered, { 'read.preview': { title: 'Back', fields: [] } }),
    ],
  ]),
  ...twinsOf('denied', [
    ['the denial turned in the run', 'record.votes', sealed(answered('admitVote'), { 'vote.reason': 'yes please' })],
  ]),
]

function doubleKey(payloads: JsonObject): void {
  rewrite(payloads, (text) => text.replace('{', '{"status":"blocked",'))
}

function respace(payloads: JsonObject): void {
  rewrite(payloads, (text) => text.replace(',', ', '))
}

function rewrite(payloads: JsonObject, edit: (text: string) => string): void {
  const [payload] = payloads['payloads'] as { data: string }[]
  if (payload === undefined) throw new Error('no payload')
  payload.data = Buffer.from(edit(Buffer.from(payload.data, 'base64').toString())).toString('base64')
}
