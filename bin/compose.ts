/**
 * Builds the parts a process is made of: pools by role, clients, keys. `api`, `worker` and the lab's `app` differ only
 * in which of them they ask for.
 */
import { join, resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { serve, type ServerType } from '@hono/node-server'
import { NativeConnection } from '@temporalio/worker'
import { portRefused } from './api-port.ts'
import type { Config } from './config.ts'
import { readConsole } from './console-pages.ts'
import { crashPointFrom } from './crash-point.ts'
import { readIssuers } from './issuers.ts'
import { publicKeys, readDerivationSecret, readKey } from './keys.ts'
import { startKeepers, type Keepers } from './keepers.ts'
import { openLog } from './log.ts'
import { LogFollower } from './log-follower.ts'
import { News } from './news.ts'
import { openReviewers } from './reviewers.ts'
import type { RoleName, StackAddresses } from './stack/index.ts'
import { makeTrust } from './trust.ts'
import { quietRuntime, startWorkerHost, type WorkerHost } from './worker-host.ts'
import { makeApi } from '../api/app.ts'
import type { OperationRow } from '../api/ports.ts'
import { malformedRequest } from '../api/envelope.ts'
import { noteVerifierKey } from '../domain/log/note.ts'
import { PROPOSAL_TYP } from '../domain/receipt.ts'
import { VOTE_TYP } from '../domain/vote.ts'
import { readFromBundle } from '../stores/bundle-zip.ts'
import { Egress } from '../stores/egress.ts'
import { JoseReader, openSigner } from '../stores/jose-keys.ts'
import { ObjectStore } from '../stores/objects.ts'
import { SecretFiles } from '../stores/secret-files.ts'
import { TokenReader } from '../stores/oidc/token-reader.ts'
import { AdmissionStore } from '../stores/postgres/admission.ts'
import { ControlRows } from '../stores/postgres/control-rows.ts'
import { AuditLog } from '../stores/postgres/audit-log.ts'
import { ConfigStore } from '../stores/postgres/config-values.ts'
import { Leadership } from '../stores/postgres/leadership.ts'
import { NotesReading } from '../stores/postgres/notes.ts'
import { Outbox } from '../stores/postgres/outbox.ts'
import { openPool } from '../stores/postgres/pool.ts'
import { PrivacyStore } from '../stores/postgres/privacy.ts'
import { Reading } from '../stores/postgres/reading.ts'
import { Records } from '../stores/postgres/records.ts'
import { SealStore } from '../stores/postgres/seals.ts'
import { Sequencer } from '../stores/postgres/sequencer.ts'
import { TemperatureStore } from '../stores/postgres/temperatures.ts'
import { UsageStore } from '../stores/postgres/usage.ts'
import { Questions } from '../stores/postgres/questions.ts'
import { StrategyLocks } from '../stores/postgres/strategy-locks.ts'
import { FreshVotes, VoteStore } from '../stores/postgres/votes.ts'
import { TemporalPort } from '../stores/temporal.ts'

export interface Backends {
  postgres: { roles: Record<Exclude<RoleName, 'owner'>, string> }
  temporal: StackAddresses['temporal']
  s3: StackAddresses['s3']
}

export interface RunningProcess {
  url: string | null
  digest: string | null
  /** Rejects when something this process cannot live without fails for good. */
  failed: Promise<never>
  stop(): Promise<void>
}

interface Wanted {
  api: boolean
  worker: boolean
}

export async function startProcess(
  config: Config,
  backends: Backends,
  deployment: string,
  env: NodeJS.ProcessEnv,
  wanted: Wanted,
): Promise<RunningProcess> {
  const log = openLog(config.EXO_LOG_LEVEL)
  if (wanted.worker || wanted.api) quietRuntime()
  const lost = (error: Error) => log.warn({ error: error.message }, 'a database connection was lost')
  const roundTrips: Record<string, number> = {}
  const pool = (role: keyof Backends['postgres']['roles'], max: number, statementTimeoutMs = 8_000) => {
    const decides = role === 'guard' || role === 'control'
    const onRoundTrip = () => {
      roundTrips[role] = (roundTrips[role] ?? 0) + 1
    }
    const url = backends.postgres.roles[role]
    const more = { pipeline: decides, planOnce: decides, onRoundTrip }
    return openPool({ url, max, statementTimeoutMs, applicationName: `exo ${role}`, ...more }, lost)
  }
  const home = config.EXO_HOME
  const crashPoint = crashPointFrom(env)
  const connect = () =>
    NativeConnection.connect({ address: backends.temporal.address, grpcCompression: { codec: 'none' } })
  const connection = await connect()
  const temporal = new TemporalPort({
    connection,
    namespace: backends.temporal.namespace,
    taskQueue: config.EXO_TASK_QUEUE,
    eager: wanted.worker && wanted.api && config.EXO_EAGER_START,
    payloadConverterPath: join(import.meta.dirname, '..', 'workflows', 'payload-converter.ts'),
  })
  const objects = new ObjectStore({ ...backends.s3, env: config.EXO_ENV })
  const published = await publicKeys(home, env)
  const keys = await JoseReader.open(published.rows)
  const verifierKey = noteVerifierKey(deployment, published.checkpoint)
  const closers: (() => Promise<unknown>)[] = []
  const failures: Promise<unknown>[] = []
  const statusPool = pool('app', 12)
  closers.push(() => statusPool.end())
  const reading = new Reading(statusPool)
  const news = new News((tenantId, id) => reading.status(tenantId, id), wanted.worker)
  const freshVotes = new FreshVotes()
  let digest: string | null = null
  if (wanted.worker) {
    const pools = {
      guard: pool('guard', 16),
      control: pool('control', 4),
      fences: pool('guard', 32),
      sequencer: pool('sequencer', 6),
      app: statusPool,
    }
    const reviewers = await openReviewers(config.EXO_REVIEWERS, config.EXO_MODE, env)
    const sequencer = new Sequencer(
      pools.sequencer,
      {
        deployment,
        publicKey: published.checkpoint,
        privateJwk: (await readKey(home, 'checkpoint', env)) as { kty: string; crv: string; x: string; d: string },
      },
      crashPoint,
    )
    await sequencer.beat(await sequencer.selfCheck())
    await objects.checkConditions()
    const host: WorkerHost = await startWorkerHost({
      connection,
      connectApart: connect,
      namespace: backends.temporal.namespace,
      taskQueue: config.EXO_TASK_QUEUE,
      maxCachedWorkflows: config.EXO_MAX_CACHED_WORKFLOWS,
      bundlesDir: join(home, 'bundles'),
      pools,
      temporal,
      objects,
      egress: new Egress({ ownNetworks: config.EXO_MODE === 'lab' }),
      secrets: new SecretFiles(resolve(config.EXO_SECRETS_DIR ?? join(home, 'secrets'))),
      reviewers,
      keys,
      signers: {
        receipt: openSigner(await readKey(home, 'receipt', env)),
        seal: openSigner(await readKey(home, 'seal', env)),
      },
      freshVotes,
      announce: (event) => news.announce(event),
      crashPoint,
      log,
    })
    digest = host.digest
    failures.push(host.running)
    await temporal.ensureReconcile(20)
    const keepers: Keepers = startKeepers({
      leadership: new Leadership(backends.postgres.roles.sequencer, 'keepers'),
      sequencer,
      outbox: new Outbox(pools.sequencer),
      temporal,
      reviews: reviewers !== null,
      mirror: async (tenantId, checkpoint) => {
        crashPoint('U3')
        await objects.put(objects.checkpointKey(tenantId), new TextEncoder().encode(checkpoint), 'text/plain')
      },
      log,
    })
    closers.unshift(
      () => keepers.stop(),
      () => host.stop(),
      () => Promise.all([pools.guard.end(), pools.control.end(), pools.fences.end(), pools.sequencer.end()]),
    )
  }

  let url: string | null = null
  if (wanted.api) {
    const stopPool = pool('stop', 2, 12_000)
    const auditorPool = pool('auditor', 4)
    const audit = new AuditLog(auditorPool)
    const follower = new LogFollower((tenantIds) => audit.sizes(tenantIds))
    const issuers = await readIssuers(config.EXO_OIDC_ISSUERS, config.EXO_MODE)
    const tokens = await TokenReader.open(issuers, (message) => log.error({ message }, 'an issuer cannot be asked'))
    const api = makeApi({
      deployment,
      env: config.EXO_ENV,
      mode: config.EXO_MODE,
      namespace: backends.temporal.namespace,
      addressLimit: config.EXO_ADDRESS_LIMIT,
      console: await readConsole(),
      fastPath: config.EXO_FAST_PATH,
      admission: new AdmissionStore(statusPool),
      tokens,
      reading,
      controls: new ControlRows(statusPool),
      notes: new NotesReading(statusPool),
      records: new Records(statusPool, stopPool),
      usage: new UsageStore(statusPool),
      privacy: new PrivacyStore(statusPool),
      temperatures: new TemperatureStore(statusPool),
      config: new ConfigStore(statusPool),
      votes: { rows: new VoteStore(statusPool, freshVotes), keys },
      locks: new StrategyLocks(statusPool),
      questions: new Questions(statusPool),
      audit,
      runs: temporal,
      waitForNews: async (...asked) => (await news.wait(...asked)) as OperationRow | null,
      followLog: (...asked) => follower.grown(...asked),
      seals: new SealStore(auditorPool),
      objects,
      readFromBundle,
      signers: {
        proposal: await keys.trusting(openSigner(await readKey(home, 'proposal', env)), PROPOSAL_TYP, 'proposal'),
        attest: await keys.trusting(openSigner(await readKey(home, 'attest', env)), VOTE_TYP, 'attest'),
      },
      roundTrips: () => roundTrips,
      secret: await readDerivationSecret(home, env),
      trust: makeTrust(deployment, verifierKey, published.rows),
      noteKey: verifierKey,
      crashPoint,
      log,
    })
    const server = await listen(api.app.fetch, config.EXO_HOST, config.PORT)
    const address = server.address()
    url = `http://${config.EXO_HOST}:${typeof address === 'object' && address !== null ? address.port : config.PORT}`
    closers.unshift(
      () => close(server),
      () => api.close(),
      () => Promise.all([stopPool.end(), auditorPool.end()]),
    )
  }

  const failed = Promise.race(failures.length === 0 ? [new Promise(() => undefined)] : failures).then(() => {
    throw new Error('a worker ended')
  })
  failed.catch(() => undefined)
  return {
    url,
    digest,
    failed,
    stop: async () => {
      for (const closeOne of closers)
        await closeOne().catch((error: unknown) => log.warn({ error: String(error) }, 'a part did not close well'))
      objects.close()
      await connection.close()
    },
  }
}

function listen(fetch: Parameters<typeof serve>[0]['fetch'], hostname: string, port: number): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname, port }, () => resolve(server))
    server.on('error', (error) => reject(portRefused(hostname, port, error)))
    // What is no HTTP never reaches the app, and has its envelope all the same.
    server.on('clientError', (_error: Error, socket: Duplex) => {
      if (socket.writable) socket.end(malformedRequest())
    })
  })
}

function close(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    if ('closeAllConnections' in server) setTimeout(() => server.closeAllConnections(), 1_000).unref()
  })
}
