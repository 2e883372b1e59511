/** A stored history as a verifier reads it: its events in order, and the payloads in them as canonical JSON. */
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import type { temporal } from '@temporalio/proto'
import { ensure } from './report.ts'
import { listOf, object, readCanonical, readJson, readText, withMembers } from './shape.ts'
import type { Json } from '../domain/canonical.ts'

export type History = temporal.api.history.v1.IHistory
export type HistoryEvent = temporal.api.history.v1.IHistoryEvent
export type Payload = temporal.api.common.v1.IPayload
type Payloads = temporal.api.common.v1.IPayloads

export interface ReadHistory {
  proto: History
  events: readonly HistoryEvent[]
}

const shape = withMembers({ events: listOf(object) })

export function readHistory(bytes: Uint8Array): ReadHistory {
  const document = shape(readJson(readText(bytes, 'history.json'), 'history.json'), 'history.json')
  const proto = parse(document)
  return { proto, events: proto.events ?? [] }
}

function parse(document: object): History {
  try {
    return historyFromJSON(document)
  } catch (error) {
    ensure(!(error instanceof Error), 'history.json is not a Temporal history')
    throw error
  }
}

/** Which attributes an event carries, such as `markerRecorded`; null when it carries none or several. */
export function kindOf(event: HistoryEvent): string | null {
  const kinds = Object.keys(event).filter(
    (key) => key.endsWith('EventAttributes') && event[key as keyof HistoryEvent] != null,
  )
  const [kind] = kinds
  return kinds.length === 1 && kind !== undefined ? kind.slice(0, -'EventAttributes'.length) : null
}

export function idOf(event: HistoryEvent): number {
  return Number(event.eventId ?? 0)
}

/** Nanoseconds since the epoch. */
export function timeOf(event: HistoryEvent): bigint {
  const { seconds, nanos } = event.eventTime ?? {}
  return BigInt(String(seconds ?? 0)) * 1_000_000_000n + BigInt(nanos ?? 0)
}

/** Nanoseconds of a duration in protobuf form; absent is zero. */
export function durationNs(duration: { seconds?: unknown; nanos?: number | null } | null | undefined): bigint {
  return BigInt(String(duration?.seconds ?? 0)) * 1_000_000_000n + BigInt(duration?.nanos ?? 0)
}

/** The one value a step takes or answers: JSON in its canonical bytes. */
export function onlyValue(payloads: Payloads | null | undefined, at: string): Json {
  const list = payloads?.payloads ?? []
  const [payload] = list
  ensure(list.length === 1 && payload !== undefined, `${at} holds ${list.length} payloads`)
  return payloadValue(payload, at)
}

function payloadValue(payload: Payload, at: string): Json {
  const encoding = new TextDecoder().decode(payload.metadata?.['encoding'] ?? new Uint8Array())
  ensure(encoding === 'json/plain', `${at} has a payload of another encoding`)
  return readCanonical(readText(payload.data ?? new Uint8Array(), at), at)
}

/** What an activity or a local activity was asked and answered, in the order of the answers. */
export interface StepCall {
  eventId: number
  step: string
  input: Json
  /** Null when it failed for good; the workflow then went on without an answer. */
  answer: Json | null
}

export interface LocalMarker {
  seq: number
  activity_id: string
  activity_type: string
}

/** Core's own note in a local activity's marker. */
export function localMarkerOf(event: HistoryEvent): LocalMarker {
  const at = `event ${idOf(event)}`
  const details = event.markerRecordedEventAttributes?.details ?? {}
  const [data] = details['data']?.payloads ?? []
  ensure(data !== undefined, `${at} is a marker without data`)
  const noted = object(readJson(readText(data.data ?? new Uint8Array(), at), at), at)
  ensure(Number.isSafeInteger(noted['seq']), `${at} is a marker without a number`)
  return {
    seq: Number(noted['seq']),
    activity_id: String(noted['activity_id']),
    activity_type: String(noted['activity_type']),
  }
}

export function stepCalls(events: readonly HistoryEvent[]): StepCall[] {
  const calls: StepCall[] = []
  for (const event of events) {
    const eventId = idOf(event)
    const at = `event ${eventId}`
    const marker = event.markerRecordedEventAttributes
    if (marker != null) {
      const { details } = marker
      const answer = marker.failure == null ? onlyValue(details?.['result'], at) : null
      calls.push({
        eventId,
        step: localMarkerOf(event).activity_type,
        input: onlyValue(details?.['input'], at),
        answer,
      })
    }
    const scheduledId =
      event.activityTaskCompletedEventAttributes?.scheduledEventId ??
      event.activityTaskFailedEventAttributes?.scheduledEventId ??
      event.activityTaskTimedOutEventAttributes?.scheduledEventId
    if (scheduledId == null) continue
    const asked = events[Number(scheduledId) - 1]?.activityTaskScheduledEventAttributes
    ensure(asked != null, `${at} answers no scheduled activity`)
    const result = event.activityTaskCompletedEventAttributes?.result
    const answer = event.activityTaskCompletedEventAttributes == null ? null : onlyValue(result, at)
    calls.push({ eventId, step: asked.activityType?.name ?? '', input: onlyValue(asked.input, at), answer })
  }
  return calls
}

/** Whether somebody closed the run from outside, before it came to an end of its own. */
export function wasTerminated({ events }: ReadHistory): boolean {
  return events.at(-1)?.workflowExecutionTerminatedEventAttributes != null
}
