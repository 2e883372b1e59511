/**
 * The embedded stack: PostgreSQL, S3 and Temporal on one machine, without a container engine.
 *
 * Guarantees: real servers on loopback ports with secrets of their own, everything they keep under one home, one stack
 * a home, a server that dies comes back on its address, and `stop` ends exactly the processes that were started here.
 * It is for one machine and mode `lab`: no replicas, no backups.
 */
import { stackAddresses } from './addresses.ts'
import { type Configured, configuredParts } from './configured.ts'
import type { StackContext, StartedPart } from './context.ts'
import { describeConfigured, hostOf } from './describe.ts'
import { openHome } from './home.ts'
import { portIsFree, settlePorts } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { startS3 } from './s3.ts'
import { type PortName, portNames, writeState } from './state.ts'
import { startTemporal } from './temporal.ts'
import { labels, type PartName, type RunningStack, StackError, type StackOptions, type StackPart } from './types.ts'

export { configuredParts, configuredRoles, roleVariable } from './configured.ts'
export { describeStack } from './describe.ts'
export * from './types.ts'

/** Last started first. */
const stopOrder: readonly PartName[] = ['temporal', 's3', 'postgres']

const portsOf: Record<PartName, readonly PortName[]> = {
  postgres: ['postgres'],
  s3: ['s3'],
  temporal: ['temporal', 'temporalHttp', 'temporalUi', 'temporalMetrics'],
}

export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { progress } = options
  const configured = configuredParts(process.env)
  const { home, state, release } = await openHome(options.home, progress)
  const listeners: (() => void)[] = []
  const giveUp = new AbortController()
  const signal = AbortSignal.any([giveUp.signal, ...(options.signal === undefined ? [] : [options.signal])])
  const uninterrupted = options.signal === undefined ? giveUpWhenInterrupted(giveUp) : () => undefined
  const children: StackContext['children'] = new Map()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  const endAll = async (): Promise<void> => {
    for (const name of stopOrder) await children.get(name)?.stop()
    process.off('exit', atExit)
    release()
  }
  const atExit = (): void => {
    for (const name of stopOrder) children.get(name)?.signalNow()
    release()
  }
  process.once('exit', atExit)
  try {
    const ports = await settlePorts(portNames, state.ports)
    state.ports = ports
    writeState(home, state)
    const ui = options.headless !== true && options.temporalUi !== false
    const context: StackContext = { home, state, ports, progress, signal, children, changed }
    const started = await startParts(context, configured, ui, giveUp)
    return {
      addresses: stackAddresses(home, state, ports, configured, ui),
      parts: () => describeParts(configured, started),
      onChange: (listener) => void listeners.push(listener),
      stop: endAll,
      restart: async (name) => children.get(name)?.restart(),
    }
  } catch (error) {
    await endAll()
    throw error
  } finally {
    uninterrupted()
  }
}

/**
 * The first start may take minutes, in which Ctrl-C must not leave servers behind; afterwards signals are the caller's.
 */
function giveUpWhenInterrupted(giveUp: AbortController): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const interrupt = (signal: NodeJS.Signals): void =>
    giveUp.abort(new StackError(`interrupted by ${signal} while starting`))
  for (const signal of signals) process.on(signal, interrupt)
  return () => {
    for (const signal of signals) process.off(signal, interrupt)
  }
}

/** Starts what is not configured, all at once; when one fails the others are not waited for. */
async function startParts(
  context: StackContext,
  configured: Configured,
  ui: boolean,
  giveUp: AbortController,
): Promise<StartedPart[]> {
  const starters: Record<PartName, () => Promise<StartedPart>> = {
    postgres: () => startPostgres(context),
    s3: () => startS3(context),
    temporal: () => startTemporal(context, ui),
  }
  const names = (Object.keys(starters) as PartName[]).filter((name) => configured[name] === null)
  const results = await Promise.allSettled(
    names.map((name) =>
      startPart(context, name, starters[name]).catch((error: unknown) => {
        giveUp.abort(error)
        throw error
      }),
    ),
  )
  // The first failure is the reason the signal carries; the others only followed it.
  context.signal?.throwIfAborted()
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/** A port can be lost between looking and listening: then others are taken, three times at most. */
async function startPart(
  context: StackContext,
  name: PartName,
  start: () => Promise<StartedPart>,
): Promise<StartedPart> {
  const startedAt = Date.now()
  for (let tries = 1; ; tries += 1) {
    try {
      const part = await start()
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
      const { version, origin } = part.program
      context.progress(`${labels[name]}: version ${version} (${origin}) answers on ${part.address} after ${seconds} s`)
      return part
    } catch (error) {
      const mine = portsOf[name]
      const free = await Promise.all(mine.map((port) => portIsFree(context.ports[port])))
      if (tries === 3 || context.signal?.aborted || free.every(Boolean)) throw error
      context.progress(`${labels[name]}: somebody else took its port, trying another`)
      Object.assign(context.ports, await settlePorts(mine, context.ports))
      context.state.ports = context.ports
      writeState(context.home, context.state)
    }
  }
}

function describeParts(configured: Configured, started: readonly StartedPart[]): StackPart[] {
  const running = started.map(({ name, address, program, child }) => ({ name, pid: child.pid(), address, ...program }))
  return [
    ...(configured.postgres === null ? [] : [describeConfigured('postgres', hostOf(configured.postgres.ownerUrl))]),
    ...(configured.s3 === null ? [] : [describeConfigured('s3', hostOf(configured.s3.endpoint))]),
    ...(configured.temporal === null ? [] : [describeConfigured('temporal', configured.temporal.address)]),
    ...running,
  ]
}
