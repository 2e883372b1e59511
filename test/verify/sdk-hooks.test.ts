/**
 * What the verifier takes for granted of the SDK, pinned on fresh histories, so that a new version of it that no longer holds is
 * seen here and not as a bundle that suddenly fails, or as one that suddenly passes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalJson, parseIJson } from '../../domain/canonical.ts'
import { type HistoryEvent, kindOf, localMarkerOf, readHistory, type ReadHistory } from '../../verify/history.ts'
import { unpackBundle } from '../../verify/read-bundle.ts'
import { type Command, type Replayed, Replayer } from '../../verify/replayer.ts'
import { Deployment } from './support/deployment.ts'

let deployment: Deployment
let history: ReadHistory
let stored: Uint8Array
let workflowId: string
let replayer: Replayer
let replayed: Replayed

beforeAll(async () => {
  deployment = await Deployment.start()
  deployment.addVoter('ann')
  const input = await deployment.propose({ plan: { standing: false } })
  await deployment.untilPending(input)
  await deployment.decide(input, await deployment.vote(input, 'p_ann'))
  const files = unpackBundle(await deployment.sealed(input))
  stored = files.get('history.json') ?? new Uint8Array()
  history = readHistory(stored)
  workflowId = `${input.tenant_id}/${input.operation_id}`
  replayer = new Replayer(deployment.bundle.code)
  replayed = await replayer.replay(workflowId, history.proto)
}, 60_000)
afterAll(async () => {
  await replayer?.close()
  await deployment?.close()
})

const ofKind = (kind: string): HistoryEvent[] => history.events.filter((event) => kindOf(event) === kind)
const commands = (kind: string): Command[] => replayed.commands.filter((command) => command[kind] != null)
const textOf = (data: Uint8Array | null | undefined) => new TextDecoder().decode(data ?? new Uint8Array())

describe('the SDK', () => {
  test('hands every command to the hook in replay, the last ones too, with payloads as bytes', () => {
    expect(replayed.refusal).toBeNull()
    expect(commands('scheduleLocalActivity').length).toBe(ofKind('markerRecorded').length)
    expect(commands('scheduleActivity').length).toBe(ofKind('activityTaskScheduled').length)
    expect(commands('startTimer').length).toBe(ofKind('timerStarted').length)
    const [completion] = commands('completeWorkflowExecution') as {
      completeWorkflowExecution: { result: { data: Uint8Array } }
    }[]
    expect(ArrayBuffer.isView(completion?.completeWorkflowExecution.result.data)).toBe(true)
  })

  test('puts the input of a local activity into its marker when the hook asks for it', () => {
    for (const event of ofKind('markerRecorded')) {
      const { details } = event.markerRecordedEventAttributes ?? {}
      expect(Object.keys(details ?? {}).sort()).toEqual(['data', 'input', 'result'])
      expect(localMarkerOf(event)).toMatchObject({ seq: expect.any(Number), activity_type: expect.any(String) })
    }
  })

  test("notes its flags at the first task's end, and its metadata at every one", () => {
    const [first, ...rest] = ofKind('workflowTaskCompleted').map((event) => event.workflowTaskCompletedEventAttributes)
    expect(first?.sdkMetadata).toMatchObject({ sdkName: 'temporal-typescript', sdkVersion: '1.24.0' })
    expect(first?.sdkMetadata?.coreUsedFlags).toContain(1)
    for (const task of rest) expect(task?.sdkMetadata).not.toBeNull()
  })

  test('names the build of every task, twice', () => {
    for (const { workflowTaskCompletedEventAttributes: task } of ofKind('workflowTaskCompleted')) {
      expect(task?.deploymentVersion?.buildId).toBe(deployment.bundle.digest)
      expect(task?.workerVersion?.buildId).toBe(deployment.bundle.digest)
    }
  })

  test('keeps the bytes our converter makes, which are canonical JSON', () => {
    const payloads = [
      ...ofKind('workflowExecutionStarted').map((event) => event.workflowExecutionStartedEventAttributes?.input),
      ...ofKind('activityTaskScheduled').map((event) => event.activityTaskScheduledEventAttributes?.input),
      ...ofKind('activityTaskCompleted').map((event) => event.activityTaskCompletedEventAttributes?.result),
      ...ofKind('markerRecorded').flatMap(({ markerRecordedEventAttributes: marker }) => [
        marker?.details?.['input'],
        marker?.details?.['result'],
      ]),
      ...ofKind('workflowExecutionCompleted').map((event) => event.workflowExecutionCompletedEventAttributes?.result),
    ].flatMap((list) => list?.payloads ?? [])
    expect(payloads.length).toBeGreaterThan(8)
    for (const { data, metadata } of payloads) {
      expect(textOf(metadata?.['encoding'])).toBe('json/plain')
      expect(canonicalJson(parseIJson(textOf(data)))).toBe(textOf(data))
    }
  })

  test('replays one history after the other on one replayer, also the same one twice', async () => {
    const again = await replayer.replay(workflowId, history.proto)
    expect(again.refusal).toBeNull()
    expect(again.commands.length).toBe(replayed.commands.length)
  })

  test('still replays without a word what only the strict comparison notices', async () => {
    const { proto } = readHistory(new TextEncoder().encode(JSON.stringify(tampered())))
    expect((await replayer.replay(workflowId, proto)).refusal).toBeNull()
  })
})

/** The guard's input, time limit and the deadline changed: all of it is nothing to Temporal's own replayer. */
function tampered(): unknown {
  const { events } = JSON.parse(textOf(stored)) as { events: Record<string, Record<string, unknown>>[] }
  for (const event of events) {
    const scheduled = event['activityTaskScheduledEventAttributes']
    const timer = event['timerStartedEventAttributes']
    if (scheduled !== undefined) {
      scheduled['startToCloseTimeout'] = '999s'
      scheduled['input'] = { payloads: [{ metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: 'e30=' }] }
    }
    if (timer !== undefined) timer['startToFireTimeout'] = '0.777s'
  }
  return { events }
}
