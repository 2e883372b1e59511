/**
 * What an action is. One action is one file, always in the order: input schema, facts (`view`), preview, effect, undo,
 * probe; so that reversibility can be audited without reading a body.
 */
import type { z } from 'zod'
import type { ApprovalTree } from '../domain/approval.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import type { Outcome, OutsideContext, OutsideKind, OutsidePorts } from '../domain/outside.ts'
import type { NamedPlace } from '../domain/places.ts'
import type { ActionClass, Preview } from '../domain/plan.ts'
import type { EffectContext, ReaderPorts, TransactionPorts } from '../domain/ports.ts'

/** What the API knows when it plans: the requester and what `view` answered. */
export interface PlanContext {
  tenant_id: string
  operation_id: string
  /** As it was asked for; null for an action without one. */
  target: string | null
  principal_id: string
  person_id: string | null
  mode: 'lab' | 'saas' | 'enterprise'
  /** Database time of the request. */
  now: string
  /** The issuers whose access tokens the deployment takes. */
  issuers: readonly string[]
  permissions: readonly string[]
  /** The holds on a switch that the requester's role may set. */
  holds: readonly ('owner' | 'platform')[]
  view: Json
  /** What the registry says of another action, or null for an unknown name. */
  describeAction(name: string): ActionSummary | null
  /** The secret-free half of a credential that the API can derive again: id and SHA-256 of the secret. */
  deriveKey(name: string): { id: string; secret_sha256: string }
}

export interface ActionSummary {
  standing: boolean
  governs: boolean
  /** How many people its class asks for. */
  quorum: number
}

export interface PlanAddition {
  /** What must still be true at the effect; part of the intent. */
  preconditions: JsonObject
  quorum?: number
  tree?: ApprovalTree
  /** Permissions the requester needs besides those of the class. */
  required?: readonly string[]
  /** The target in its one spelling. */
  target?: string
  /** What a switch for a provider would name. */
  provider?: string
  /** Which of its kinds the effect will have. */
  kind?: OutsideKind
  /** Persons besides the requester whose vote never counts. */
  excluded?: readonly string[]
}

/** Claim, effect, outcome and receipt in one transaction. */
export interface TransactionalEffect<I> {
  readonly kind: 'transactional'
  /** Throws ExoError('effect.…') when the world refuses; everything is then rolled back. */
  perform(ports: TransactionPorts, context: EffectContext, input: I): Promise<Json>
  /** What the leaf of a change of controls tells; without it, what `view` answered and the input. */
  tells?(
    context: { operation_id: string; preconditions: JsonObject; view: Json },
    input: I,
  ): { before: Json; after: Json }
}

/** An effect outside the database: claimed first, then dispatched inside a lease, its outcome recorded afterwards. */
export interface OutsideEffect<I> {
  /** The kind, or the most that a plan may choose where a target promises less. */
  readonly kind: OutsideKind
  /** What `plan` may choose from; absent where there is nothing to choose. */
  readonly kinds?: readonly OutsideKind[]
  /** Whether what was planned still holds, from what `view` answers at the effect. */
  readonly holds?: (preconditions: JsonObject, view: Json) => boolean
  /** One try. Throws for what it could not tell. */
  dispatch(ports: OutsidePorts, context: OutsideContext, input: I): Promise<Outcome>
  /** Looks at the target for what an earlier try came to; null where looking cannot tell. */
  probe?(ports: OutsidePorts, context: OutsideContext, input: I): Promise<Outcome | null>
}

interface Common<I> {
  /** Lower case, dotted, compared exactly. */
  readonly name: string
  readonly version: number
  readonly class: ActionClass
  readonly title: string
  /** Stands on the closed list of domain/governs.ts and changes controls. */
  readonly governs?: true
  readonly input: z.ZodType<I>
  readonly example: I
}

export interface EffectfulAction<I> extends Common<I> {
  readonly class: Exclude<ActionClass, 'observe'>
  /** Whether a standing grant may name it. */
  readonly standing: boolean
  /** What the facts function should look up beside the gates' facts. */
  readonly view?: (input: I, tenantId: string, target: string | null) => JsonObject
  /** Projects, surfaces and apps that the input names; refused unless each is the tenant's own and active. */
  readonly places?: (input: I) => readonly NamedPlace[]
  /** Preconditions and an approval tree of its own; throws ExoError to refuse before an operation exists. */
  readonly plan?: (input: I, context: PlanContext) => PlanAddition
  /** Pure: the document people are shown, from the input, what `view` answered and what stands beside the input. */
  readonly preview: (input: I, view: Json, target: string | null) => Preview
  /** Set where the action acts on something that is named beside its input. */
  readonly target?: 'url'
  readonly effect: TransactionalEffect<I> | OutsideEffect<I>
  /** The action and input that undo what `perform` answered. */
  readonly undo?: { readonly action: string; input(input: I, result: Json): JsonObject }
}

export interface ObservingAction<I> extends Common<I> {
  readonly class: 'observe'
  observe(ports: ReaderPorts, tenantId: string, input: I): Promise<Json>
}

/** Keeps the input's type inside the file and erases it at its edge. */
export function defineAction<I>(action: EffectfulAction<I>): EffectfulAction<unknown>
export function defineAction<I>(action: ObservingAction<I>): ObservingAction<unknown>
export function defineAction(action: unknown): unknown {
  return Object.freeze(action)
}
