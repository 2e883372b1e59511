/**
 * Hosts the workflow code and the activities. One worker for the current bundle and one for each older digest that open
 * runs are pinned to; bundles are kept by digest. The current version is made current before the host is ready.
 */
import { uptime } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { Context } from '@temporalio/activity'
import type { NativeConnection } from '@temporalio/worker'
import { Worker, Runtime, DefaultLogger } from '@temporalio/worker'
import type pg from 'pg'
import { maskedLine } from './log.ts'
import type { NewsEvent } from './news.ts'
import { createSandboxWorker } from './sandbox-worker.ts'
import { onlyForItsReview, onlyForItsRun, onlyLocal } from './step-callers.ts'
import { DEPLOYMENT_NAME, keepBundle, makeCurrent, readKept, withOpenRuns } from './versions.ts'
import { buildWorkflowBundle, type WorkflowBundle } from './workflow-bundle.ts'
import { proposeAndGuard, resumeAndGuard } from '../activities/at-once.ts'
import { guardEffect } from '../activities/guard.ts'
import { effectOutside } from '../activities/outside.ts'
import { passSteps } from '../activities/passes.ts'
import { reconcileSteps } from '../activities/reconcile.ts'
import { reviewSteps } from '../activities/reviewing.ts'
import { sealSteps } from '../activities/sealing.ts'
import type { CrashPoint } from '../domain/crash-points.ts'
import { CHAIN_VERSION } from '../domain/gates/chain.ts'
import type { OutsidePorts } from '../domain/outside.ts'
import type { JwsReader, Signer } from '../domain/ports.ts'
import { type ModelReviewer, reviewQueue, type ReviewSteps } from '../domain/reviewing.ts'
import type { ReconcileSteps, SealSteps, Steps } from '../domain/steps.ts'
import { askModel } from '../stores/chat-reviewer.ts'
import { packBundle } from '../stores/bundle-zip.ts'
import type { ObjectStore } from '../stores/objects.ts'
import { AuditLog } from '../stores/postgres/audit-log.ts'
import { isUnavailable } from '../stores/postgres/errors.ts'
import { LockExpiry } from '../stores/postgres/lock-expiry.ts'
import { OperationStore } from '../stores/postgres/operations.ts'
import { Outbox } from '../stores/postgres/outbox.ts'
import { Questions } from '../stores/postgres/questions.ts'
import { SealStore } from '../stores/postgres/seals.ts'
import { Uploads } from '../stores/postgres/uploads.ts'
import { type FreshVotes, VoteStore } from '../stores/postgres/votes.ts'
import type { TemporalPort } from '../stores/temporal.ts'

const OLDER_EVERY_MS = 5_000

export interface WorkerHostOptions {
  connection: NativeConnection
  /**
   * Opens a connection of its own for the workers of older bundles: an eager start takes any worker of its connection,
   * whatever version that is, and new runs belong to the current bundle.
   */
  connectApart(): Promise<NativeConnection>
  namespace: string
  taskQueue: string
  maxCachedWorkflows: number
  bundlesDir: string
  pools: { guard: pg.Pool; control: pg.Pool; fences: pg.Pool; sequencer: pg.Pool; app: pg.Pool }
  temporal: TemporalPort
  objects: ObjectStore
  egress: OutsidePorts['http']
  /** The models that may be asked, as the setting says now; null where none is configured. */
  reviewers: (() => Promise<ModelReviewer[]>) | null
  secrets: OutsidePorts['secrets']
  keys: JwsReader
  signers: { receipt: Signer; seal: Signer }
  /** What the API of this process admitted. */
  freshVotes: FreshVotes
  announce(event: NewsEvent): void
  crashPoint(name: CrashPoint): void
  log: { warn(details: object, message: string): void }
}

export interface WorkerHost {
  digest: string
  /** Rejects when a worker fails for good. */
  running: Promise<void>
  stop(): Promise<void>
}

const SDK = '1.24.0'

export function quietRuntime(level: 'WARN' | 'ERROR' = 'ERROR'): void {
  Runtime.install({
    logger: new DefaultLogger(level, ({ level: at, message, meta }) => {
      process.stderr.write(maskedLine(`${at} ${message}`, meta))
    }),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
  })
}

export async function startWorkerHost(options: WorkerHostOptions): Promise<WorkerHost> {
  // The SDK takes a stack for every promise in the sandbox, for a query nobody asks. Contexts made from here on have
  // none: failures carry codes, and no path of the host ends up in history. This thread keeps its own.
  setFlagsFromString('--stack-trace-limit=0')
  const current = await buildWorkflowBundle()
  const unhosted = new Set(await keepBundle(options.bundlesDir, current))
  const workers: Worker[] = []
  const runs: Promise<void>[] = []
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => undefined)
  let apart: NativeConnection | null = null
  const host = (worker: Worker) => {
    const run = worker.run()
    run.then(ended.resolve, ended.reject)
    workers.push(worker)
    runs.push(run)
  }
  const hostOlder = async () => {
    const failures: unknown[] = []
    for (const digest of await withOpenRuns(options.temporal, [...unhosted]))
      try {
        const bundle = await readKept(options.bundlesDir, digest)
        if (bundle === null) throw new Error(`the bundle kept as ${digest} is another one`)
        apart ??= await options.connectApart()
        host(await makeWorker(options, apart, bundle))
        unhosted.delete(digest)
      } catch (error) {
        failures.push(error)
      }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '))
  }
  host(await makeWorker(options, options.connection, current))
  await hostOlder()
  if (options.reviewers !== null) host(await makeReviewWorker(options, current.digest))
  await makeCurrent(options.temporal, options.namespace, current.digest)
  const stopping = new AbortController()
  const watching = watchOlder(hostOlder, options.log, stopping.signal)
  return {
    digest: current.digest,
    running: ended.promise,
    stop: async () => {
      stopping.abort()
      const shutDown = () => {
        for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
      }
      shutDown()
      await watching
      shutDown()
      const failed = (await Promise.allSettled(runs)).find((run) => run.status === 'rejected')
      await apart?.close()
      if (failed !== undefined) throw failed.reason
    },
  }
}

/**
 * The server's list of runs lags behind, and a process of an earlier version that is still there begins more: what the list
 * did not have at the start is looked for again.
 */
async function watchOlder(
  hostOlder: () => Promise<void>,
  log: WorkerHostOptions['log'],
  stopped: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(OLDER_EVERY_MS, undefined, { signal: stopped }).catch(() => undefined)
    if (stopped.aborted) return
    await hostOlder().catch((error: unknown) => {
      log.warn({ error: String(error) }, 'runs of earlier versions could not be looked for, or not be hosted')
    })
  }
}

async function makeWorker(
  options: WorkerHostOptions,
  connection: NativeConnection,
  bundle: WorkflowBundle,
): Promise<Worker> {
  return await createSandboxWorker(
    {
      connection,
      namespace: options.namespace,
      taskQueue: options.taskQueue,
      workflowBundle: { code: bundle.code },
      dataConverter: { payloadConverterPath: join(import.meta.dirname, '..', 'workflows', 'payload-converter.ts') },
      activities: makeActivities(options, bundle.digest),
      workerDeploymentOptions: {
        version: { deploymentName: DEPLOYMENT_NAME, buildId: bundle.digest },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'PINNED',
      },
      maxCachedWorkflows: options.maxCachedWorkflows,
      maxConcurrentWorkflowTaskExecutions: 100,
      maxConcurrentLocalActivityExecutions: 100,
      maxConcurrentActivityTaskExecutions: 100,
      shutdownGraceTime: '2 s',
      shutdownForceTime: '8 s',
    },
    () => options.crashPoint('W2'),
  )
}

/** Asks models, a few at a time, and nothing else. */
async function makeReviewWorker(options: WorkerHostOptions, digest: string): Promise<Worker> {
  const { askReviewer } = makeActivities(options, digest)
  return await Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: reviewQueue(options.taskQueue),
    dataConverter: { payloadConverterPath: join(import.meta.dirname, '..', 'workflows', 'payload-converter.ts') },
    activities: { askReviewer },
    maxConcurrentActivityTaskExecutions: 12,
    shutdownGraceTime: '2 s',
    shutdownForceTime: '8 s',
  })
}

function makeActivities(options: WorkerHostOptions, digest: string): Steps & SealSteps & ReconcileSteps & ReviewSteps {
  const { pools, keys, signers, temporal, objects } = options
  const operations = new OperationStore(pools.guard, pools.control, pools.fences)
  const receipts = { signer: signers.receipt, code: { bundle: digest, sdk: SDK, chain: CHAIN_VERSION } }
  const tools = {
    operations,
    keys,
    votes: { rows: new VoteStore(pools.guard, options.freshVotes), keys },
    receipts,
    announce: options.announce,
    crashPoint: options.crashPoint,
    isUnavailable,
  }
  const outside = {
    ...tools,
    ports: { objects, raw: objects.raw, http: options.egress, secrets: options.secrets },
    pause: async (ms: number) => await Context.current().sleep(ms),
    stopwatch: () => {
      const [at, up] = [performance.now(), uptime()]
      return () => Math.max(performance.now() - at, (uptime() - up) * 1000)
    },
    keepAlive: () => {
      const { heartbeat } = Context.current()
      const beating = setInterval(() => heartbeat(), 2_000)
      return () => clearInterval(beating)
    },
  }
  const log = new AuditLog(pools.sequencer, 'every tenant')
  const outbox = new Outbox(pools.sequencer)
  return {
    ...onlyLocal(passSteps(tools)),
    ...onlyForItsRun({
      guardEffect: guardEffect(tools),
      proposeAndGuard: proposeAndGuard(tools),
      resumeAndGuard: resumeAndGuard(outside),
      effectOutside: effectOutside(outside),
    }),
    ...sealSteps({
      signer: signers.seal,
      seals: new SealStore(pools.sequencer),
      log,
      runs: temporal,
      objects,
      pack: packBundle,
      kidOf: (jws) => keys.kidOf(jws),
      heartbeat: () => Context.current().heartbeat(),
      crashPoint: options.crashPoint,
    }),
    ...onlyForItsReview(
      reviewSteps({
        reviewers: options.reviewers ?? (async () => []),
        ask: askModel,
        questions: new Questions(pools.app),
        now: () => operations.databaseTime(),
      }),
    ),
    ...reconcileSteps({
      ...outside,
      runs: temporal,
      outbox,
      uploads: new Uploads(pools.sequencer),
      staging: objects,
      locks: new LockExpiry(pools.sequencer),
      heartbeat: () => Context.current().heartbeat(),
    }),
  }
}
