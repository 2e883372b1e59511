/** Processes of ours beside a deployment's own, on the same backends and the same home. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { within } from './until.ts'
import { NODE_FLAGS, type ReadyMessage } from '../../bin/process.ts'

export interface Forked {
  child: ChildProcess
  /** Rejects when it ends before it is ready. */
  ready: Promise<ReadyMessage>
  gone: Promise<void>
}

/** `file` is one of the programs of bin/. */
export function forkProgram(checkout: string, file: string, env: NodeJS.ProcessEnv): Forked {
  const child = fork(join(checkout, 'bin', file), [], {
    execPath: process.execPath,
    execArgv: NODE_FLAGS,
    env: { ...process.env, ...env },
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ready = new Promise<ReadyMessage>((resolve, reject) => {
    child.once('message', (message) => resolve(message as ReadyMessage))
    void gone.then(() => reject(new Error(`${file} ended ${child.signalCode ?? child.exitCode}`)))
  })
  ready.catch(() => undefined)
  return { child, ready, gone }
}

const READY_WITHIN_MS = 60_000
const LONGEST_PAUSE_MS = 5_000

/** A process that is started again whenever it ends; where it listens it does so on the same port. */
export class Beside {
  readonly #start: (port: string) => Forked
  #current: Forked
  #url: string | null = null
  #stopping = false
  #kept: Promise<void> = Promise.resolve()

  private constructor(start: (port: string) => Forked) {
    this.#start = start
    this.#current = start('0')
  }

  /** Resolves once it is ready. */
  static async start(checkout: string, file: string, env: NodeJS.ProcessEnv): Promise<Beside> {
    const beside = new Beside((PORT) => forkProgram(checkout, file, { ...env, PORT }))
    await beside.#isReady()
    beside.#kept = beside.#keep()
    return beside
  }

  get url(): string {
    return this.#url ?? ''
  }

  /** Null while it is dead. */
  get pid(): number | null {
    const { child } = this.#current
    return child.exitCode === null && child.signalCode === null ? (child.pid ?? null) : null
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#current.child.kill('SIGTERM')
    await this.#kept
  }

  async #isReady(): Promise<void> {
    const { child, ready } = this.#current
    try {
      this.#url = (await within('it is ready', READY_WITHIN_MS, ready)).url
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  async #keep(): Promise<void> {
    for (let pauseMs = 0; ; pauseMs = Math.min(2 * pauseMs + 200, LONGEST_PAUSE_MS)) {
      await this.#current.gone
      if (this.#stopping) return
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      if (this.#stopping) return
      this.#current = this.#start(this.#url === null ? '0' : new URL(this.#url).port)
      await this.#isReady().then(
        () => {
          pauseMs = 0
        },
        () => undefined,
      )
    }
  }
}
