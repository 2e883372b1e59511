/**
 * What the gates read: one snapshot of every control, taken by one SQL function call, recorded in history.
 *
 * `Facts` is the shape the database promises. Gates never trust that promise: they read through {@link Fact}, which
 * throws {@link FactUnreadable} for anything missing, null where a value is due, or of another type, and the chain
 * turns that into a block. Times are the database's, ISO 8601 in UTC.
 */
import type { Json, JsonObject } from './canonical.ts'
import { toMicros, toSignedMicros } from './money.ts'

export interface SwitchFact {
  scope: 'global' | 'tenant'
  selector: { kind: 'all' | 'action' | 'provider' | 'class'; value: string | null }
  state: 'running' | 'stopped'
  epoch: number
  reason: string | null
  leaf_hash: string | null
}

export interface GrantFact {
  id: string
  principal_id: string
  license_type: string
  actions: string[]
  project_id: string | null
  surface_id: string | null
  expires_at: string
  revoked: boolean
  granted_by_person: string
  standing: { max_count: number; max_amount: string; targets: string[] | null } | null
  used: { count: number; amount: string }
}

export interface LockFact {
  id: string
  version: number
  status: 'draft' | 'approved' | 'rejected' | 'expired' | 'revoked'
  surface_id: string
  project_id: string | null
  allowed_actions: string[]
  valid_from: string
  valid_until: string
  constraints: Json
  three_wise: { id: string; verdict: 'APPROVE' | 'REJECT' | 'UNSURE'; binding_hash: string; expires_at: string } | null
}

export interface MeasurementFact {
  value: string
  measured_at: string
}

export interface Facts {
  v: 1
  now: string
  principal: {
    id: string
    kind: 'agent' | 'service' | 'user'
    person_id: string | null
    status: 'active' | 'revoked'
    membership: 'active' | 'revoked' | 'none'
  } | null
  switches: SwitchFact[]
  firearms: { license_types: string[]; strategy_lock_required: boolean; grants: GrantFact[] }
  strategy_lock: { required: boolean; locks: LockFact[] }
  budget: {
    policy: { threshold: string; window_days: number; surface_id: string | null; app_id: string | null } | null
    settled: string
    reserved: string
    cap: { daily_cap: string; spent: string } | null
  }
  kpi: {
    corridors: {
      kpi: string
      floor: string | null
      ceiling: string | null
      max_age_seconds: number
      measurement: MeasurementFact | null
    }[]
  }
  temperature: {
    floors: Record<string, string>
    ceilings: Record<string, string>
    weights: Record<string, string>
    max_age_seconds: number
    values: Record<string, MeasurementFact>
  } | null
  waivers: { gate: 'budget' | 'kpi' | 'temperature'; until: string; reason: string; waived_by: string }[]
  audit: {
    sequencer_at: string
    oldest_unindexed_at: string | null
    checkpoint_at: string
    self_check: { ok: boolean; at: string }
  }
}

/** A fact that could not be read. `field` is the dotted path; it becomes the evidence of the block. */
export class FactUnreadable extends Error {
  readonly field: string
  constructor(field: string) {
    super(`fact ${field} is missing or malformed`)
    this.name = 'FactUnreadable'
    this.field = field
  }
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,6})?Z$/

/** A strict reader over one JSON value. Every accessor throws {@link FactUnreadable} unless the type is exact. */
export class Fact {
  readonly value: unknown
  readonly field: string
  constructor(value: unknown, field: string) {
    this.value = value
    this.field = field
  }

  get(key: string): Fact {
    const field = this.field === '' ? key : `${this.field}.${key}`
    const object = this.object()
    if (!Object.hasOwn(object, key) || object[key] === undefined) throw new FactUnreadable(field)
    return new Fact(object[key], field)
  }

  get isNull(): boolean {
    return this.value === null
  }

  object(): JsonObject {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      throw new FactUnreadable(this.field)
    return this.value as JsonObject
  }

  list(): Fact[] {
    if (!Array.isArray(this.value)) throw new FactUnreadable(this.field)
    return this.value.map((item, index) => new Fact(item, `${this.field}[${index}]`))
  }

  entries(): [string, Fact][] {
    return Object.keys(this.object())
      .sort()
      .map((key) => [key, this.get(key)])
  }

  string(): string {
    if (typeof this.value !== 'string' || this.value === '') throw new FactUnreadable(this.field)
    return this.value
  }

  stringOrNull(): string | null {
    return this.isNull ? null : this.string()
  }

  strings(): string[] {
    return this.list().map((item) => item.string())
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw new FactUnreadable(this.field)
    return this.value
  }

  count(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value) || this.value < 0)
      throw new FactUnreadable(this.field)
    return this.value
  }

  oneOf<const T extends string>(...words: T[]): T {
    const word = words.find((each) => each === this.value)
    if (word === undefined) throw new FactUnreadable(this.field)
    return word
  }

  /** Milliseconds since the epoch of a UTC instant. */
  instantMs(): number {
    const text = this.string()
    const ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN
    // Some engines read 30 February as 2 March: a day that does not come back is none.
    if (!Number.isFinite(ms) || new Date(ms).getUTCDate() !== Number(text.slice(8, 10)))
      throw new FactUnreadable(this.field)
    return ms
  }

  micros(): bigint {
    const micros = toMicros(this.value)
    if (micros === null) throw new FactUnreadable(this.field)
    return micros
  }

  signedMicros(): bigint {
    const micros = toSignedMicros(this.value)
    if (micros === null) throw new FactUnreadable(this.field)
    return micros
  }
}
