/**
 * Replays histories with one workflow bundle and hands out every command the code gave, payloads included: the recorder that
 * is part of every bundle speaks to the sink here. Temporal's replayer itself compares only the kind, order, id and type of
 * commands. One replayer serves many histories, one after the other; it performs nothing and opens no socket.
 */
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import type { History } from './history.ts'

/** One command as the workflow gave it: exactly one member is set. Payload bytes are byte arrays. */
export type Command = Readonly<Record<string, unknown>>

export interface Replayed {
  /** Why Temporal's replayer refused it, or null. */
  refusal: string | null
  commands: Command[]
}

interface Waiting {
  workflowId: string
  history: History
  done(outcome: Replayed): void
  fail(error: unknown): void
}

/** How the recorder knows a verifier; `workflows/recorder.ts` holds the other half, a test both together. */
const REPLAY_NAME = 'exo-verify'

export class Replayer {
  readonly #queue: Waiting[] = []
  #wake: () => void = () => undefined
  #closed = false
  #commands: Command[] = []
  readonly #running: Promise<void>

  constructor(code: string) {
    quietRuntime()
    this.#running = this.#run(code)
    this.#running.catch(() => undefined)
  }

  async replay(workflowId: string, history: History): Promise<Replayed> {
    return await new Promise((done, fail) => {
      this.#queue.push({ workflowId, history, done, fail })
      this.#wake()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wake()
    await this.#running
  }

  async #run(code: string): Promise<void> {
    const fn = (_info: unknown, commands: Command[]) => void this.#commands.push(...commands)
    const options = {
      workflowBundle: { code },
      replayName: REPLAY_NAME,
      sinks: { exoRecorder: { commands: { fn, callDuringReplay: true } } },
    }
    let current: Waiting | null = null
    const take = (waiting: Waiting) => {
      current = waiting
      this.#commands = []
    }
    try {
      for await (const { error } of Worker.runReplayHistories(options, this.#histories(take))) {
        const waiting = current as Waiting | null
        current = null
        waiting?.done({ refusal: error === undefined ? null : firstLine(error.message), commands: this.#commands })
      }
    } catch (error) {
      const left = [
        ...((current as Waiting | null) === null ? [] : [current as unknown as Waiting]),
        ...this.#queue.splice(0),
      ]
      for (const waiting of left) waiting.fail(error)
      throw error
    }
  }

  async *#histories(take: (waiting: Waiting) => void): AsyncIterable<{ workflowId: string; history: History }> {
    for (;;) {
      const next = this.#queue.shift()
      if (next !== undefined) {
        take(next)
        yield next
      } else if (this.#closed) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

/** The rest of such messages is a stack, which tells of the machine. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 600)
}

/** Nothing on standard output, nothing about expected refusals. A process that has a runtime already keeps its own. */
function quietRuntime(): void {
  try {
    Runtime.install({
      logger: new DefaultLogger('ERROR', () => undefined),
      telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
    })
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'IllegalStateError') throw error
  }
}
