/** An operation's rows in memory: what the database functions do, said once more for tests that only need histories. */
import type { MemoryLog } from './memory-log.ts'
import type { Vote } from '../../../domain/approval.ts'
import type { Json, JsonObject } from '../../../domain/canonical.ts'
import type { Facts } from '../../../domain/facts.ts'
import type { LeafRow } from '../../../domain/leaf.ts'
import { isFinal, type Status } from '../../../domain/lifecycle.ts'
import type {
  ClaimDocument,
  EndDocument,
  Fence,
  GuardTransaction,
  OperationRows,
  PassRow,
  PendingDocument,
} from '../../../domain/operation-rows.ts'
import type { TransactionPorts, VoteContext, VoterRow, VoteRows } from '../../../domain/ports.ts'
import type { OperationInput } from '../../../domain/steps.ts'

export type Operation = NonNullable<PassRow['operation']>
/** What a pass of this operation reads; `guard` is true inside the guard's transaction. */
export type FactsOf = (operation: Operation, guard: boolean) => JsonObject

interface Kept {
  operation: Operation
  input: OperationInput
  run_id: string | null
  jws: string
  receipt: PassRow['receipt']
  claim: PassRow['claim']
  votes: Vote[]
  facts: FactsOf
}

export class MemoryRows implements OperationRows, VoteRows {
  readonly log: MemoryLog
  readonly voters = new Map<string, VoterRow>()
  readonly #heldBack = new Map<string, () => Promise<void>>()
  readonly keys = new Map<string, { principal_id: string; public_jwk: JsonObject; operation_id: string }>()
  readonly notes: JsonObject[] = []
  readonly #kept = new Map<string, Kept>()

  constructor(log: MemoryLog) {
    this.log = log
  }

  open(input: OperationInput, operation: Operation, facts: FactsOf): void {
    const empty = { run_id: null, jws: '', receipt: null, claim: null, votes: [] }
    this.#kept.set(input.operation_id, { input, operation, facts, ...empty })
  }

  of(operationId: string): Kept {
    const kept = this.#kept.get(operationId)
    if (kept === undefined) throw new Error(`no operation ${operationId}`)
    return kept
  }

  async readClaimed(tenantId: string, operationId: string): Promise<PassRow> {
    return await this.readPass(tenantId, operationId)
  }

  async readPass(_tenantId: string, operationId: string): Promise<PassRow> {
    return this.#row(operationId, false)
  }

  async markPending(document: PendingDocument): Promise<{ status: string; expires_at?: string }> {
    const { operation } = this.of(document.operation_id)
    if (operation.status === 'evaluating') {
      Object.assign(operation, {
        status: 'pending_approval',
        preview: document.preview,
        shown_hash: document.shown_hash,
        passes: document.passes,
        approval: document.approval,
      })
      this.log.write(document.tenant_id, document.operation_id, document.leaves)
    }
    return { status: operation.status, expires_at: operation.approval.expires_at ?? '' }
  }

  async endOperation(document: EndDocument): Promise<{ ended: boolean; status: string }> {
    const kept = this.of(document.operation_id)
    if (kept.receipt !== null) return { ended: false, status: kept.operation.status }
    const { claim } = document
    if (claim !== null)
      kept.claim = {
        ...claim,
        attempts: kept.claim?.attempts ?? 1,
        passes: [...document.passes],
        votes: kept.claim?.votes ?? [],
        satisfied_by: kept.claim?.satisfied_by ?? null,
        lease_ms: null,
        age_ms: 0,
        state: claim.state as 'committed',
      }
    this.log.write(document.tenant_id, document.operation_id, document.leaves)
    kept.jws = document.jws
    kept.run_id = document.run_id ?? kept.run_id
    const status = document.status as 'executed'
    kept.receipt = { status, receipt: document.receipt }
    kept.operation.status = status
    return { ended: true, status }
  }

  async guarded<T>(
    _tenantId: string,
    operationId: string,
    _governs: boolean,
    work: (transaction: GuardTransaction) => Promise<T>,
  ): Promise<T> {
    const end = async (document: EndDocument) => ({ ...(await this.endOperation(document)) })
    const claim = async ({ grant_id, leaves, ...document }: ClaimDocument) => {
      const kept = this.of(operationId)
      kept.claim = {
        ...document,
        state: 'dispatched',
        age_ms: 0,
        attempts: 1,
        passes: [...document.passes],
        votes: [...document.votes],
        satisfied_by: document.satisfied_by as 'votes',
        result: null,
        grant_id,
      }
      kept.operation.shown_hash = document.shown_hash ?? kept.operation.shown_hash
      kept.operation.status = 'executing'
      this.log.write(document.tenant_id, operationId, leaves)
    }
    const single = async (): Promise<never> => {
      throw new Error('one input in these tests')
    }
    const row = this.#row(operationId, true)
    return await work({ row, ports: this.#ports(operationId), end, claim, attempt: single, keep: single })
  }

  async fenced<T>(tenantId: string, operationId: string, work: (fence: Fence) => Promise<T>): Promise<T> {
    return await work({
      guarded: async (inside) => await this.guarded(tenantId, operationId, false, inside),
      dispatchAgain: async (_leaseMs, tried) => {
        const { claim } = this.of(operationId)
        if (claim === null || claim.state !== 'dispatched' || claim.attempts !== tried) return false
        claim.attempts++
        return true
      },
      readClaimed: async (tenant, operation) => await this.readClaimed(tenant, operation),
      endOperation: async (document) => await this.endOperation(document),
      holds: () => true,
    })
  }

  async raiseAlarm(tenantId: string, operationId: string | null, leaf: LeafRow): Promise<void> {
    this.log.write(tenantId, operationId, [leaf])
  }

  async tenantExists(): Promise<boolean> {
    return true
  }

  async databaseTime(): Promise<string> {
    return now()
  }

  async context(_tenantId: string, operationId: string, kid: string, by: string | null): Promise<VoteContext> {
    const { operation, facts } = this.of(operationId)
    const { plan, intent, status, intent_hash, plan_hash, shown_hash, context } = operation
    const firearms = facts(operation, false)['firearms'] as unknown as Facts['firearms']
    const key = this.keys.get(kid)
    const voter = this.voters.get(by ?? key?.principal_id ?? '') ?? null
    return {
      now: now(),
      operation: { status, intent_hash, plan_hash, shown_hash, plan, intent, action: intent.action, firearms, context },
      key: key === undefined ? null : { kid, ...key },
      voter,
      train_ok: false,
    }
  }

  /** Whoever asks whether this vote is known waits for the answer. */
  holdBack(jws: string): { asked: Promise<void>; answer: () => void } {
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    this.#heldBack.set(jws, async () => {
      asked.resolve()
      await answered.promise
    })
    return { asked: asked.promise, answer: answered.resolve }
  }

  async known(_tenantId: string, operationId: string, jws: string): Promise<Vote | null> {
    await this.#heldBack.get(jws)?.()
    return this.of(operationId).votes.find((vote) => vote.jws === jws) ?? null
  }

  async admit(document: Parameters<VoteRows['admit']>[0]): ReturnType<VoteRows['admit']> {
    const { operation, votes } = this.of(document.operation_id)
    const known = votes.find((vote) => vote.jws === document.vote.jws)
    if (known !== undefined) return { vote: known, known: true }
    if (isFinal(operation.status as Status)) return { refused: 'approval.already_decided' }
    if (operation.status !== 'pending_approval') return { refused: 'approval.not_pending' }
    if (votes.some((vote) => vote.person_id === document.person_id)) return { refused: 'approval.already_decided' }
    votes.push(document.vote)
    this.log.write(document.tenant_id, document.operation_id, document.leaves)
    return { vote: document.vote, known: false }
  }

  async writeLeaf(tenantId: string, operationId: string | null, _request: string | null, leaf: LeafRow): Promise<void> {
    this.log.write(tenantId, operationId, [leaf])
  }

  #row(operationId: string, guard: boolean): PassRow {
    const { operation, claim, receipt, votes, facts } = this.of(operationId)
    const kinds = ['operation.requested', 'operation.pending', 'vote.accepted', 'effect.intent']
    const read = facts(operation, guard)
    return structuredClone({
      now: now(),
      operation,
      claim,
      batch_items: null,
      receipt,
      votes,
      voter_keys: Object.fromEntries(
        [...this.keys].map(([kid, { public_jwk, principal_id: by }]) => [kid, { public_jwk, by, revoked: false }]),
      ),
      voters: Object.fromEntries(this.voters),
      leaves: this.log.hashesOf(operation.intent.tenant_id, operationId, kinds),
      facts: read,
      view: viewOf(operation),
      train_ok: false,
    })
  }

  #ports(operationId: string): TransactionPorts {
    const refuse = async () => {
      throw new Error('not in these tests')
    }
    return {
      notes: {
        append: (note) => void this.notes.push({ ...note, operation_id: operationId }),
        remove: async () => false,
        restore: async () => false,
      },
      controls: {
        putPolicy: refuse,
        resume: refuse,
        createTenant: refuse,
        putRow: refuse,
        resolveUnknown: refuse,
        createPrincipal: refuse,
        putMembership: refuse,
        createApiKey: refuse,
        approveLock: refuse,
        optTenantIn: refuse,
        createOperatorKey: async ({ kid, ...key }) => {
          this.keys.set(kid, key)
          const voter = this.voters.get(key.principal_id)
          if (voter !== undefined) voter.has_active_key = true
          return true
        },
      },
    }
  }
}

/** Every target that is asked for is allowed, and keeps no keys. */
function viewOf({ plan: { view } }: Operation): Json {
  return view?.['kind'] === 'egress'
    ? { origin: view['origin'] ?? null, methods: ['POST'], idempotency_header: null }
    : null
}

/** Database time, as the database writes it. */
export function now(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
