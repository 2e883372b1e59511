/**
 * Temporal's development server: frontend, history, matching, worker and the UI in one process over one SQLite file.
 *
 * Guarantees: ready means that the namespace answers and that its history shard does, so a workflow can be started;
 * closed runs are kept for thirty days. One shard and no authentication: whoever reaches the port is a platform
 * operator. Not a production server.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { plainEnvironment } from './command.ts'
import { childOf, partDir, type StackContext, type StartedPart } from './context.ts'
import { obtainProgram } from './program.ts'
import { temporal } from './recipes.ts'
import { writeState } from './state.ts'
import { temporalAnswers } from './temporal-probe.ts'
import { labels } from './types.ts'

export const namespaceName = 'exoarmur'

/**
 * By default the history service looks into a shard's queues at most twenty times a second, and there is one shard:
 * after a short burst every task would wait for a tick of 50 ms. What only the list of runs hears of is the other way
 * round: looked for once a second, a run that has ended by then is written into the list once and not twice, and a few at a
 * time, since they share the one connection to the file with what callers wait for.
 */
const dynamicConfig = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.visibilityProcessorMaxPollRPS=1',
  'history.visibilityTaskBatchSize=1000',
  'history.visibilityProcessorSchedulerWorkerCount=4',
]

/** A write-ahead log halves the time of a commit, and FULL keeps every acknowledged one through a power cut. */
const pragmas = ['journal_mode=WAL', 'synchronous=FULL']

export async function startTemporal(context: StackContext, ui: boolean): Promise<StartedPart> {
  const { state, progress, signal, ports } = context
  const program = await obtainProgram(temporal, progress, signal)
  const dir = partDir(context, 'temporal')
  const database = join(dir, 'temporal.db')
  if (!state.temporal.initialised) forgetHalfMade(database)
  const address = `127.0.0.1:${ports.temporal}`
  const server = [
    'server',
    'start-dev',
    '--db-filename',
    database,
    '--namespace',
    namespaceName,
    '--log-level',
    'error',
  ]
  const listeners = ['--ip', '127.0.0.1', '--port', String(ports.temporal), '--http-port', String(ports.temporalHttp)]
  const extra = [
    '--metrics-port',
    String(ports.temporalMetrics),
    ...(ui ? ['--ui-port', String(ports.temporalUi)] : ['--headless']),
  ]
  const child = childOf(context, 'temporal', {
    label: labels.temporal,
    file: program.binary,
    args: [
      ...server,
      ...listeners,
      ...extra,
      ...pragmas.flatMap((value) => ['--sqlite-pragma', value]),
      ...dynamicConfig.flatMap((value) => ['--dynamic-config-value', value]),
    ],
    env: plainEnvironment(),
    cwd: dir,
    uid: undefined,
    ready: () => temporalAnswers(address, namespaceName),
    readyWithinMs: 60_000,
    stop: { signal: 'SIGTERM', withinMs: 5_000 },
  })
  await child.start(signal)
  if (!state.temporal.initialised) {
    state.temporal.initialised = true
    writeState(context.home, state)
  }
  return { name: 'temporal', address, program, child }
}

/**
 * The server makes its tables when the file is missing, so one killed while it did would leave a file that never works.
 */
function forgetHalfMade(database: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) {
    if (existsSync(database + suffix)) rmSync(database + suffix)
  }
}
