/**
 * What an action is. One action is one file, always in the order: input schema, facts (`view`), preview, effect, undo,
 * probe; so that reversibility can be audited without reading a body.
 */
import type { z } from 'zod'
import type { ApprovalTree } from '../domain/approval.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import type { ActionClass, Preview } from '../domain/plan.ts'
import type { EffectContext, ReaderPorts, TransactionPorts } from '../domain/ports.ts'

/** What the API knows when it plans: the requester and what `view` answered. */
export interface PlanContext {
  tenant_id: string
  operation_id: string
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
  describeAction(name: string): { standing: boolean; governs: boolean } | null
  /** The secret-free half of a credential that the API can derive again: id and SHA-256 of the secret. */
  deriveKey(name: string): { id: string; secret_sha256: string }
}

export interface PlanAddition {
  /** What must still be true at the effect; part of the intent. */
  preconditions: JsonObject
  quorum?: number
  tree?: ApprovalTree
  /** Permissions the requester needs besides those of the class. */
  required?: readonly string[]
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
  readonly view?: (input: I, tenantId: string) => JsonObject
  /** Preconditions and an approval tree of its own; throws ExoError to refuse before an operation exists. */
  readonly plan?: (input: I, context: PlanContext) => PlanAddition
  /** Pure: the document people are shown, from the input and what `view` answered. */
  readonly preview: (input: I, view: Json) => Preview
  readonly effect: {
    readonly kind: 'transactional'
    /** Throws ExoError('effect.…') when the world refuses; everything is then rolled back. */
    perform(ports: TransactionPorts, context: EffectContext, input: I): Promise<Json>
  }
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
