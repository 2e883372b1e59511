/** What the API is handed for measures and what callers keep here: usage, readings, preferences, configuration. */
import type { JsonObject } from '../domain/canonical.ts'
import type { ConfigScope } from '../domain/config-values.ts'
import type { Facts } from '../domain/facts.ts'
import type { LeafRow } from '../domain/leaf.ts'

/** An entry under its key: written just now, or found there. */
export interface KeyedUsage {
  entry: JsonObject
  replayed: boolean
  request_hash: string
}

export interface UsagePort {
  /** The entry as it stands; null when the operation it names is absent, or another action's. */
  post(
    tenantId: string,
    usage: {
      id: string
      operation_id: string | null
      action: string
      principal_id: string
      project_id: string | null
      surface_id: string
      app_id: string
      request_id: string
      trace_id: string | null
      run_id: string | null
      step_id: string | null
      cost: string
      idempotency_key: string
      request_hash: string
    },
    leaf: LeafRow,
  ): Promise<KeyedUsage | null>
  /** What this principal posted under the key, or null. */
  byKey(tenantId: string, principalId: string, key: string): Promise<KeyedUsage | null>
  page(
    tenantId: string,
    filter: {
      surface_id?: string | undefined
      action?: string | undefined
      operation_id?: string | undefined
      window_days: number
      before: string | null
      limit: number
    },
  ): Promise<{ ordinal: string; item: JsonObject }[]>
  summary(tenantId: string, surfaceId: string | null, appId: string, windowDays: number | null): Promise<JsonObject>
}

export interface PrivacyPort {
  /** `principal_id` null is the tenant; the leaf is made from what was said before. */
  put(
    tenantId: string,
    pref: { principal_id: string | null; person_id: string | null; opt_out: boolean; by: string },
    requestId: string,
    leafOf: (before: JsonObject | null) => LeafRow,
  ): Promise<void>
  read(tenantId: string, principalId: string, personId: string | null): Promise<JsonObject>
  /** Whether what this principal does may be learned from. */
  trainOk(tenantId: string, principalId: string): Promise<boolean>
}

export interface TemperaturePort {
  /** What a decision would read now; null where the surface has no limits. */
  current(tenantId: string, surfaceId: string): Promise<{ at: string; facts: Facts['temperature'] }>
  history(
    tenantId: string,
    surfaceId: string,
    before: string | null,
    limit: number,
  ): Promise<
    { ordinal: string; operation_id: string; pass: string; at: string; facts: NonNullable<Facts['temperature']> }[]
  >
}

interface ConfigRow {
  version: number
  values: JsonObject
  changed_by: string | null
  changed_at: string | null
}

export interface ConfigPort {
  /** What stands in each scope for this surface. */
  read(tenantId: string, surfaceId: string): Promise<Record<ConfigScope, ConfigRow>>
  /** The row as it then stands, or the version that stands instead of `seen`. */
  put(
    tenantId: string,
    place: { scope: ConfigScope; surface_id: string },
    change: { seen: number; values: JsonObject; by: string },
    requestId: string,
    leafOf: (before: ConfigRow, after: ConfigRow) => LeafRow,
  ): Promise<{ row: ConfigRow } | { stands: number }>
}
