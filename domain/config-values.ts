/**
 * Configuration that callers keep here for themselves, in three scopes. Nothing in this system decides by it. The narrower
 * scope wins, one whole value at a time.
 */
import type { Json, JsonObject } from './canonical.ts'

export const CONFIG_SCOPES = Object.freeze(['system', 'tenant', 'surface'] as const)
export type ConfigScope = (typeof CONFIG_SCOPES)[number]

export interface ConfigDocument {
  version: number
  values: JsonObject
}

export interface EffectiveConfig {
  values: JsonObject
  /** Which scope each value is from. */
  sources: Record<string, ConfigScope>
  versions: Record<ConfigScope, number>
}

export function effectiveConfig(documents: Readonly<Record<ConfigScope, ConfigDocument>>): EffectiveConfig {
  const values = new Map<string, Json>()
  const sources = new Map<string, ConfigScope>()
  for (const scope of CONFIG_SCOPES)
    for (const [name, value] of Object.entries(documents[scope].values)) {
      values.set(name, value)
      sources.set(name, scope)
    }
  const [system, tenant, surface] = CONFIG_SCOPES.map((scope) => documents[scope].version)
  return {
    values: Object.fromEntries(values),
    sources: Object.fromEntries(sources),
    versions: { system: system ?? 0, tenant: tenant ?? 0, surface: surface ?? 0 },
  }
}
