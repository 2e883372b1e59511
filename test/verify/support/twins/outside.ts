/** An insider's lies about effects that left the database, where nobody else was in the transaction. */
import { attributes, type Event, type Kit } from './kit.ts'
import { setPlaces } from './places.ts'
import { twinsOf } from './twin.ts'
import type { JsonObject } from '../../../../domain/canonical.ts'

export const outsideTwins = [
  ...twinsOf('told a target once', [
    ['told twice', 'causal.effect', (kit) => kit.rereceipt((receipt) => setPlaces(receipt, { 'effect.attempts': 2 }))],
  ]),
  ...twinsOf('ended from outside while a target was told', [
    ['a history that ends while people are still asked', 'causal.effect', (kit) => kit.history(untilAsked).reseal()],
    ...(['cancelled', 'expired', 'unapproved'] as const).map((outcome): [string, string, (kit: Kit) => unknown] => [
      `a guard that answered ${outcome}`,
      'causal.effect',
      (kit) => kit.history((events) => answered(events, outcome)).reseal(),
    ]),
    [
      'another reason than the end of the run',
      'leaves.words',
      (kit: Kit) => kit.rereceipt((receipt) => setPlaces(receipt, { 'error_details.reason': 'lost' })),
    ],
  ]),
]

/** The run as it was before anybody voted, and then its termination. */
function untilAsked(events: Event[]): Event[] {
  const asked = events.findIndex((event) => 'timerStartedEventAttributes' in event)
  return [...events.slice(0, asked + 1), ...events.slice(-1)].map((event, index) => ({
    ...event,
    eventId: String(index + 1),
  }))
}

/** The step that was asked for the effect says no, and then the run is terminated. */
function answered(events: Event[], outcome: string): Event[] {
  const asked = events.findLast((event) => 'activityTaskScheduledEventAttributes' in event) ?? {}
  const last = events.at(-1) ?? {}
  const { input } = attributes(events, 'activityTaskScheduled') as { input: { payloads: JsonObject[] } }
  const payloads = [{ ...input.payloads[0], data: Buffer.from(JSON.stringify({ outcome })).toString('base64') }]
  const ids = { scheduledEventId: asked['eventId'] ?? '', startedEventId: String(events.length) }
  const at = { eventTime: last['eventTime'] ?? '' }
  return [
    ...events.slice(0, -1),
    {
      ...at,
      eventId: String(events.length),
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_STARTED',
      activityTaskStartedEventAttributes: { scheduledEventId: ids.scheduledEventId, attempt: 1 },
    },
    {
      ...at,
      eventId: String(events.length + 1),
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED',
      activityTaskCompletedEventAttributes: { ...ids, result: { payloads } },
    },
    { ...last, eventId: String(events.length + 2) },
  ]
}
