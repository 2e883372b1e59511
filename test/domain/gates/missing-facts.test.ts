/**
 * The deny lattice: whatever part of the facts is missing, null, of another type, malformed or stale, the gates that need
 * it block, no other gate changes its mind, and nothing throws. `FIELDS` says for each field who needs it; a field that
 * no gate needs stands there with the reason, and a field that stands nowhere fails the first test.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../domain/canonical.ts'
import { GATES, type GateName } from '../../../domain/errors.ts'
import { runChain } from '../../../domain/gates/chain.ts'
import type { Verdict } from '../../../domain/verdict.ts'
import { anIntent, aPlan, fromNow, goodFacts } from '../../support/domain.ts'

type Harm = 'removed' | 'null' | 'other type' | 'malformed' | 'stale'
interface Field {
  /** Gates that block without it. */
  needs: readonly GateName[]
  /** Null is a value here: its meaning, and no gate blocks for it. */
  nullMeans?: string
  /** Gates that block when the instant lies a year back. Absent for anything that is no instant. */
  stale?: readonly GateName[]
  /** Why no gate needs it. */
  because?: string
}

const lockGates = ['strategy_lock', 'three_wise'] as const
const metricGates = ['budget', 'kpi', 'temperature'] as const
const need = (...needs: GateName[]): Field => ({ needs })
const nobody = (because: string): Field => ({ needs: [], because })
const orNull = (nullMeans: string, ...needs: GateName[]): Field => ({ needs, nullMeans })
const instant = (stale: readonly GateName[], ...needs: GateName[]): Field => ({ needs, stale })

const FIELDS: Record<string, Field> = {
  v: need('firearms'),
  now: instant(
    ['firearms', 'strategy_lock', 'kpi', 'temperature', 'audit'],
    'firearms',
    ...lockGates,
    ...metricGates,
    'audit',
  ),
  principal: need('firearms'),
  'principal.id': need('firearms'),
  'principal.kind': nobody('agents, services and people are held to the same licences'),
  'principal.person_id': nobody('the plan already lists the persons whose votes do not count'),
  'principal.status': need('firearms'),
  'principal.membership': need('firearms'),
  places: need('firearms'),
  'places.project': need('firearms'),
  'places.surface': need('firearms'),
  'places.app': need('firearms'),
  switches: need('kill_switch'),
  'switches[].scope': need('kill_switch'),
  'switches[].selector': need('kill_switch'),
  'switches[].selector.kind': need('kill_switch'),
  'switches[].selector.value': orNull('a row for everything', 'kill_switch'),
  'switches[].state': need('kill_switch'),
  'switches[].epoch': need('kill_switch'),
  'switches[].reason': orNull('nobody gave one', 'kill_switch'),
  'switches[].leaf_hash': nobody('the verifier follows it; the switch holds without'),
  firearms: need('firearms', ...lockGates),
  'firearms.license_types': need('firearms'),
  'firearms.strategy_lock_required': need(...lockGates),
  'firearms.grants': need('firearms'),
  'firearms.grants[].id': need('firearms'),
  'firearms.grants[].principal_id': need('firearms'),
  'firearms.grants[].license_type': need('firearms'),
  'firearms.grants[].actions': need('firearms'),
  'firearms.grants[].project_id': orNull('every project', 'firearms'),
  'firearms.grants[].surface_id': orNull('every surface', 'firearms'),
  'firearms.grants[].expires_at': instant(['firearms'], 'firearms'),
  'firearms.grants[].revoked': need('firearms'),
  'firearms.grants[].granted_by_person': nobody('read when votes are counted, not by a gate'),
  'firearms.grants[].standing': nobody('read when votes are waived, not by a gate'),
  'firearms.grants[].standing.max_count': nobody('read when votes are waived, not by a gate'),
  'firearms.grants[].standing.max_amount': nobody('read when votes are waived, not by a gate'),
  'firearms.grants[].standing.targets': nobody('read when votes are waived, not by a gate'),
  'firearms.grants[].used': nobody('read when votes are waived, not by a gate'),
  'firearms.grants[].used.count': nobody('read when votes are waived, not by a gate'),
  'firearms.grants[].used.amount': nobody('read when votes are waived, not by a gate'),
  strategy_lock: need(...lockGates),
  'strategy_lock.required': need(...lockGates),
  'strategy_lock.locks': need(...lockGates),
  'strategy_lock.locks[].id': need('strategy_lock'),
  'strategy_lock.locks[].version': nobody('recorded for readers; a change of a lock returns it to draft'),
  'strategy_lock.locks[].status': need(...lockGates),
  'strategy_lock.locks[].surface_id': need(...lockGates),
  'strategy_lock.locks[].project_id': orNull('every project', ...lockGates),
  'strategy_lock.locks[].allowed_actions': need(...lockGates),
  'strategy_lock.locks[].valid_from': instant([], ...lockGates),
  'strategy_lock.locks[].valid_until': instant(['strategy_lock'], ...lockGates),
  'strategy_lock.locks[].constraints': orNull('none', ...lockGates),
  'strategy_lock.locks[].three_wise': orNull('the lock asks no question', 'three_wise'),
  'strategy_lock.locks[].three_wise.id': need('three_wise'),
  'strategy_lock.locks[].three_wise.verdict': need('three_wise'),
  'strategy_lock.locks[].three_wise.binding_hash': need('three_wise'),
  'strategy_lock.locks[].three_wise.expires_at': instant(['three_wise'], 'three_wise'),
  budget: need('budget'),
  'budget.policy': need('budget'),
  'budget.policy.threshold': need('budget'),
  'budget.policy.window_days': need('budget'),
  'budget.policy.surface_id': nobody('says which scope won; the sums were taken over it'),
  'budget.policy.app_id': nobody('says which scope won; the sums were taken over it'),
  'budget.settled': need('budget'),
  'budget.reserved': need('budget'),
  'budget.cap': orNull('the action has no daily cap', 'budget'),
  'budget.cap.daily_cap': need('budget'),
  'budget.cap.spent': need('budget'),
  kpi: need('kpi'),
  'kpi.corridors': need('kpi'),
  'kpi.corridors[].kpi': need('kpi'),
  'kpi.corridors[].floor': orNull('no floor', 'kpi'),
  'kpi.corridors[].ceiling': orNull('no ceiling', 'kpi'),
  'kpi.corridors[].max_age_seconds': need('kpi'),
  'kpi.corridors[].measurement': need('kpi'),
  'kpi.corridors[].measurement.value': need('kpi'),
  'kpi.corridors[].measurement.measured_at': instant(['kpi'], 'kpi'),
  temperature: need('temperature'),
  'temperature.floors': need('temperature'),
  'temperature.ceilings': need('temperature'),
  'temperature.weights': need('temperature'),
  'temperature.max_age_seconds': need('temperature'),
  'temperature.values': need('temperature'),
  'temperature.values.*.value': need('temperature'),
  'temperature.values.*.measured_at': instant(['temperature'], 'temperature'),
  waivers: need(...metricGates),
  'waivers[].gate': need(...metricGates),
  'waivers[].until': instant([], 'kpi'),
  'waivers[].reason': nobody('this waiver has run out; nothing else of it is read'),
  'waivers[].waived_by': nobody('this waiver has run out; nothing else of it is read'),
  audit: need('audit'),
  'audit.sequencer_at': instant(['audit'], 'audit'),
  'audit.oldest_unindexed_at': { needs: ['audit'], nullMeans: 'nothing waits', stale: ['audit'] },
  'audit.checkpoint_at': instant(['audit'], 'audit'),
  'audit.self_check': need('audit'),
  'audit.self_check.ok': need('audit'),
  'audit.self_check.at': instant([], 'audit'),
}

type Path = readonly (string | number)[]
interface Place {
  path: Path
  name: string
  field: Field
  now: Json
}

/** A path as `FIELDS` writes it: list items as `[]`, metrics of the temperature as `*`. */
function nameOf(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? '[]' : at === 2 && path[1] === 'values' ? '*' : part))
    .join('.')
    .replaceAll('.[]', '[]')
}

/** Every named field of the document. Items of lists and entries of the metric maps are configuration, not fields. */
function fieldPaths(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return []
  const inMap = path[0] === 'temperature' && path.length === 2
  return Object.entries(value).flatMap(([key, member]) => {
    const here = [...path, Array.isArray(value) ? Number(key) : key]
    return [...(Array.isArray(value) || inMap ? [] : [here]), ...fieldPaths(member, here)]
  })
}

const GOOD = JSON.parse(JSON.stringify(goodFacts())) as Json
const valueAt = (path: Path) => path.reduce<Json>((value, key) => (value as Record<string, Json>)[key] ?? null, GOOD)
const PLACES: Place[] = fieldPaths(GOOD).map((path) => {
  const field = FIELDS[nameOf(path)] ?? nobody('')
  return { path, name: path.join('.'), field, now: valueAt(path) }
})

const [plan, intent] = [aPlan(), anIntent()]
const decide = (facts: unknown) => runChain(plan, intent, facts)
const UNHARMED = decide(GOOD)
const REMOVED = Symbol('removed')
// Most runs below throw inside a gate; traces nobody reads would take most of their time.
Error.stackTraceLimit = 1

/** A copy of the value with one place replaced; only the way to the place is copied. */
function replaced(value: unknown, path: Path, by: unknown, at = 0): unknown {
  if (at === path.length) return by
  if (typeof value !== 'object' || value === null) return value
  const key = path[at] ?? ''
  const member = replaced((value as Record<string, unknown>)[key], path, by, at + 1)
  if (Array.isArray(value)) return value.map((item, index) => (index === key ? member : item))
  const copy: Record<string, unknown> = { ...value, [key]: member }
  if (member === REMOVED) delete copy[key]
  return copy
}

function otherType(value: Json): Json {
  if (typeof value === 'string' || value === null) return 7
  if (typeof value === 'object') return Array.isArray(value) ? {} : []
  return String(value)
}

function harmValue({ path, now }: Place, harm: Harm): unknown {
  if (harm === 'removed') return REMOVED
  if (harm === 'null') return null
  if (harm === 'other type') return otherType(now)
  // Stale facts are old seen from now; for `now` itself that means that time has gone on.
  if (harm === 'stale') return fromNow((path[0] === 'now' ? 1 : -1) * 365 * 86_400)
  return 'yesterday'
}

const harmsOf = ({ field, now }: Place): Harm[] => [
  'removed',
  ...(now === null ? [] : (['null'] as const)),
  'other type',
  ...(field.stale === undefined ? [] : (['malformed', 'stale'] as const)),
]

type Harmed = readonly [Place, Harm][]

/** Harm to a part is gone when the whole is harmed too. */
function standing(harmed: Harmed): Harmed {
  return harmed.filter(([{ name }]) => !harmed.some(([other]) => name.startsWith(`${other.name}.`)))
}

/** Whole before part, so that harm to a part of something already gone changes nothing. */
function apply(harmed: Harmed): unknown {
  return standing(harmed).reduce<unknown>(
    (facts, [place, harm]) => replaced(facts, place.path, harmValue(place, harm)),
    GOOD,
  )
}

function blockedBy([{ field }, harm]: Harmed[number]): readonly GateName[] {
  if (harm === 'stale') return field.stale ?? []
  if (harm === 'null' && field.nullMeans !== undefined) return []
  return field.needs
}

/** What is wrong with the verdicts over harmed facts, or null. */
function objection(harmed: Harmed, verdicts: readonly Verdict[]): string | null {
  const real = standing(harmed)
  const blocked = new Set(real.flatMap(blockedBy))
  // A corridor with neither floor nor ceiling is none.
  const open = real.filter(([{ name }, harm]) => harm === 'null' && /^kpi\..*(floor|ceiling)$/.test(name))
  if (open.length > new Set(open.map(([{ path }]) => path[2])).size) blocked.add('kpi')
  if (verdicts.map(({ gate }) => gate).join() !== GATES.join()) return 'not the eight gates in their order'
  for (const { gate, decision, code } of verdicts) {
    // Three-wise speaks about matching locks; where none can match, the lock's own gate has blocked already.
    if (gate === 'three_wise' && blocked.has('strategy_lock')) {
      if (decision === 'allow' && blocked.has('three_wise')) return 'three_wise allows what it cannot read'
    } else if ((decision === 'block') !== blocked.has(gate)) return `${gate} answers ${decision}`
    if ((decision === 'block') !== (code !== null)) return `${gate} has ${decision} with code ${code}`
  }
  return null
}

function check(harmed: Harmed): void {
  const wrong = objection(harmed, decide(apply(harmed)))
  if (wrong !== null) throw new Error(`${harmed.map(([{ name }, harm]) => `${name} ${harm}`).join(', ')}: ${wrong}`)
}

describe('the table of fields', () => {
  test('names every field of the facts, each needed by a gate or with a reason why not', () => {
    expect([...new Set(PLACES.map(({ path }) => nameOf(path)))].toSorted()).toEqual(Object.keys(FIELDS).toSorted())
    for (const [name, { needs, because }] of Object.entries(FIELDS))
      expect([name, needs.length > 0]).toEqual([name, because === undefined])
  })

  test('starts from facts that every gate allows', () => {
    expect(UNHARMED.map(({ decision }) => decision)).toEqual(GATES.map(() => 'allow'))
  })
})

describe('facts harmed in known ways', () => {
  test.each(PLACES.map((place) => [place.name, place] as const))('%s', (_name, place) => {
    for (const harm of harmsOf(place)) {
      const verdicts = decide(apply([[place, harm]]))
      expect([harm, objection([[place, harm]], verdicts)]).toEqual([harm, null])
      // What no gate needs leaves no trace in any verdict.
      if (place.field.needs.length === 0) expect(verdicts).toEqual(UNHARMED)
    }
  })

  test('every two fields in every two ways', () => {
    for (const [i, one] of PLACES.entries())
      for (const two of PLACES.slice(i + 1))
        for (const harm of harmsOf(one))
          for (const other of harmsOf(two))
            check([
              [one, harm],
              [two, other],
            ])
  })

  test('every three fields removed', () => {
    // Of items of one list the last stands for all: two of a kind harm no more than two of the pairs above.
    const kinds = [...new Map(PLACES.map((place) => [nameOf(place.path), place] as const)).values()]
    for (const [i, one] of kinds.entries())
      for (const [j, two] of kinds.entries())
        if (j > i)
          for (const three of kinds.slice(j + 1))
            check([
              [one, 'removed'],
              [two, 'removed'],
              [three, 'removed'],
            ])
  }, 60_000)

  test('any number of fields in any ways', () => {
    const harm = fc
      .constantFrom(...PLACES)
      .chain((place) => fc.constantFrom(...harmsOf(place)).map((how): [Place, Harm] => [place, how]))
    const some = fc.uniqueArray(harm, { minLength: 3, maxLength: 12, selector: ([{ name }]) => name })
    fc.assert(
      fc.property(some, (harmed) => objection(harmed, decide(apply(harmed))) === null),
      { numRuns: 3000 },
    )
  })

  test('no facts at all block at every gate', () => {
    for (const facts of [undefined, null, {}, [], '', 0, true])
      expect(decide(facts).map(({ decision }) => decision)).toEqual(GATES.map(() => 'block'))
  })
})

describe('arbitrary facts', () => {
  const isTotal = (governs: boolean, facts: unknown) => {
    const verdicts = runChain(aPlan({ governs }), intent, facts)
    expect(verdicts.map(({ gate }) => gate)).toEqual([...GATES])
    for (const { decision, code } of verdicts) expect(decision === 'block').toBe(code !== null)
    return verdicts
  }

  test('any JSON gets eight verdicts, at least one of them a block', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.boolean(), (facts, governs) => {
        const blocks = isTotal(governs, facts).filter(({ decision }) => decision === 'block')
        return blocks.length > 0
      }),
      { numRuns: 1000 },
    )
  })

  test('good facts with any JSON in any places get eight verdicts', () => {
    const change = fc.tuple(fc.constantFrom(...PLACES), fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        isTotal(
          false,
          changes.reduce<unknown>((facts, [{ path }, value]) => replaced(facts, path, value), GOOD),
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('the same facts get the same verdicts, and are not changed', () => {
    const frozen = (value: Json): Json => {
      if (typeof value === 'object' && value !== null)
        for (const member of Object.values(Object.freeze(value))) frozen(member)
      return value
    }
    const facts = frozen(structuredClone(GOOD))
    expect(decide(facts)).toEqual(UNHARMED)
    expect(decide(facts)).toEqual(decide(structuredClone(GOOD)))
  })
})
