/**
 * What is asked (intent) and how it will be governed (plan). Both are plain JSON, fixed when the operation is opened,
 * signed by the API and part of the workflow's input, so history holds them.
 */
import type { ApprovalTree } from './approval.ts'
import type { JsonObject } from './canonical.ts'
import { kindHash } from './hash.ts'

export type ActionClass = 'observe' | 'reversible' | 'contained' | 'irreversible'
export type EffectKind = 'none' | 'transactional' | 'conditional' | 'keyed' | 'blind'
export type Assurance = 'attested' | 'self_signed'
export type RunKind = 'execute' | 'propose'

export interface Intent {
  v: 1
  deployment: string
  env: string
  tenant_id: string
  operation_id: string
  run: RunKind
  mode: string
  project_id: string | null
  surface_id: string | null
  app_id: string | null
  principal_id: string
  /** In whose name the requester asks, nearest first, the subject of the token last; null where it is the requester's own. */
  on_behalf_of: string[] | null
  action: string
  action_version: number
  class: ActionClass
  target: string | null
  /** What the action saw of the world when it was planned, and wants unchanged at the effect. */
  preconditions: JsonObject
  input: JsonObject
  estimated_cost: string
  idempotency_key: string
}

export interface Plan {
  v: 1
  chain_version: number
  action: string
  action_version: number
  class: ActionClass
  /** Changes controls: every gate but audit is not applicable, votes are never waived. */
  governs: boolean
  effect_kind: EffectKind
  reversible: boolean
  /** The effect may run in a local activity when nobody is waited for: transactional effects only. */
  fast_path: boolean
  /** A standing grant may stand in for votes. */
  standing: boolean
  /** The egress host a provider switch would name. */
  provider: string | null
  effect_key: string
  effect_timeout_ms: number
  lease_ms: number
  /** What a pass looks up for the preview beside the gates' facts; null when nothing. */
  view: JsonObject | null
  /** Absent for one input. Of several: how many, and what each of them is estimated to cost. */
  batch?: { items: number; unit_cost: string }
  /** SHA-256 over {action, target, input}: what a three-wise question binds to. */
  binding_hash: string
  approval: {
    required: boolean
    quorum: number
    tree: ApprovalTree
    expires_in_seconds: number
    assurance: Assurance
    /** Persons whose vote never counts: the requester's person and the persons it acts for. */
    excluded_persons: string[]
  }
}

export function intentHash(intent: Intent): string {
  return kindHash('intent', intent)
}

export function planHash(plan: Plan): string {
  return kindHash('plan', plan)
}

/** The preview document: the only thing consoles and the CLI render, and what `shown_hash` is over. */
export interface Preview {
  title: string
  fields: { label: string; value: string }[]
}
