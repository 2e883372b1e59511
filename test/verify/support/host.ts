/** Hosts the real workflow bundle and the real activities on a real Temporal server, over rows and a log in memory. */
import { join } from 'node:path'
import { Connection } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import type { Signers } from './keys.ts'
import type { MemoryLog } from './memory-log.ts'
import { type MemoryRows, now } from './memory-rows.ts'
import { startTemporalServer } from './temporal-server.ts'
import { proposeAndGuard, resumeAndGuard } from '../../../activities/at-once.ts'
import { guardEffect } from '../../../activities/guard.ts'
import { effectOutside } from '../../../activities/outside.ts'
import { passSteps } from '../../../activities/passes.ts'
import { reconcileSteps } from '../../../activities/reconcile.ts'
import { sealSteps } from '../../../activities/sealing.ts'
import type { WorkflowBundle } from '../../../bin/workflow-bundle.ts'
import { CHAIN_VERSION } from '../../../domain/gates/chain.ts'
import type { OutsidePorts } from '../../../domain/outside.ts'
import type { JwsReader } from '../../../domain/ports.ts'
import { TemporalPort } from '../../../stores/temporal.ts'
import { packBundle } from '../../../verify/bundle-shape.ts'

interface HostOptions {
  bundle: WorkflowBundle
  rows: MemoryRows
  log: MemoryLog
  signers: Signers
  reader: JwsReader
}

export interface Host {
  temporal: TemporalPort
  /** The bundle of an ended operation, or null while it cannot be sealed. */
  seal(ref: { tenant_id: string; operation_id: string }): Promise<Uint8Array | null>
  /** Ends an operation whose run was ended from outside. */
  reconcile(ref: { tenant_id: string; operation_id: string }): Promise<{ ended: number }>
  close(): Promise<void>
}

const PAYLOAD_CONVERTER = join(import.meta.dirname, '..', '..', '..', 'workflows', 'payload-converter.ts')
const TASK_QUEUE = 'exoarmur'

export async function startHost({ bundle, rows, log, signers, reader }: HostOptions): Promise<Host> {
  quietRuntime()
  const server = await startTemporalServer()
  const { address, namespace } = server
  const connection = await NativeConnection.connect({ address })
  const grpc = await Connection.connect({ address })
  const common = { connection, namespace, taskQueue: TASK_QUEUE }
  const tools = {
    operations: rows,
    keys: reader,
    votes: { rows, keys: reader },
    receipts: { signer: signers.receipt, code: { bundle: bundle.digest, sdk: '1.24.0', chain: CHAIN_VERSION } },
    announce: () => undefined,
    crashPoint: () => undefined,
    isUnavailable: () => false,
  }
  const outside = {
    ...tools,
    ports: { http: { post: answerOf } } as unknown as OutsidePorts,
    pause: async () => undefined,
    stopwatch: () => () => 0,
    keepAlive: () => () => undefined,
  }
  const worker = await Worker.create({
    ...common,
    workflowBundle: { code: bundle.code },
    dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER },
    activities: {
      ...passSteps(tools),
      guardEffect: guardEffect(tools),
      proposeAndGuard: proposeAndGuard(tools),
      resumeAndGuard: resumeAndGuard(outside),
      effectOutside: effectOutside(outside),
    },
    workerDeploymentOptions: {
      version: { deploymentName: 'exoarmur', buildId: bundle.digest },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  })
  const running = worker.run()
  await makeCurrent(grpc, namespace, bundle.digest)
  const temporal = new TemporalPort({ ...common, eager: true, payloadConverterPath: PAYLOAD_CONVERTER })
  return {
    temporal,
    seal: (ref) => sealOne({ rows, log, signers, reader, temporal }, ref),
    reconcile: async (ref) =>
      await reconcileSteps({
        ...outside,
        runs: temporal,
        heartbeat: () => undefined,
        outbox: {
          lingering: async () => [{ ...ref, updated_at: now() }],
          counts: async () => ({ waiting: 0, unsealed: 0 }),
        },
        uploads: {
          over: async () => [],
          close: async () => undefined,
          uncleared: async () => [],
          cleared: async () => undefined,
        },
        locks: { due: async () => [], expire: async () => false },
        staging: { clearStaged: async () => undefined },
      }).reconcile(),
    close: async () => {
      worker.shutdown()
      await running
      await grpc.close()
      await connection.close()
      await server.stop()
    },
  }
}

/** A target that answers, or by its path does not: `/lost` at once, `/late` after a while. */
const answerOf: OutsidePorts['http']['post'] = async ({ url }) => {
  if (url.endsWith('/late')) await new Promise((resolve) => setTimeout(resolve, 2_000))
  const isLost = !url.endsWith('/ok')
  return { status: isLost ? null : 200, body_sha256: isLost ? null : '0'.repeat(64), silence: isLost ? 'lost' : null }
}

async function sealOne(
  { rows, log, signers, reader, temporal }: Omit<HostOptions, 'bundle'> & { temporal: TemporalPort },
  ref: { tenant_id: string; operation_id: string },
): Promise<Uint8Array | null> {
  let packed: Uint8Array | null = null
  const steps = sealSteps({
    signer: signers.seal,
    seals: {
      sealable: async (_tenant, operationId) => {
        const { operation, receipt, jws, run_id } = rows.of(operationId)
        if (receipt === null) return null
        const { context, proposal } = operation
        const texts = { receipt: receipt.receipt, receipt_jws: jws, proposal }
        return { now: now(), run_id, ...texts, ...context, train_ok: false, sealed: false }
      },
      keyOperations: async (kids) => kids.flatMap((kid) => rows.keys.get(kid)?.operation_id ?? []),
      seal: async ({ leaf, tenant_id, operation_id }) => log.write(tenant_id, operation_id, [leaf]),
    },
    log,
    runs: temporal,
    objects: {
      bundleKey: (_tenant, operationId) => operationId,
      put: async (_key, body) => void (packed = body),
    },
    pack: packBundle,
    kidOf: (jws) => reader.kidOf(jws),
    heartbeat: () => undefined,
    crashPoint: () => undefined,
  })
  await steps.sealOperations({ operations: [ref] })
  return packed
}

function quietRuntime(): void {
  try {
    const logger = new DefaultLogger('ERROR', () => undefined)
    Runtime.install({
      logger,
      telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
    })
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'IllegalStateError') throw error
  }
}

async function makeCurrent(connection: Connection, namespace: string, buildId: string): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: 'exoarmur',
        buildId,
        ignoreMissingTaskQueues: true,
        identity: 'tests',
      })
      return
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((go) => setTimeout(go, 100))
    }
}
