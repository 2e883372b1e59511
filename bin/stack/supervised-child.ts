/**
 * One server process that is kept running on its address.
 *
 * Guarantees: a process that ends without being asked is started again with the same arguments, at once and then after
 * pauses of at most three seconds, until it answers or is stopped; its pid is handed on before anything else can fail.
 * The process has its own process group, so Ctrl-C in a terminal reaches only us, and we decide the order of the end.
 * Does not notice a process that runs and does not answer: readiness checks tell that.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { logTail, openLog } from './log-file.ts'
import { endProcess, identityOf, isAlive, type ProcessIdentity } from './process-identity.ts'
import type { Progress } from './types.ts'

export interface ChildSpec {
  label: string
  file: string
  args: string[]
  env: NodeJS.ProcessEnv
  cwd: string
  uid: number | undefined
  logFile: string
  /** Rejects until the process answers as itself. */
  ready(): Promise<void>
  readyWithinMs: number
  /** Run before every start. */
  prepare?(): void
  stop: { signal: NodeJS.Signals; withinMs: number }
}

export interface SupervisedChild {
  pid(): number | null
  start(signal?: AbortSignal): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
  /** For the last moment of our own process, when nothing can be waited for. */
  signalNow(): void
}

const longestPauseMs = 3_000

export function superviseChild(
  spec: ChildSpec,
  progress: Progress,
  onProcess: (identity: ProcessIdentity | null) => void,
): SupervisedChild {
  let child: ChildProcess | null = null
  let identity: ProcessIdentity | null = null
  let exited: Promise<void> = Promise.resolve()
  let wanted = false
  let attempting = false
  let revival: Promise<void> = Promise.resolve()

  function launch(): ChildProcess {
    spec.prepare?.()
    const log = openLog(spec.logFile)
    const { file, args, env, cwd, uid } = spec
    const user = uid === undefined ? {} : { uid, gid: uid }
    const started = spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', log, log], ...user })
    closeSync(log)
    child = started
    identity = started.pid === undefined ? null : identityOf(started.pid)
    onProcess(identity)
    exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        onEnd(started, how)
        resolve()
      }
      started.once('error', (error) => ended(error.message))
      started.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`))
    })
    return started
  }

  function onEnd(which: ChildProcess, how: string): void {
    if (child !== which) return
    const before = identity?.pid ?? '(never started)'
    child = null
    identity = null
    onProcess(null)
    if (!wanted || attempting) return
    progress(`${spec.label}: process ${before} ended unasked (${how}), starting it again`)
    revival = revive()
  }

  async function revive(): Promise<void> {
    const startedAt = Date.now()
    for (let pauseMs = 100; wanted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        await attempt()
        progress(`${spec.label}: answers again after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
        return
      } catch (error) {
        if (!wanted) return
        progress(`${spec.label}: not back yet, ${(error as Error).message}`)
        await pause(pauseMs)
      }
    }
  }

  /** Starts the process and waits until it answers; one that does not is ended. */
  async function attempt(signal?: AbortSignal): Promise<void> {
    attempting = true
    try {
      const mine = launch()
      await untilReady(mine, signal)
    } catch (error) {
      await end()
      throw error
    } finally {
      attempting = false
    }
  }

  async function untilReady(mine: ChildProcess, signal?: AbortSignal): Promise<void> {
    const deadline = Date.now() + spec.readyWithinMs
    for (;;) {
      signal?.throwIfAborted()
      if (!wanted) throw new Error('it was stopped')
      if (child !== mine) throw new Error(`it ended at once: ${logTail(spec.logFile)}`)
      const problem = await spec.ready().then(
        () => null,
        (error: unknown) => error,
      )
      // Somebody else may answer on the port while ours fails to take it.
      if (problem === null && child === mine) return
      if (Date.now() > deadline) throw new Error(`no answer within ${spec.readyWithinMs / 1000} s: ${String(problem)}`)
      await pause(50)
    }
  }

  async function end(signal = spec.stop.signal, withinMs = spec.stop.withinMs): Promise<void> {
    const gone = exited
    if (identity !== null) await endProcess(identity, signal, withinMs)
    await Promise.race([gone, pause(2_000, undefined, { ref: false })])
  }

  return {
    pid: () => (identity !== null && isAlive(identity) ? identity.pid : null),
    async start(signal) {
      wanted = true
      try {
        await attempt(signal)
      } catch (error) {
        wanted = false
        throw error
      }
    },
    async restart() {
      await end('SIGKILL', 0)
      await revival
    },
    async stop() {
      wanted = false
      await end()
      await revival
    },
    signalNow() {
      wanted = false
      if (identity !== null && isAlive(identity)) process.kill(identity.pid, spec.stop.signal)
    },
  }
}
