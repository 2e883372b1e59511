/** Lies in the history. All but the first few are sealed again by an insider, so that no digest helps. */
import { attributes, editPayload, type Event, type Kit, markerOf, readPayload } from './kit.ts'
import { twinsOf } from './twin.ts'
import type { Json, JsonObject } from '../../../../domain/canonical.ts'

const edited = (edit: (events: Event[]) => Event[] | undefined | void) => (kit: Kit) => kit.history(edit).reseal()

function renumber(events: Event[]): Event[] {
  events.forEach((event, index) => (event['eventId'] = String(index + 1)))
  return events
}
const kindAt = (events: Event[], kind: string) => events.findIndex((event) => `${kind}EventAttributes` in event)
const dropped = (kind: string) =>
  edited((events) => renumber(events.filter((_event, index) => index !== kindAt(events, kind))))
const input = (events: Event[]) => attributes(events, 'activityTaskScheduled')['input'] as JsonObject
const result = (events: Event[]) => attributes(events, 'activityTaskCompleted')['result'] as JsonObject
const started = (events: Event[]) => attributes(events, 'workflowExecutionStarted')
const closing = (events: Event[]) => attributes(events, 'workflowExecutionCompleted')['result'] as JsonObject

export const historyTwins = [
  ...twinsOf('executed by one vote', [
    [
      'a payload changed and nothing else',
      'log.digests',
      (kit) =>
        kit.history((events) =>
          editPayload(result(events), (value: JsonObject) => void (value['result'] = { note_id: 'n_other' })),
        ),
    ],
    [
      'all event times a day earlier',
      'log.digests',
      (kit) =>
        kit.history((events) =>
          events.forEach(
            (event) =>
              (event['eventTime'] = String(event['eventTime'])
                .replace('2026-11-21', '2026-11-20')
                .replace('-11-22', '-11-21')
                .replace(/^\d{4}/, '2025')),
          ),
        ),
    ],
    [
      "the signal's sender changed",
      'log.digests',
      (kit) => kit.history((events) => void (attributes(events, 'workflowExecutionSignaled')['identity'] = 'somebody')),
    ],
    [
      "the worker's identity changed",
      'log.digests',
      (kit) =>
        kit.history((events) =>
          events.forEach((event) =>
            Object.values(event).forEach(
              (value) =>
                typeof value === 'object' && value !== null && 'identity' in value && (value['identity'] = 'other'),
            ),
          ),
        ),
    ],
    [
      'white space added to the history',
      'log.digests',
      (kit) => kit.set('history.json', `${new TextDecoder().decode(kit.files.get('history.json'))}\n`),
    ],
    [
      "the effect's input changed",
      'replay.commands',
      edited((events) =>
        editPayload(
          input(events),
          (value: { passes: JsonObject[] }) =>
            void (value.passes[0] = { ...value.passes[0], facts_hash: '0'.repeat(64) }),
        ),
      ),
    ],
    [
      "the effect's input names another operation",
      'replay.commands',
      edited((events) => editPayload(input(events), (value: JsonObject) => void (value['operation_id'] = 'op_other'))),
    ],
    [
      "the effect's result changed",
      'record.end',
      edited((events) =>
        editPayload(result(events), (value: JsonObject) => void (value['result'] = { note_id: 'n_other' })),
      ),
    ],
    [
      "the effect's verdict changed in its result",
      'replay.commands',
      edited((events) => editPayload(result(events), (value: JsonObject) => void (value['status'] = 'failed'))),
    ],
    [
      "the guard's epoch changed in its result",
      'record.end',
      edited((events) =>
        editPayload(
          result(events),
          (value: { passes: { facts: { switches: JsonObject[] } }[] }) =>
            void Object.assign(value.passes[2]?.facts.switches[0] ?? {}, { epoch: 99 }),
        ),
      ),
    ],
    [
      'a local step had other input',
      'replay.commands',
      edited((events) =>
        editPayload(
          markerOf(events, 'markPending').input,
          (value: JsonObject) => void (value['shown_hash'] = '1'.repeat(64)),
        ),
      ),
    ],
    [
      'a local step lost its input',
      'replay.commands',
      edited((events) => void Reflect.deleteProperty(markerOf(events, 'markPending'), 'input')),
    ],
    [
      'a local step read other facts',
      'record.passes',
      edited((events) =>
        editPayload(
          markerOf(events, 'readPass').result,
          (value: { facts: JsonObject }) => void (value.facts['waivers'] = []),
        ),
      ),
    ],
    [
      'a local step showed another preview',
      'record.passes',
      edited((events) =>
        editPayload(
          markerOf(events, 'readPass').result,
          (value: { preview: JsonObject }) => void (value.preview['title'] = 'Something harmless'),
        ),
      ),
    ],
    [
      'a local step renamed',
      'replay.temporal',
      edited((events) => editCoreNote(events, 'markPending', { activity_type: 'readDeadline' })),
    ],
    [
      'a local step renumbered',
      'replay.commands',
      edited((events) => editCoreNote(events, 'markPending', { seq: 77 })),
    ],
    [
      'the deadline timer shortened',
      'replay.commands',
      edited((events) => void (attributes(events, 'timerStarted')['startToFireTimeout'] = '0.777s')),
    ],
    ["the deadline timer's summary changed", 'replay.commands', edited((events) => changeSummary(events))],
    [
      "the guard's time limit changed",
      'replay.commands',
      edited((events) => void (attributes(events, 'activityTaskScheduled')['startToCloseTimeout'] = '999s')),
    ],
    [
      "the guard's retries changed",
      'replay.commands',
      edited(
        (events) =>
          void (attributes(events, 'activityTaskScheduled')['retryPolicy'] = {
            initialInterval: '1s',
            backoffCoefficient: 1,
            maximumInterval: '1s',
            maximumAttempts: 99,
          }),
      ),
    ],
    [
      'the guard renamed',
      'replay.temporal',
      edited((events) => void (attributes(events, 'activityTaskScheduled')['activityType'] = { name: 'endOperation' })),
    ],
    [
      'the guard renamed and the flags stripped',
      'structure.tasks',
      edited((events) => {
        attributes(events, 'activityTaskScheduled')['activityType'] = { name: 'endOperation' }
        stripFlags(events)
      }),
    ],
    ["the SDK's metadata stripped", 'structure.tasks', edited(stripFlags)],
    [
      "the SDK's flags emptied",
      'structure.tasks',
      edited(
        (events) =>
          void (attributes(events, 'workflowTaskCompleted')['sdkMetadata'] = {
            sdkName: 'temporal-typescript',
            sdkVersion: '1.24.0',
          }),
      ),
    ],
    [
      'the run started with other words',
      'record.start',
      edited((events) =>
        editPayload(
          started(events)['input'] as JsonObject,
          (value: { intent: { input: JsonObject } }) => void (value.intent.input['text'] = 'something else'),
        ),
      ),
    ],
    [
      'the run started with another proposal',
      'record.start',
      edited((events) =>
        editPayload(
          started(events)['input'] as JsonObject,
          (value: JsonObject) => void (value['proposal'] = 'e30.e30.c2ln'),
        ),
      ),
    ],
    [
      'the run of another workflow id',
      'structure.history',
      edited((events) => void (started(events)['workflowId'] = 't_b/op_1')),
    ],
    [
      'the run of another workflow type',
      'structure.history',
      edited((events) => void (started(events)['workflowType'] = { name: 'seal' })),
    ],
    [
      'the run of another run id',
      'replay.commands',
      edited((events) => void (started(events)['originalExecutionRunId'] = '01a1fdd8-c5a1-7931-aabb-a983534a53b3')),
    ],
    [
      'the run closed with another result',
      'replay.commands',
      edited((events) => editPayload(closing(events), (value: JsonObject) => void (value['status'] = 'blocked'))),
    ],
    ['the run closed with a doubled key', 'record.end', edited((events) => doubleKey(closing(events)))],
    ['the run failed instead', 'structure.history', edited((events) => failInstead(events))],
    ['the last event cut off', 'structure.history', edited((events) => events.slice(0, -1))],
    ['the last three events cut off', 'structure.history', edited((events) => events.slice(0, -3))],
    [
      'another result, and the close cut off',
      'structure.history',
      edited((events) => {
        editPayload(result(events), (value: JsonObject) => void (value['result'] = null))
        return events.slice(0, -1)
      }),
    ],
    ['no events at all', 'structure.history', edited(() => [])],
    ['the vote removed', 'replay.commands', dropped('workflowExecutionSignaled')],
    ['a marker removed', 'replay.temporal', dropped('markerRecorded')],
    ['the timer removed', 'replay.temporal', dropped('timerStarted')],
    [
      'an event doubled',
      'structure.history',
      edited((events) => [...events.slice(0, 5), events[4] ?? {}, ...events.slice(5)]),
    ],
    ['a signal added', 'replay.commands', edited((events) => renumber(addSignal(events)))],
    [
      'a gap in the numbers',
      'structure.history',
      edited((events) =>
        events.forEach((event, index) => (event['eventId'] = String(index < 3 ? index + 1 : index + 9))),
      ),
    ],
    ['two events swapped', 'structure.history', edited((events) => swap(events, 4, 5))],
    [
      'two events swapped and numbered again',
      'replay.commands',
      edited((events) => renumber(swap(events, kindAt(events, 'timerStarted'), kindAt(events, 'timerStarted') - 1))),
    ],
    ['the order reversed', 'structure.history', edited((events) => events.reverse())],
    [
      'an event of an unknown kind',
      'structure.history',
      edited((events) => void (events[4] = { ...events[4], eventType: 'EVENT_TYPE_BANANA' })),
    ],
    [
      'an event with attributes of another kind',
      'structure.history',
      edited(
        (events) =>
          void (events[kindAt(events, 'timerStarted')] = {
            ...events[kindAt(events, 'timerStarted')],
            eventType: 'EVENT_TYPE_TIMER_FIRED',
          }),
      ),
    ],
    [
      'one event earlier than those before it',
      'structure.times',
      edited((events) => void ((events.at(-1) ?? {})['eventTime'] = '2020-01-01T00:00:00Z')),
    ],
    [
      'a second build worked on it',
      'structure.tasks',
      edited(
        (events) =>
          void Object.assign(
            attributes(events, 'workflowTaskCompleted', ({ startedEventId }) => startedEventId !== '3'),
            {
              deploymentVersion: { buildId: 'f'.repeat(64), deploymentName: 'exoarmur' },
              workerVersion: { buildId: 'f'.repeat(64) },
            },
          ),
      ),
    ],
    [
      'the vote in the signal replaced',
      'replay.commands',
      edited((events) =>
        editPayload(attributes(events, 'workflowExecutionSignaled')['input'] as JsonObject, () => 'e30.e30.c2ln'),
      ),
    ],
    [
      "the admitted vote's voter changed",
      'record.votes',
      edited((events) =>
        editPayload(
          markerOf(events, 'admitVote').result,
          (value: { vote: JsonObject }) => void (value.vote['person_id'] = 'person_zed'),
        ),
      ),
    ],
    [
      'the deadline changed',
      'record.pending',
      edited((events) =>
        editPayload(
          markerOf(events, 'markPending').result,
          (value: JsonObject) => void (value['expires_at'] = '2099-01-01T00:00:00.000Z'),
        ),
      ),
    ],
  ]),
  ...twinsOf('executed by a grant at once', [
    [
      "the step's facts changed",
      'record.end',
      edited((events) =>
        editPayload(
          markerOf(events, 'proposeAndGuard').result,
          (value: { ended: { passes: { facts: JsonObject }[] } }) =>
            void (((value.ended.passes[1] ?? { facts: {} }).facts['budget'] as JsonObject)['settled'] = '0'),
        ),
      ),
    ],
    [
      'the step says it was executed by another decision',
      'replay.commands',
      edited((events) =>
        editPayload(
          markerOf(events, 'proposeAndGuard').result,
          (value: { ended: JsonObject }) => void (value.ended['decision_hash'] = '2'.repeat(64)),
        ),
      ),
    ],
  ]),
]

function editCoreNote(events: Event[], step: string, change: JsonObject): void {
  const { data } = markerOf(events, step)
  const [payload] = data['payloads'] as { data: string }[]
  if (payload === undefined) throw new Error('no note')
  payload.data = Buffer.from(JSON.stringify({ ...(readPayload(data) as JsonObject), ...change })).toString('base64')
}

function changeSummary(events: Event[]): void {
  const timer = events[kindAt(events, 'timerStarted')] as { userMetadata: { summary: { data: string } } }
  timer.userMetadata.summary.data = Buffer.from('"lunch"').toString('base64')
}

function stripFlags(events: Event[]): void {
  for (const event of events) {
    const done = event['workflowTaskCompletedEventAttributes'] as JsonObject | undefined
    if (done !== undefined) Reflect.deleteProperty(done, 'sdkMetadata')
  }
}

function doubleKey(payloads: JsonObject): void {
  const [payload] = payloads['payloads'] as { data: string }[]
  if (payload === undefined) throw new Error('no payload')
  const text = Buffer.from(payload.data, 'base64').toString()
  payload.data = Buffer.from(text.replace('{', '{"status":"blocked",')).toString('base64')
}

function failInstead(events: Event[]): void {
  const last = events.at(-1) ?? {}
  const { workflowTaskCompletedEventId } = last['workflowExecutionCompletedEventAttributes'] as JsonObject
  Reflect.deleteProperty(last, 'workflowExecutionCompletedEventAttributes')
  const failure: Json = { message: 'no', applicationFailureInfo: { type: 'X', nonRetryable: true } }
  const attributes: JsonObject = { failure, workflowTaskCompletedEventId: workflowTaskCompletedEventId ?? '1' }
  Object.assign(last, {
    eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED',
    workflowExecutionFailedEventAttributes: attributes,
  })
}

function addSignal(events: Event[]): Event[] {
  const at = kindAt(events, 'workflowExecutionSignaled')
  const copy = JSON.parse(JSON.stringify(events[at])) as Event
  editPayload((copy['workflowExecutionSignaledEventAttributes'] as JsonObject)['input'] as JsonObject, () => 'a.b.c')
  return [...events.slice(0, at), copy, ...events.slice(at)]
}

function swap(events: Event[], a: number, b: number): Event[] {
  const copy = [...events]
  ;[copy[a], copy[b]] = [events[b] ?? {}, events[a] ?? {}]
  return copy
}
