/**
 * A deployment for tests: a real Temporal server, the real workflow bundle, the real activities and the real sealing step,
 * over rows and a log in memory. What it seals is what verifiers get.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { Client } from '@temporalio/client'
import { Connection } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import type { JWK } from 'jose'
import { MemoryLog } from './memory-log.ts'
import { type FactsOf, MemoryRows, now } from './memory-rows.ts'
import { startTemporalServer } from './temporal-server.ts'
import { findEffectful } from '../../../actions/registry.ts'
import { proposeAndGuard } from '../../../activities/at-once.ts'
import { guardEffect } from '../../../activities/guard.ts'
import { passSteps } from '../../../activities/passes.ts'
import { sealSteps } from '../../../activities/sealing.ts'
import { buildWorkflowBundle, type WorkflowBundle } from '../../../bin/workflow-bundle.ts'
import { canonicalJson, type JsonObject } from '../../../domain/canonical.ts'
import { CHAIN_VERSION } from '../../../domain/gates/chain.ts'
import { sha256TextHex } from '../../../domain/hash.ts'
import { makeLeaf } from '../../../domain/leaf.ts'
import { type Intent, intentHash, type Plan, planHash } from '../../../domain/plan.ts'
import type { Signer, VoterRow } from '../../../domain/ports.ts'
import { PROPOSAL_TYP } from '../../../domain/receipt.ts'
import type { OperationInput } from '../../../domain/steps.ts'
import { VOTE_TYP, type VoteClaims } from '../../../domain/vote.ts'
import { JoseReader, makeKey, openSigner } from '../../../stores/jose-keys.ts'
import { TemporalPort } from '../../../stores/temporal.ts'
import { packBundle } from '../../../verify/bundle-shape.ts'
import { aPlan, anIntent } from '../../support/domain.ts'
import { currentFacts } from './facts.ts'

export const DEPLOYMENT = 'dep_test'
const PURPOSES = ['proposal', 'attest', 'receipt', 'seal'] as const
type Purpose = (typeof PURPOSES)[number]

export interface Ask {
  tenant?: string
  intent?: Partial<Intent>
  plan?: Partial<Plan>
  approval?: Partial<Plan['approval']>
  facts?: FactsOf
}

export class Deployment {
  readonly bundle: WorkflowBundle
  readonly rows: MemoryRows
  readonly log: MemoryLog
  readonly temporal: TemporalPort
  readonly signers: Readonly<Record<Purpose, Signer>>
  readonly trust: JsonObject
  readonly zips = new Map<string, Uint8Array>()
  readonly #close: () => Promise<void>
  readonly #seal: (ref: { tenant_id: string; operation_id: string }) => Promise<{ sealed: number }>

  private constructor(parts: Pick<Deployment, 'bundle' | 'rows' | 'log' | 'temporal' | 'signers' | 'trust'> & Inner) {
    this.bundle = parts.bundle
    this.rows = parts.rows
    this.log = parts.log
    this.temporal = parts.temporal
    this.signers = parts.signers
    this.trust = parts.trust
    this.#close = parts.close
    this.#seal = parts.seal(this.zips)
  }

  static async start(): Promise<Deployment> {
    quietRuntime()
    const bundle = await buildWorkflowBundle()
    const server = await startTemporalServer()
    const { address, namespace } = server
    const connection = await NativeConnection.connect({ address })
    const grpc = await Connection.connect({ address })
    const log = new MemoryLog(DEPLOYMENT, ed25519.utils.randomSecretKey())
    const rows = new MemoryRows(log)
    const made = await Promise.all(PURPOSES.map(async (purpose) => ({ purpose, ...(await makeKey(purpose)) })))
    const publicKeys = made.map(({ purpose, kid, privateJwk }) => ({ purpose, kid, jwk: publicHalf(privateJwk) }))
    const keys = await JoseReader.open(publicKeys)
    const opened = await Promise.all(
      made.map(async ({ purpose, privateJwk }) => [purpose, await openSigner(privateJwk)]),
    )
    const signers = Object.fromEntries(opened) as Record<Purpose, Signer>
    const payloadConverterPath = join(import.meta.dirname, '..', '..', '..', 'workflows', 'payload-converter.ts')
    const temporal = new TemporalPort({
      connection,
      namespace,
      taskQueue: 'exoarmur',
      eager: true,
      payloadConverterPath,
    })
    const tools = {
      operations: rows,
      keys,
      votes: { rows, keys },
      receipts: { signer: signers.receipt, code: { bundle: bundle.digest, sdk: '1.24.0', chain: CHAIN_VERSION } },
      announce: () => undefined,
      crashPoint: () => undefined,
      isUnavailable: () => false,
    }
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: 'exoarmur',
      workflowBundle: { code: bundle.code },
      dataConverter: { payloadConverterPath },
      activities: { ...passSteps(tools), guardEffect: guardEffect(tools), proposeAndGuard: proposeAndGuard(tools) },
      workerDeploymentOptions: {
        version: { deploymentName: 'exoarmur', buildId: bundle.digest },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'PINNED',
      },
    })
    const running = worker.run()
    await makeCurrent(grpc, namespace, bundle.digest)
    return new Deployment({
      bundle,
      rows,
      log,
      temporal,
      signers,
      trust: trustRoot(log, publicKeys),
      seal: (zips) => async (ref) =>
        await sealSteps({
          signer: signers.seal,
          seals: {
            sealable: async (_tenant, operationId) => {
              const { operation, receipt, jws, run_id } = rows.of(operationId)
              if (receipt === null) return null
              const { context, proposal } = operation
              return {
                now: now(),
                run_id,
                receipt: receipt.receipt,
                receipt_jws: jws,
                proposal,
                ...context,
                sealed: false,
              }
            },
            keyOperations: async (kids) =>
              kids.flatMap((kid) => {
                const key = rows.keys.get(kid)
                return key === undefined ? [] : [key.operation_id]
              }),
            seal: async ({ leaf, tenant_id, operation_id }) => log.write(tenant_id, operation_id, [leaf]),
          },
          log,
          runs: temporal,
          objects: {
            bundleKey: (_tenant, operationId) => operationId,
            put: async (key, body) => void zips.set(key, body),
          },
          pack: packBundle,
          kidOf: (jws) => keys.kidOf(jws),
          heartbeat: () => undefined,
        }).sealOperations({ operations: [ref] }),
      close: async () => {
        worker.shutdown()
        await running
        await grpc.close()
        await connection.close()
        await server.stop()
      },
    })
  }

  get client(): Client {
    return this.temporal.client
  }

  /** Opens an operation as the API does and starts its run. */
  async propose(ask: Ask = {}): Promise<OperationInput> {
    const operation_id = `op_${randomUUID().replaceAll('-', '').slice(0, 20)}`
    const tenant_id = ask.tenant ?? 't_a'
    const intent = anIntent({ target: null, ...ask.intent, tenant_id, operation_id, deployment: DEPLOYMENT })
    const action = findEffectful(intent.action, intent.action_version)
    if (action === null) throw new Error(`no action ${intent.action}`)
    const base = aPlan()
    const plan: Plan = {
      ...base,
      action: intent.action,
      class: intent.class,
      governs: action.governs === true,
      standing: action.standing,
      provider: null,
      fast_path: false,
      effect_key: sha256TextHex(operation_id).slice(0, 40),
      binding_hash: bindingHash(intent),
      ...ask.plan,
      approval: { ...base.approval, ...ask.approval },
    }
    const intent_hash = intentHash(intent)
    const plan_hash = planHash(plan)
    const claims = { operation_id, tenant: tenant_id, intent_hash, plan_hash, principal_id: intent.principal_id }
    const more = { credential_id: 'key_1', iat: Math.floor(Date.now() / 1000) }
    const proposal = await this.signers.proposal.sign(PROPOSAL_TYP, canonicalJson({ ...claims, ...more }))
    const input: OperationInput = { v: 1, tenant_id, operation_id, intent, intent_hash, plan, plan_hash, proposal }
    const context = { request_id: 'req-1', trace_id: null, mode: 'lab' }
    this.rows.open(
      input,
      {
        status: 'evaluating',
        intent,
        plan,
        proposal,
        intent_hash,
        plan_hash,
        cancel: null,
        reason: null,
        context,
        ...{
          principal_kind: 'agent',
          person_id: 'person_owner',
          preview: null,
          shown_hash: null,
          passes: [],
        },
        ...{
          approval: {},
          undo_of: null,
        },
      },
      ask.facts ?? ((operation) => currentFacts(this, operation)),
    )
    this.log.add(
      makeLeaf({
        kind: 'operation.requested',
        tenant_id,
        at: now(),
        actor: { principal_id: intent.principal_id, kind: 'agent' },
        operation_id,
        action: intent.action,
        request_id: 'req-1',
        after: { intent_hash, plan_hash },
      }),
    )
    await this.temporal.startOperation(input)
    return input
  }

  async untilPending({ operation_id }: OperationInput): Promise<void> {
    while (this.rows.of(operation_id).operation.status === 'evaluating') await new Promise((go) => setTimeout(go, 10))
  }

  /** A vote signed for a person, or by the person's own key. */
  async vote(input: OperationInput, by: string, change: Partial<VoteClaims> = {}, own?: Signer): Promise<string> {
    const { tenant_id, operation_id, intent_hash, plan_hash } = input
    const iat = Math.floor(Date.now() / 1000)
    const claims = {
      operation_id,
      tenant: tenant_id,
      intent_hash,
      plan_hash,
      decision: 'approve',
      reason: null,
      shown_hash: this.rows.of(operation_id).operation.shown_hash ?? '',
      nonce: randomUUID(),
      iat,
      exp: iat + 600,
      ...(own === undefined ? { by } : {}),
      ...change,
    }
    return await (own ?? this.signers.attest).sign(VOTE_TYP, canonicalJson(claims))
  }

  async decide(input: OperationInput, jws: string): Promise<void> {
    await this.temporal.signalDecide(input, jws)
  }

  addVoter(name: string, change: Partial<VoterRow> = {}): string {
    const principal_id = `p_${name}`
    this.rows.voters.set(principal_id, {
      principal_id,
      kind: 'user',
      person_id: `person_${name}`,
      status: 'active',
      role: 'operator',
      ...{
        membership_permissions: [],
        platform_role: null,
        has_active_key: false,
      },
      ...change,
    })
    return principal_id
  }

  /** Waits for the run's end and seals it; the bundle's bytes. */
  async sealed(input: OperationInput): Promise<Uint8Array> {
    await this.client.workflow.getHandle(`${input.tenant_id}/${input.operation_id}`).result()
    const { sealed } = await this.#seal(input)
    const zip = this.zips.get(input.operation_id)
    if (sealed !== 1 || zip === undefined) throw new Error('not sealed')
    return zip
  }

  async close(): Promise<void> {
    await this.#close()
  }
}

interface Inner {
  seal(zips: Map<string, Uint8Array>): (ref: { tenant_id: string; operation_id: string }) => Promise<{ sealed: number }>
  close(): Promise<void>
}

function bindingHash({ action, target, input }: Intent): string {
  return sha256TextHex(canonicalJson({ action, target, input }))
}

function trustRoot(log: MemoryLog, keys: { purpose: Purpose; kid: string; jwk: JsonObject }[]): JsonObject {
  const typ = { proposal: PROPOSAL_TYP, attest: VOTE_TYP, receipt: 'exo-receipt+jwt', seal: 'exo-seal+jwt' }
  return {
    v: 1,
    deployment: DEPLOYMENT,
    log: { origin_prefix: `${DEPLOYMENT}/`, note_key: log.verifierKey },
    keys: keys.map(({ purpose, kid, jwk }) => ({
      kid,
      purpose,
      holder: 'test',
      typ: typ[purpose],
      jwk,
      not_before: '2026-01-01T00:00:00Z',
      not_after: null,
    })),
    issuers: [],
  }
}

function publicHalf({ kty, crv, x }: JWK): JsonObject {
  return { kty: kty ?? '', crv: crv ?? '', x: x ?? '' }
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
