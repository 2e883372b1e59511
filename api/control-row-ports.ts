/** What the API is handed of switches and of single controls. */
import type { JsonObject } from '../domain/canonical.ts'
import type { FlagLayers } from '../domain/feature-flags.ts'
import type { LeafRow } from '../domain/leaf.ts'

interface Ordered {
  ordinal: string
  item: JsonObject
}

export interface SwitchItem {
  scope: 'global' | 'tenant'
  tenant_id: string | null
  selector: { kind: 'all' | 'action' | 'provider' | 'class'; value: string | null }
  state: 'running' | 'stopped'
  hold: 'owner' | 'platform' | null
  epoch: number
  reason: string | null
  changed_by: string
  changed_at: string
}

export interface ControlRowsPort {
  /** With state and use, newest first. */
  grants(tenantId: string, principalId: string | null, before: string | null, limit: number): Promise<Ordered[]>
  /** Ends it at once, with the leaf that `tell` makes of what it was and is; null when there is none to end. */
  revokeGrant(
    tenantId: string,
    id: string,
    by: string,
    requestId: string,
    tell: (before: JsonObject, after: JsonObject) => LeafRow,
  ): Promise<JsonObject | null>
  /** Who stopped and resumed what, newest first. */
  switchChanges(tenantId: string, before: string | null, limit: number): Promise<Ordered[]>
  flagLayers(tenantId: string): Promise<FlagLayers>
}
