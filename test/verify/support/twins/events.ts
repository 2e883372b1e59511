/** Lies in the events of a history: dropped, doubled, swapped, renamed, retimed. An insider seals them again. */
import { attributes, editPayload, type Event, type Kit, markerOf, readPayload } from './kit.ts'
import { type Places, setPlaces } from './places.ts'
import { twinsOf } from './twin.ts'
import type { Json, JsonObject } from '../../../../domain/canonical.ts'

type Edit = (events: Event[]) => Event[] | undefined | void

const sealed = (edit: Edit) => (kit: Kit) => kit.history(edit).reseal()
const unsealed = (edit: Edit) => (kit: Kit) => kit.history(edit)
const set = (kind: string, places: Places) => sealed((events) => setPlaces(attributes(events, kind), places))
const note = (step: string, change: JsonObject) => sealed((events) => editNote(events, step, change))
const at = (events: Event[], kind: string) => events.findIndex((event) => `${kind}EventAttributes` in event)
const without = (kind: string) =>
  sealed((events) => renumber(events.filter((_event, index) => index !== at(events, kind))))

const OTHER_BUILD = { buildId: 'f'.repeat(64), deploymentName: 'exoarmur' }
const NO_FLAGS = { sdkName: 'temporal-typescript', sdkVersion: '1.24.0' }
const GREEDY = { initialInterval: '1s', backoffCoefficient: 1, maximumInterval: '1s', maximumAttempts: 99 }

export const eventTwins = twinsOf('executed by one vote', [
  ['all times a day earlier', 'log.digests', unsealed((events) => events.forEach(aDayEarlier))],
  [
    "the signal's sender",
    'log.digests',
    unsealed((events) => setPlaces(attributes(events, 'workflowExecutionSignaled'), { identity: 'x' })),
  ],
  [
    "the worker's identity",
    'log.digests',
    unsealed((events) => setPlaces(attributes(events, 'workflowTaskCompleted'), { identity: 'x' })),
  ],
  ['the last event cut off', 'structure.history', sealed((events) => events.slice(0, -1))],
  ['the last three events cut off', 'structure.history', sealed((events) => events.slice(0, -3))],
  ['another result, and the close cut off', 'structure.history', sealed(withoutClose)],
  ['no events at all', 'structure.history', sealed(() => [])],
  ['the vote removed', 'replay.commands', without('workflowExecutionSignaled')],
  ['a local step removed', 'replay.temporal', without('markerRecorded')],
  ['the timer removed', 'replay.temporal', without('timerStarted')],
  ['an event doubled', 'structure.history', sealed((events) => [...events.slice(0, 5), ...events.slice(4)])],
  ['a signal added', 'replay.commands', sealed((events) => renumber(addSignal(events)))],
  ['a gap in the numbers', 'structure.history', sealed((events) => setPlaces(events, { '[5].eventId': '9' }))],
  ['two events swapped', 'structure.history', sealed((events) => swap(events, 4))],
  [
    'two events swapped and numbered again',
    'replay.commands',
    sealed((events) => renumber(swap(events, at(events, 'timerStarted') - 1))),
  ],
  ['the order reversed', 'structure.history', sealed((events) => events.reverse())],
  [
    'an event of an unknown kind',
    'structure.history',
    sealed((events) => setPlaces(events, { '[4].eventType': 'EVENT_TYPE_BANANA' })),
  ],
  [
    'an event of another type than its attributes',
    'structure.history',
    sealed((events) => setPlaces(events, { '[4].eventType': 'EVENT_TYPE_TIMER_FIRED' })),
  ],
  [
    'an event without attributes',
    'structure.history',
    sealed((events) => setPlaces(events, { '[4].markerRecordedEventAttributes': undefined })),
  ],
  ['an event that refers to a later one', 'structure.history', set('workflowTaskStarted', { scheduledEventId: '9' })],
  [
    'one event earlier than those before it',
    'structure.times',
    sealed((events) => setPlaces(events, { '[-1].eventTime': '2020-01-01T00:00:00Z' })),
  ],
  ['the run failed instead', 'structure.history', sealed(failInstead)],
  ['the run terminated instead', 'structure.history', sealed(terminateInstead)],
  ['the run of another workflow id', 'structure.history', set('workflowExecutionStarted', { workflowId: 't_b/op_1' })],
  [
    'the run of another workflow type',
    'structure.history',
    set('workflowExecutionStarted', { workflowType: { name: 'seal' } }),
  ],
  ['the run continues another', 'structure.history', set('workflowExecutionStarted', { continuedExecutionRunId: 'x' })],
  [
    'the run of another run id',
    'replay.commands',
    set('workflowExecutionStarted', { originalExecutionRunId: '01a1fdd8-c5a1-7931-aabb-a983534a53b3' }),
  ],
  ['a local step renamed', 'replay.temporal', note('markPending', { activity_type: 'readDeadline' })],
  ['a local step renumbered', 'replay.commands', note('markPending', { seq: 77 })],
  ['a local step of another id', 'replay.commands', note('markPending', { activity_id: 'x' })],
  [
    'a local step without input',
    'replay.commands',
    sealed((events) => setPlaces(markerOf(events, 'markPending'), { input: undefined })),
  ],
  ['the deadline timer shortened', 'replay.commands', set('timerStarted', { startToFireTimeout: '0.777s' })],
  ["the deadline timer's number", 'replay.commands', set('timerStarted', { timerId: '9' })],
  ["the deadline timer's summary", 'replay.commands', sealed(changeSummary)],
  ["the guard's time limit", 'replay.commands', set('activityTaskScheduled', { startToCloseTimeout: '999s' })],
  ["the guard's retries", 'replay.commands', set('activityTaskScheduled', { retryPolicy: GREEDY })],
  ['the guard renamed', 'replay.temporal', set('activityTaskScheduled', { activityType: { name: 'endOperation' } })],
  [
    'the guard renamed, the flags stripped',
    'structure.tasks',
    sealed((events) => {
      stripFlags(events)
      setPlaces(attributes(events, 'activityTaskScheduled'), { activityType: { name: 'endOperation' } })
    }),
  ],
  ["the SDK's metadata stripped", 'structure.tasks', sealed(stripFlags)],
  ["the SDK's flags emptied", 'structure.tasks', set('workflowTaskCompleted', { sdkMetadata: NO_FLAGS })],
  ['another SDK', 'structure.tasks', set('workflowTaskCompleted', { 'sdkMetadata.sdkVersion': '1.0.0' })],
  [
    'a second build worked on it',
    'structure.tasks',
    set('workflowTaskCompleted', { deploymentVersion: OTHER_BUILD, workerVersion: { buildId: OTHER_BUILD.buildId } }),
  ],
  ['a build that says two names', 'structure.tasks', set('workflowTaskCompleted', { deploymentVersion: OTHER_BUILD })],
])

function renumber(events: Event[]): Event[] {
  events.forEach((event, index) => (event['eventId'] = String(index + 1)))
  return events
}

function aDayEarlier(event: Event): void {
  const before = new Date(Date.parse(String(event['eventTime'])) - 86_400_000)
  event['eventTime'] = before.toISOString()
}

function withoutClose(events: Event[]): Event[] {
  const result = attributes(events, 'activityTaskCompleted')['result'] as JsonObject
  editPayload(result, (value) => setPlaces(value, { result: null }))
  return events.slice(0, -1)
}

function editNote(events: Event[], step: string, change: JsonObject): void {
  const { data } = markerOf(events, step)
  const edited = Buffer.from(JSON.stringify({ ...(readPayload(data) as JsonObject), ...change })).toString('base64')
  setPlaces(data, { 'payloads[0].data': edited })
}

function changeSummary(events: Event[]): void {
  const lunch = Buffer.from('"lunch"').toString('base64')
  setPlaces(events[at(events, 'timerStarted')], { 'userMetadata.summary.data': lunch })
}

function stripFlags(events: Event[]): void {
  for (const event of events) {
    const done = event['workflowTaskCompletedEventAttributes'] as JsonObject | undefined
    if (done !== undefined) Reflect.deleteProperty(done, 'sdkMetadata')
  }
}

function failInstead(events: Event[]): void {
  const failure: Json = { message: 'no', applicationFailureInfo: { type: 'X', nonRetryable: true } }
  endBy(events, 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED', 'workflowExecutionFailed', { failure })
}

function terminateInstead(events: Event[]): void {
  endBy(events, 'EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED', 'workflowExecutionTerminated', { reason: 'no' })
}

function endBy(events: Event[], eventType: string, kind: string, given: JsonObject): void {
  const last = events.at(-1) ?? {}
  Reflect.deleteProperty(last, 'workflowExecutionCompletedEventAttributes')
  Object.assign(last, { eventType, [`${kind}EventAttributes`]: given })
}

function addSignal(events: Event[]): Event[] {
  const place = at(events, 'workflowExecutionSignaled')
  const copy = JSON.parse(JSON.stringify(events[place])) as Event
  editPayload((copy['workflowExecutionSignaledEventAttributes'] as JsonObject)['input'] as JsonObject, () => 'a.b.c')
  return [...events.slice(0, place), copy, ...events.slice(place)]
}

function swap(events: Event[], place: number): Event[] {
  const [first, second] = events.slice(place, place + 2)
  return [...events.slice(0, place), second ?? {}, first ?? {}, ...events.slice(place + 2)]
}
