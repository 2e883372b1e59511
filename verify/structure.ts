/**
 * Step 1: the bundle is whole, and the history in it is one closed run that nobody cut, filled or reordered.
 *
 * Temporal's replayer does not look at most of this: a history without its last events, without the SDK's flags or with other
 * times replays without a word.
 */
import proto from '@temporalio/proto'
import { isBundleFile, REQUIRED_FILES } from './bundle-shape.ts'
import type { Check } from './check.ts'
import { type HistoryEvent, idOf, kindOf, timeOf } from './history.ts'
import { ensure } from './report.ts'
import { hexHash, mapOf, readCanonical } from './shape.ts'
import type { Subject } from './subject.ts'
import { sha256Hex } from '../domain/hash.ts'

/** Kinds that stand where they were handed out, not where they happened: they may have waited for a task to end. */
const BUFFERED = new Set([
  'workflowExecutionSignaled',
  'workflowExecutionCancelRequested',
  'activityTaskStarted',
  'activityTaskCompleted',
  'activityTaskFailed',
  'activityTaskTimedOut',
  'timerFired',
])
const IN_ORDER = new Set([
  'workflowExecutionStarted',
  'workflowTaskScheduled',
  'workflowTaskStarted',
  'workflowTaskCompleted',
  'workflowTaskTimedOut',
  'workflowTaskFailed',
  'activityTaskScheduled',
  'timerStarted',
  'markerRecorded',
])
const CLOSING = new Set(['workflowExecutionCompleted', 'workflowExecutionTerminated', 'workflowExecutionFailed'])
/** Core's flag that makes replay compare ids and types of activities at all. */
const ID_AND_TYPE_CHECKS = 1

export const structureChecks: readonly Check[] = [
  { name: 'structure.files', run: files },
  { name: 'structure.manifest', run: manifest },
  { name: 'structure.history', run: history },
  { name: 'structure.tasks', run: tasks },
  { name: 'structure.times', run: times },
]

function files({ files: given }: Subject): string {
  for (const name of REQUIRED_FILES) ensure(given.has(name), `${name} is missing`)
  for (const [name, bytes] of given) {
    ensure(isBundleFile(name), `${JSON.stringify(name)} does not belong into a bundle`)
    ensure(bytes.length > 0, `${name} is empty`)
  }
  return `${given.size} files`
}

function manifest(subject: Subject): string {
  const listed = mapOf(hexHash)(readCanonical(subject.text('manifest.json'), 'manifest.json'), 'manifest.json')
  for (const name of Object.keys(listed))
    ensure(subject.files.has(name), `manifest.json names ${name}, which is missing`)
  for (const [name, bytes] of subject.files) {
    if (name === 'manifest.json') continue
    ensure(Object.hasOwn(listed, name), `manifest.json does not name ${name}`)
    ensure(listed[name] === sha256Hex(bytes), `${name} has other bytes than manifest.json says`)
  }
  return `${Object.keys(listed).length} digests agree`
}

function history(subject: Subject): string {
  const { events } = subject.history
  const { operation_id, tenant_id } = subject.receipt.value
  ensure(events.length > 1, 'history.json holds no run')
  events.forEach((event, index) => {
    const kind = kindOf(event)
    const last = index === events.length - 1
    ensure(idOf(event) === index + 1, `event ${index + 1} has id ${idOf(event)}`)
    ensure(kind !== null, `event ${index + 1} has no attributes, or several`)
    ensure(kindAgrees(event, kind), `event ${index + 1} is ${kind} of another type`)
    const known = BUFFERED.has(kind) || IN_ORDER.has(kind) || CLOSING.has(kind)
    ensure(known, `event ${index + 1} is ${kind}, which no run of this system has`)
    ensure((kind === 'workflowExecutionStarted') === (index === 0), `event ${index + 1} is ${kind} in the wrong place`)
    ensure(
      CLOSING.has(kind) === last,
      last ? `the history ends with ${kind}: it is not closed` : `event ${index + 1} closes the run too early`,
    )
    ensure(!isReset(event), `event ${index + 1}: the run was reset from outside, so it is parts of two runs`)
    ensure(refersBack(event, index + 1), `event ${index + 1} refers to an event that is not before it`)
  })
  const started = events[0]?.workflowExecutionStartedEventAttributes
  ensure(started?.workflowType?.name === 'governedOperation', 'the run is of another workflow type')
  ensure(started.workflowId === `${tenant_id}/${operation_id}`, `the run is of workflow ${started.workflowId}`)
  ensure((started.attempt ?? 1) === 1 && !started.continuedExecutionRunId, 'the run continues another one')
  ensure(started.parentWorkflowExecution == null && !started.cronSchedule, 'the run was not started by the API')
  const closed = kindOf(events.at(-1) ?? {})
  if (closed === 'workflowExecutionCompleted') return `${events.length} events, closed`
  ensure(subject.endedFromOutside, `the history ends with ${closed}: the run never told its end`)
  return `${events.length} events, ended from outside and recorded so`
}

/** Workflow tasks: each scheduled, started and finished; one build; the SDK's flags where they must be. */
function tasks(subject: Subject): string {
  const { events } = subject.history
  const { code } = subject.receipt.value
  const versions = new Set<string>()
  let completed = 0
  for (const event of events) {
    const done = event.workflowTaskCompletedEventAttributes
    if (done == null) continue
    const at = `event ${idOf(event)}`
    const scheduled = events[Number(done.scheduledEventId) - 1]
    const started = events[Number(done.startedEventId) - 1]
    ensure(scheduled?.workflowTaskScheduledEventAttributes != null, `${at} completes a task that was not scheduled`)
    ensure(started?.workflowTaskStartedEventAttributes != null, `${at} completes a task that was not started`)
    ensure(done.sdkMetadata != null, `${at} has lost the SDK's metadata`)
    const { coreUsedFlags, sdkName, sdkVersion } = done.sdkMetadata
    if (completed === 0) ensure((coreUsedFlags ?? []).includes(ID_AND_TYPE_CHECKS), `${at} has lost the SDK's flags`)
    // Told by the first task, and again by the first after an upgrade.
    if (completed === 0 || sdkName) ensure(sdkName === 'temporal-typescript', `${at} was written by another SDK`)
    if (sdkVersion) versions.add(sdkVersion)
    const build = done.deploymentVersion?.buildId
    ensure(build != null && build === done.workerVersion?.buildId, `${at} names no build, or two`)
    completed++
  }
  const { builds } = subject
  if (completed === 0 && subject.endedFromOutside) return 'none was completed'
  ensure(completed > 0, 'no workflow task was completed')
  ensure(builds.size === 1, `the run was worked on by ${builds.size} builds`)
  ensure(subject.madeElsewhere || versions.has(code.sdk), 'no task was written by the SDK that the receipt names')
  ensure(builds.has(subject.codeDigest), 'the run was worked on by another build than the receipt says')
  return `${completed} tasks by one build`
}

function times(subject: Subject): string {
  const { events } = subject.history
  let latest = 0n
  let taskStarted = 0n
  for (const event of events) {
    const time = timeOf(event)
    const kind = kindOf(event) ?? ''
    const floor = floorOf(event, BUFFERED.has(kind) ? taskStarted : latest)
    ensure(time > 0n && time >= floor, `event ${idOf(event)} is earlier than what came before it`)
    if (kind === 'workflowTaskStarted') taskStarted = time
    if (time > latest) latest = time
  }
  return 'in order'

  /** The start of an activity is written with its end, however many tasks went by; it only follows its scheduling. */
  function floorOf({ activityTaskStartedEventAttributes: started }: HistoryEvent, otherwise: bigint): bigint {
    const scheduled = started == null ? undefined : events[Number(started.scheduledEventId) - 1]
    return scheduled === undefined ? otherwise : timeOf(scheduled)
  }
}

/** `EVENT_TYPE_MARKER_RECORDED` and `markerRecordedEventAttributes` are one thing said twice; both must say it. */
function kindAgrees(event: HistoryEvent, kind: string): boolean {
  const name = kind.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
  return event.eventType === proto.temporal.api.enums.v1.EventType[`EVENT_TYPE_${name}` as 'EVENT_TYPE_UNSPECIFIED']
}

function isReset({ workflowTaskFailedEventAttributes: failed }: HistoryEvent): boolean {
  return failed?.cause === proto.temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
}

function refersBack(event: HistoryEvent, id: number): boolean {
  const kind = kindOf(event)
  const attributes = event[`${kind}EventAttributes` as keyof HistoryEvent] as Record<string, unknown> | null
  return ['scheduledEventId', 'startedEventId', 'workflowTaskCompletedEventId'].every((key) => {
    const target = Number(attributes?.[key] ?? 0)
    return target >= 0 && target < id
  })
}
