/**
 * The strict half of replay: each command the code gave, compared with the event that followed it, payload bytes included;
 * and nothing in one that is not in the other.
 */
import {
  durationNs,
  type HistoryEvent,
  idOf,
  kindOf,
  localMarkerOf,
  type Payload,
  type ReadHistory,
  wasTerminated,
} from './history.ts'
import type { Command } from './replayer.ts'
import { ensure } from './report.ts'

/** What a command and its event are compared by: a name that pairs them, and lines that must be equal. */
interface Told {
  key: string
  /** Where a divergence is reported. */
  at: string
  parts: Record<string, string>
}

/** Answers how many commands agreed. */
export function compareCommands(history: ReadHistory, commands: readonly Command[]): number {
  const recorded = history.events.flatMap(toldByEvent)
  const given = commands.map(toldByCommand)
  const byKey = new Map<string, Told>()
  for (const told of given) {
    ensure(!byKey.has(told.key), `the code gave ${told.key} twice`)
    byKey.set(told.key, told)
  }
  const seen = new Set<string>()
  for (const { key, at, parts } of recorded) {
    ensure(!seen.has(key), `${at} repeats ${key}`)
    seen.add(key)
    const code = byKey.get(key)
    ensure(code !== undefined, `${at} is ${key}, which the code does not do`)
    for (const [name, value] of Object.entries(parts))
      ensure(value === code.parts[name], `${at} ${key}: ${name} is not what the code gives`)
  }
  // A run ended from outside may have been in the middle of a task; what that task would have done is not in its history.
  const missing = given.find(({ key }) => !seen.has(key))
  ensure(missing === undefined || wasTerminated(history), `the code gives ${missing?.key}, which history does not hold`)
  ensureOrder(recorded, given)
  return recorded.length
}

/** Steps are taken one at a time, so what was noted when it ended stands in the order in which it was asked for. */
function ensureOrder(recorded: readonly Told[], given: readonly Told[]): void {
  recorded.forEach(({ key, at }, index) => {
    ensure(given[index]?.key === key, `${at} is ${key} where the code gives ${given[index]?.key ?? 'nothing'}`)
  })
}

function toldByEvent(event: HistoryEvent): Told[] {
  const at = `event ${idOf(event)}`
  switch (kindOf(event)) {
    case 'markerRecorded': {
      const marker = event.markerRecordedEventAttributes
      ensure(marker?.markerName === 'core_local_activity', `${at} is a marker of another kind`)
      const { seq, activity_id, activity_type } = localMarkerOf(event)
      const input = bytesOf(marker.details?.['input']?.payloads)
      return [{ key: `local step ${seq}`, at, parts: { type: activity_type, id: activity_id, input } }]
    }
    case 'activityTaskScheduled': {
      const { activityId, activityType, input, retryPolicy, ...rest } = event.activityTaskScheduledEventAttributes ?? {}
      const parts = {
        type: String(activityType?.name),
        input: bytesOf(input?.payloads),
        ...timeouts(rest),
        ...retries(retryPolicy),
      }
      return [{ key: `step ${activityId}`, at, parts }]
    }
    case 'timerStarted': {
      const timer = event.timerStartedEventAttributes
      const summary = event.userMetadata?.summary
      const parts = {
        length: String(durationNs(timer?.startToFireTimeout)),
        summary: bytesOf(summary == null ? [] : [summary]),
      }
      return [{ key: `timer ${timer?.timerId}`, at, parts }]
    }
    case 'workflowExecutionCompleted': {
      const { result } = event.workflowExecutionCompletedEventAttributes ?? {}
      return [{ key: 'completion', at, parts: { result: bytesOf(result?.payloads) } }]
    }
    case 'workflowExecutionFailed': {
      const { failure } = event.workflowExecutionFailedEventAttributes ?? {}
      return [{ key: 'failure', at, parts: failureParts(failure) }]
    }
    default:
      return []
  }
}

interface CommandBodies {
  scheduleLocalActivity?: { seq?: number; activityId?: string; activityType?: string; arguments?: Payload[] }
  scheduleActivity?: {
    activityId?: string
    activityType?: string
    arguments?: Payload[]
    retryPolicy?: Policy
    headers?: object
  }
  startTimer?: { seq?: number; startToFireTimeout?: Duration }
  completeWorkflowExecution?: { result?: Payload }
  failWorkflowExecution?: { failure?: Failure }
  userMetadata?: { summary?: Payload }
}
type Duration = { seconds?: unknown; nanos?: number | null } | null
type Policy = {
  initialInterval?: Duration
  backoffCoefficient?: number | null
  maximumInterval?: Duration
  maximumAttempts?: number | null
} | null
type Failure = {
  message?: string | null
  applicationFailureInfo?: { type?: string | null; nonRetryable?: boolean | null } | null
} | null

function toldByCommand(command: Command): Told {
  const body = command as CommandBodies
  const kinds = Object.keys(command).filter((kind) => kind !== 'userMetadata' && command[kind] != null)
  const at = 'the code'
  const { scheduleLocalActivity: local, scheduleActivity: regular, startTimer: timer } = body
  if (local != null)
    return {
      key: `local step ${local.seq}`,
      at,
      parts: { type: String(local.activityType), id: String(local.activityId), input: bytesOf(local.arguments) },
    }
  if (regular != null) {
    const { activityId, activityType, arguments: input, retryPolicy, ...rest } = regular
    const parts = { type: String(activityType), input: bytesOf(input), ...timeouts(rest), ...retries(retryPolicy) }
    return { key: `step ${activityId}`, at, parts }
  }
  if (timer != null) {
    const summary = body.userMetadata?.summary
    const parts = {
      length: String(durationNs(timer.startToFireTimeout)),
      summary: bytesOf(summary == null ? [] : [summary]),
    }
    return { key: `timer ${timer.seq}`, at, parts }
  }
  if (body.completeWorkflowExecution != null) {
    const { result } = body.completeWorkflowExecution
    return { key: 'completion', at, parts: { result: bytesOf(result == null ? [] : [result]) } }
  }
  if (body.failWorkflowExecution != null)
    return { key: 'failure', at, parts: failureParts(body.failWorkflowExecution.failure) }
  return { key: kinds.join(' '), at, parts: {} }
}

function timeouts(given: object): Record<string, string> {
  const durations = given as Record<string, Duration>
  const names = ['scheduleToCloseTimeout', 'scheduleToStartTimeout', 'startToCloseTimeout', 'heartbeatTimeout']
  return Object.fromEntries(names.map((name) => [name, String(durationNs(durations[name]))]))
}

function retries(policy: Policy | undefined): Record<string, string> {
  const { initialInterval, backoffCoefficient, maximumInterval, maximumAttempts } = policy ?? {}
  const rest = [backoffCoefficient ?? 0, durationNs(maximumInterval), maximumAttempts ?? 0]
  return { retryPolicy: [durationNs(initialInterval), ...rest].join(' ') }
}

function failureParts(failure: Failure | undefined): Record<string, string> {
  const { type, nonRetryable } = failure?.applicationFailureInfo ?? {}
  return { message: failure?.message ?? '', type: type ?? '', retryable: String(nonRetryable !== true) }
}

/** Payloads byte by byte: encoding and data. */
function bytesOf(payloads: readonly Payload[] | null | undefined): string {
  const hex = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('hex')
  const one = ({ metadata, data }: Payload) => {
    const meta = Object.entries(metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    return [...meta.map(([key, value]) => `${key}=${hex(value)}`), hex(data)].join(';')
  }
  return (payloads ?? []).map(one).join(',')
}
