/** An insider's lies about effects that left the database, where nobody else was in the transaction. */
import type { Event, Kit } from './kit.ts'
import { setPlaces } from './places.ts'
import { twinsOf } from './twin.ts'

export const outsideTwins = [
  ...twinsOf('told a target once', [
    ['told twice', 'causal.effect', (kit) => kit.rereceipt((receipt) => setPlaces(receipt, { 'effect.attempts': 2 }))],
  ]),
  ...twinsOf('ended from outside while a target was told', [
    ['a history that ends while people are still asked', 'causal.effect', (kit) => kit.history(untilAsked).reseal()],
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
