/** What the API is handed for measures and what callers keep here: usage, readings, preferences, configuration. */
import type { JsonObject } from '../domain/canonical.ts'
import type { LeafRow } from '../domain/leaf.ts'

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
    },
    leaf: LeafRow,
  ): Promise<JsonObject | null>
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
