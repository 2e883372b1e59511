/**
 * A whole deployment on one machine: the embedded stack, the schema, keys, first rows, and the app process, supervised.
 * `npm start`, the demo, the tests and the bench all run this one.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Credentials } from './bootstrap.ts'
import { keepFile } from './kept-file.ts'
import { prepareLab, writePrivately } from './lab.ts'
import { migrate } from './migrate.ts'
import { environmentOf, NODE_FLAGS, type ReadyMessage } from './process.ts'
import { NotUsable, startStack, type Progress, type RunningStack, type StackAddresses } from './stack/index.ts'
import { EXIT } from '../cli/exit-codes.ts'

export interface DeploymentOptions {
  home: string
  port: number
  progress: Progress
  headless?: boolean
  /** Added to the app's environment. */
  env?: Record<string, string>
  /** Where the app is to find its backends instead, for who puts something between the two. */
  between?: (addresses: StackAddresses) => Promise<StackAddresses>
  signal?: AbortSignal
}

export interface Deployment {
  url: string
  home: string
  stack: RunningStack
  credentials: Credentials
  /** The process that is API and worker. */
  app(): ChildProcess
  /** Resolves when the app answers again after it died. */
  recovered(): Promise<void>
  stop(): Promise<void>
}

const READY_WITHIN_MS = 60_000

export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { home, progress } = options
  const stack = await startStack({
    home,
    progress,
    headless: options.headless ?? false,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  try {
    const ran = await migrate(stack.addresses.postgres.ownerUrl, progress)
    if (ran > 0) progress(`schema: ${ran} migration(s) ran`)
    const deployment = await prepareLab(home, stack.addresses.postgres.ownerUrl)
    const supervised = await superviseApp(options, {
      ...environmentOf((await options.between?.(stack.addresses)) ?? stack.addresses, deployment),
      ...options.env,
    })
    const credentials = JSON.parse(await readFile(join(home, 'credentials.json'), 'utf8')) as Credentials
    credentials.url = supervised.url()
    await writePrivately(join(home, 'credentials.json'), credentials)
    const processes = keepFile(
      'processes.json',
      async () => await writeProcesses(home, stack, supervised.url(), supervised.child().pid ?? 0),
      progress,
    )
    stack.onChange(processes.changed)
    supervised.onChange(processes.changed)
    processes.changed()
    return {
      url: supervised.url(),
      home,
      stack,
      credentials,
      app: supervised.child,
      recovered: supervised.recovered,
      stop: async () => {
        processes.stop()
        await supervised.stop()
        await stack.stop()
      },
    }
  } catch (error) {
    await stack.stop()
    throw error
  }
}

interface Supervised {
  url(): string
  child(): ChildProcess
  recovered(): Promise<void>
  onChange(listener: () => void): void
  stop(): Promise<void>
}

/** Keeps one app process alive; a death is followed by a start on the same port. */
async function superviseApp(options: DeploymentOptions, backendEnv: NodeJS.ProcessEnv): Promise<Supervised> {
  let stopping = false
  let port = options.port
  let url = ''
  let current: ChildProcess
  let back: Promise<void> = Promise.resolve()
  const listeners: (() => void)[] = []

  const start = async (): Promise<void> => {
    const child = fork(join(import.meta.dirname, 'app.ts'), [], {
      execPath: process.execPath,
      execArgv: NODE_FLAGS,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...backendEnv, EXO_HOME: options.home, PORT: String(port), EXO_MODE: 'lab' },
    })
    current = child
    const message = await ready(child)
    url = message.url ?? ''
    port = Number(new URL(url).port)
    child.once('exit', (code, signal) => {
      if (stopping) return
      options.progress(`app: ended by ${signal ?? `code ${code}`}, starting it again`)
      back = restart()
    })
    for (const listener of listeners) listener()
  }
  const restart = async (): Promise<void> => {
    for (let pauseMs = 200; !stopping; pauseMs = Math.min(pauseMs * 2, 5_000))
      try {
        await start()
        return
      } catch (error) {
        options.progress(`app: ${String(error)}, again in ${pauseMs / 1000} s`)
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
  }

  await start()
  return {
    url: () => url,
    child: () => current,
    recovered: () => back,
    onChange: (listener) => void listeners.push(listener),
    stop: async () => {
      stopping = true
      await endChild(current)
    },
  }
}

function ready(child: ChildProcess): Promise<ReadyMessage> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the app was not ready within ${READY_WITHIN_MS / 1000} s`))
    }, READY_WITHIN_MS)
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(late)
      reject(
        code === EXIT.usage
          ? new NotUsable('the app did not start, for the reason it gave')
          : new Error(`the app ended before it was ready (${signal ?? code})`),
      )
    }
    child.once('exit', ended)
    child.once('message', (message) => {
      clearTimeout(late)
      child.off('exit', ended)
      resolve(message as ReadyMessage)
    })
  })
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), 12_000)
  await gone
  clearTimeout(force)
}

async function writeProcesses(home: string, stack: RunningStack, url: string, appPid: number): Promise<void> {
  const { temporal } = stack.addresses
  const address = url.replace('http://', '')
  await writePrivately(join(home, 'processes.json'), [
    { name: 'supervisor', pid: process.pid, address: '' },
    { name: 'api', pid: appPid, address },
    { name: 'worker', pid: appPid, address, namespace: temporal.namespace, task_queue: 'exoarmur' },
    ...stack.parts().map((part) => ({
      name: part.name,
      pid: part.pid,
      address: part.address,
      ...(part.name === 'temporal' ? { http: temporal.http, ui: temporal.ui, namespace: temporal.namespace } : {}),
    })),
  ])
}
