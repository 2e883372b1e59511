/**
 * What the gates read: one snapshot of every control, taken by one SQL function call, recorded in history.
 *
 * `Facts` is the shape the database promises. Gates never trust that promise: they read through {@link Fact}, which
 * throws {@link FactUnreadable} for anything missing, null where a value is due, or of another type, and the chain
 * turns that into a block. Times are the database's, ISO 8601 in UTC.
 */
import type { Json, JsonObject } from './canonical.ts'
import { toMicros, toSignedMicros } from './money.ts'
import type { PlaceKind } from './places.ts'

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

export interface PrincipalFact {
  id: string
  kind: 'agent' | 'service' | 'user'
  person_id: string | null
  status: 'active' | 'revoked'
  membership: 'active' | 'revoked' | 'none'
}

export interface Facts {
  /** 1 where `places` was not read yet. A gate asks for no more than what that version promised. */
  v: 1 | 2
  now: string
  principal: PrincipalFact | null
  /** In whose name it is asked, in the intent's order; absent where that is nobody. */
  on_behalf_of?: (PrincipalFact | null)[]
  /** The status of each place that the intent names; since version 2. */
  places?: Partial<Record<PlaceKind, 'active' | 'inactive'>>
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

/** Milliseconds of a UTC instant, by the calendar alone: a 30 February is none, whatever an engine makes of it. */
function utcMs(text: string): number | null {
  if (!INSTANT.test(text)) return null
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 ? (leap ? 29 : 28) : 30 + ((month + (month >> 3)) & 1)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  if (year < 100 || month < 1 || month > 12 || day < 1 || day > days || minute > 59 || second > 59) return null
  return Date.UTC(year, month - 1, day, twoDigits(text, 11), minute, second, milliseconds(text))
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
}

/** The first three digits after the point; finer ones are cut. */
function milliseconds(text: string): number {
  let ms = 0
  for (let at = 20, unit = 100; at < text.length - 1 && unit >= 1; at++, unit /= 10)
    ms += (text.charCodeAt(at) - 48) * unit
  return ms
}

/**
 * A strict reader over one JSON value. Every accessor throws {@link FactUnreadable} unless the type is exact. Where it
 * stands is worked out only when that is asked: the chain reads a hundred facts and names at most one.
 */
export class Fact {
  readonly value: unknown
  readonly #parent: Fact | null
  readonly #key: string
  /** Read once: every gate asks what time it is. */
  #now: Fact | undefined
  #ms: number | null = null
  /** The root when `parent` is null; `key` is then the path of the root, mostly empty. */
  constructor(value: unknown, key: string, parent: Fact | null = null) {
    this.value = value
    this.#key = key
    this.#parent = parent
  }

  /** The dotted path to this value. */
  get field(): string {
    const above = this.#parent?.field ?? ''
    return above === '' ? this.#key : this.#key.startsWith('[') ? `${above}${this.#key}` : `${above}.${this.#key}`
  }

  get(key: string): Fact {
    if (key === 'now') return (this.#now ??= this.#member(key))
    return this.#member(key)
  }

  #member(key: string): Fact {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FactUnreadable(this.field)
    const member = Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined
    const fact = new Fact(member, key, this)
    if (member === undefined) throw new FactUnreadable(fact.field)
    return fact
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
    return this.value.map((item, index) => new Fact(item, `[${index}]`, this))
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
    this.#ms ??= utcMs(this.string())
    if (this.#ms === null) throw new FactUnreadable(this.field)
    return this.#ms
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
