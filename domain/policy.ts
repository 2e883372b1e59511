/** The tenant's whole control document, section by section. An absent section stays as it is. */
import type { ActionClass } from './plan.ts'

export interface PolicyDocument {
  kill_switches?: SwitchRow[] | undefined
  license_types?: { id: string; name: string }[] | undefined
  firearms?: { action: string; license_types: string[]; strategy_lock_required: boolean }[] | undefined
  grants?: GrantRow[] | undefined
  strategy_locks?: { action: string; surface_id: string; required: boolean }[] | undefined
  budget?:
    | {
        scope: { surface_id?: string | undefined; app_id?: string | undefined; action?: string | undefined }
        threshold?: string | undefined
        daily_cap?: string | undefined
        window_days: number
      }[]
    | undefined
  kpi?:
    | {
        definitions: { surface_id: string; kpi: string; unit: string; window_seconds: number }[]
        corridors: {
          surface_id: string
          kpi: string
          floor?: string | undefined
          ceiling?: string | undefined
          max_age_seconds: number
        }[]
      }
    | undefined
  temperature?:
    | {
        surface_id: string
        floors: Record<string, string>
        ceilings: Record<string, string>
        weights: Record<string, string>
      }[]
    | undefined
  rate_limits?: { class: 'mutation' | 'read' | 'decision'; limit: number; window_seconds: number }[] | undefined
  not_required?: WaiverRow[] | undefined
  feature_flags?: Record<string, unknown> | undefined
  egress?: EgressTarget[] | undefined
}

/** Says that a metric gate asks nothing of one action or of a class, until then. */
export interface WaiverRow {
  gate: 'budget' | 'kpi' | 'temperature'
  action?: string | undefined
  class?: ActionClass | undefined
  until: string
  reason: string
}

/** An origin that effects may reach, and what a request to it may carry. */
export interface EgressTarget {
  origin: string
  methods: string[]
  idempotency_header: string | null
  /** Headers that callers may set, by exact name. */
  allowed_headers?: string[] | undefined
  /** Headers that are filled at the point of effect with a secret of this name. */
  secret_headers?: { header: string; secret: string }[] | undefined
}

export interface SwitchRow {
  scope: 'global' | 'tenant'
  selector: { kind: 'all' | 'action' | 'provider' | 'class'; value: string | null }
  state: 'running' | 'stopped'
  hold: 'owner' | 'platform' | null
}

export interface GrantRow {
  id?: string | undefined
  principal_id: string
  license_type: string
  actions: string[]
  project_id?: string | null | undefined
  surface_id?: string | null | undefined
  expires_at: string
  standing: { max_count: number; max_amount: string; targets?: string[] | undefined } | null
}

export const POLICY_SECTIONS = [
  'kill_switches',
  'license_types',
  'firearms',
  'grants',
  'strategy_locks',
  'budget',
  'kpi',
  'temperature',
  'rate_limits',
  'not_required',
  'feature_flags',
  'egress',
] as const satisfies readonly (keyof PolicyDocument)[]
export type PolicySection = (typeof POLICY_SECTIONS)[number]

/** Sections whose rows are put one by one; those of `kpi` are two. Switches have epochs and actions of their own. */
export const CONTROL_SECTIONS = [
  'license_types',
  'firearms',
  'grants',
  'strategy_locks',
  'budget',
  'kpi.definitions',
  'kpi.corridors',
  'temperature',
  'rate_limits',
  'feature_flags',
  'egress',
] as const
export type ControlSection = (typeof CONTROL_SECTIONS)[number]
