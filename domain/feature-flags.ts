/**
 * Feature flags in three layers, field by field: what nobody set is the default, which is off; the platform's layer lies over
 * it, the tenant's over that.
 */
import type { JsonObject } from './canonical.ts'

const FLAG_DEFAULTS = Object.freeze({
  ws_enabled: false,
  sse_enabled: false,
  gesture_logging: false,
  replay_mode: 'off',
  visibility_mode: 'private',
} satisfies JsonObject)

export interface FlagLayers {
  global: JsonObject
  tenant: JsonObject
}

/** Every flag as it comes out, and which layer it comes from. */
export function layeredFlags(tenantId: string, { global, tenant }: FlagLayers): JsonObject {
  const layers = { default: FLAG_DEFAULTS as JsonObject, global, tenant }
  const values: JsonObject = {}
  const sources: JsonObject = {}
  for (const [layer, flags] of Object.entries(layers))
    for (const name of Object.keys(FLAG_DEFAULTS)) {
      const value = flags[name]
      if (value === undefined || value === null) continue
      values[name] = value
      sources[name] = layer
    }
  return { tenant_id: tenantId, ...values, sources }
}
