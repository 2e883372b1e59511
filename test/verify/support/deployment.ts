/**
 * A deployment for tests: a real Temporal server, the real workflow bundle, the real activities and the real sealing step,
 * over rows and a log in memory. What it seals is what verifiers get.
 */
import { randomUUID } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { Client } from '@temporalio/client'
import { currentFacts } from './facts.ts'
import { type Host, startHost } from './host.ts'
import { makeKeys, type Signers } from './keys.ts'
import { MemoryLog } from './memory-log.ts'
import { type FactsOf, MemoryRows, now } from './memory-rows.ts'
import type { EffectfulAction } from '../../../actions/define.ts'
import { ACTIONS } from '../../../actions/registry.ts'
import { buildWorkflowBundle, type WorkflowBundle } from '../../../bin/workflow-bundle.ts'
import { canonicalJson, type JsonObject } from '../../../domain/canonical.ts'
import { sha256TextHex } from '../../../domain/hash.ts'
import { makeLeaf } from '../../../domain/leaf.ts'
import { type Intent, intentHash, type Plan, planHash } from '../../../domain/plan.ts'
import type { JwsReader, Signer, VoterRow } from '../../../domain/ports.ts'
import { PROPOSAL_TYP } from '../../../domain/receipt.ts'
import type { OperationInput } from '../../../domain/steps.ts'
import { VOTE_TYP, type VoteClaims } from '../../../domain/vote.ts'
import { admitVote } from '../../../domain/vote-admission.ts'
import { aPlan, anIntent } from '../../support/domain.ts'

export const DEPLOYMENT = 'dep_test'

interface Ask {
  tenant?: string
  intent?: Partial<Intent>
  plan?: Partial<Plan>
  approval?: Partial<Plan['approval']>
  facts?: FactsOf
}

interface Parts {
  bundle: WorkflowBundle
  rows: MemoryRows
  log: MemoryLog
  signers: Signers
  trust: JsonObject
  reader: JwsReader
  host: Host
}

export class Deployment {
  readonly bundle: WorkflowBundle
  readonly rows: MemoryRows
  readonly log: MemoryLog
  readonly signers: Signers
  readonly trust: JsonObject
  readonly #reader: JwsReader
  readonly #host: Host

  private constructor({ bundle, rows, log, signers, trust, reader, host }: Parts) {
    this.bundle = bundle
    this.rows = rows
    this.log = log
    this.signers = signers
    this.trust = trust
    this.#reader = reader
    this.#host = host
  }

  static async start(): Promise<Deployment> {
    const bundle = await buildWorkflowBundle()
    const log = new MemoryLog(DEPLOYMENT, ed25519.utils.randomSecretKey())
    const rows = new MemoryRows(log)
    const { signers, reader, trust } = await makeKeys(log)
    const host = await startHost({ bundle, rows, log, signers, reader })
    return new Deployment({ bundle, rows, log, signers, trust, reader, host })
  }

  get client(): Client {
    return this.#host.temporal.client
  }

  /** Opens an operation as the API does and starts its run. */
  async propose(ask: Ask = {}): Promise<OperationInput> {
    const operation_id = `op_${randomUUID().replaceAll('-', '').slice(0, 20)}`
    const tenant_id = ask.tenant ?? 't_a'
    const intent = anIntent({ target: null, ...ask.intent, tenant_id, operation_id, deployment: DEPLOYMENT })
    const action = ACTIONS.get(intent.action) as EffectfulAction<unknown> | undefined
    if (action === undefined) throw new Error(`no action ${intent.action}`)
    const base = aPlan()
    const plan: Plan = {
      ...base,
      action: intent.action,
      action_version: intent.action_version,
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
    await this.#host.temporal.startOperation(input)
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

  /** Admits a vote as the route does; its run is not told. */
  async admit({ tenant_id, operation_id }: OperationInput, jws: string): Promise<void> {
    const admitted = await admitVote({ rows: this.rows, keys: this.#reader }, tenant_id, operation_id, jws)
    if ('refused' in admitted) throw new Error(`refused: ${admitted.refused}`)
  }

  async decide(input: OperationInput, jws: string): Promise<void> {
    await this.#host.temporal.signalDecide(input, jws)
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
    const zip = await this.#host.seal(input)
    if (zip === null) throw new Error('not sealed')
    return zip
  }

  /** Ends a run as somebody with access to Temporal can, and then the operation by the book. */
  async terminated(input: OperationInput, when: 'at once' | 'after its claim' = 'at once'): Promise<Uint8Array> {
    if (when === 'after its claim') await this.#leaseEnded(input)
    await this.client.workflow.getHandle(`${input.tenant_id}/${input.operation_id}`).terminate('by hand')
    const { ended } = await this.#host.reconcile(input)
    const zip = ended === 1 ? await this.#host.seal(input) : null
    if (zip === null) throw new Error('not ended')
    return zip
  }

  async #leaseEnded({ operation_id }: OperationInput): Promise<void> {
    for (;;) {
      const { claim } = this.rows.of(operation_id)
      if (claim !== null) return void (claim.lease_ms = 0)
      await new Promise((go) => setTimeout(go, 10))
    }
  }

  /** Wakes a run, so that it looks at its rows. */
  async wake(input: OperationInput): Promise<void> {
    await this.#host.temporal.wake(input)
  }

  async close(): Promise<void> {
    await this.#host.close()
  }
}

function bindingHash({ action, target, input }: Intent): string {
  return sha256TextHex(canonicalJson({ action, target, input }))
}
