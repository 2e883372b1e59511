/**
 * What the facts of a pass would have been under another control document, as far as the recorded ones tell. Sections that are
 * absent stay as they were; what a section would need and nobody recorded is named as missing and left out.
 */
import { canonicalJson, type JsonObject } from '../domain/canonical.ts'
import type { Facts, GrantFact, MeasurementFact } from '../domain/facts.ts'
import type { Intent, Plan } from '../domain/plan.ts'
import type { GrantRow, PolicyDocument } from '../domain/policy.ts'

export function factsUnderPolicy(
  intent: Intent,
  plan: Plan,
  recorded: JsonObject,
  policy: PolicyDocument,
  missing: Set<string>,
): JsonObject {
  const facts = JSON.parse(canonicalJson(recorded)) as Facts
  const place = { intent, plan, facts, missing }
  if (policy.kill_switches !== undefined) setSwitches(place, policy.kill_switches)
  if (policy.firearms !== undefined) {
    const row = policy.firearms.find(({ action }) => action === intent.action)
    facts.firearms.license_types = row?.license_types ?? []
    facts.firearms.strategy_lock_required = row?.strategy_lock_required ?? false
  }
  if (policy.grants !== undefined) setGrants(place, policy.grants)
  if (policy.strategy_locks !== undefined)
    facts.strategy_lock.required = policy.strategy_locks.some(
      ({ action, surface_id, required }) =>
        required && action === intent.action && (surface_id === '*' || surface_id === intent.surface_id),
    )
  if (policy.budget !== undefined) setBudget(place, policy.budget)
  if (policy.kpi !== undefined) setCorridors(place, policy.kpi.corridors)
  if (policy.temperature !== undefined) setTemperature(place, policy.temperature)
  if (policy.not_required !== undefined)
    facts.waivers = policy.not_required
      .filter(({ action, class: of }) => action === intent.action || of === intent.class)
      .map(({ gate, until, reason }) => ({ gate, until, reason, waived_by: 'what-if' }))
  return facts as unknown as JsonObject
}

interface Place {
  intent: Intent
  plan: Plan
  facts: Facts
  missing: Set<string>
}

/** A document sets the switches of one scope; rows of the other stay. */
function setSwitches({ intent, plan, facts }: Place, rows: NonNullable<PolicyDocument['kill_switches']>): void {
  const scope = rows.some((row) => row.scope === 'global') ? 'global' : 'tenant'
  const names = { all: null, action: intent.action, provider: plan.provider, class: plan.class }
  const kept = facts.switches.filter((row) => row.scope !== scope)
  const set = rows
    .filter(
      ({ selector }) => selector.kind === 'all' || (selector.value !== null && selector.value === names[selector.kind]),
    )
    .map(({ selector, state }) => ({ scope, selector, state, epoch: 0, reason: 'what-if', leaf_hash: null }) as const)
  facts.switches = [...kept, ...set]
}

function setGrants({ intent, facts, missing }: Place, rows: readonly GrantRow[]): void {
  facts.firearms.grants = rows
    .filter(
      (row) =>
        [intent.principal_id, ...(intent.on_behalf_of ?? [])].includes(row.principal_id) &&
        row.actions.includes(intent.action),
    )
    .map((row, index): GrantFact => {
      const held = facts.firearms.grants.find(({ id }) => id === row.id)
      if (held === undefined && row.standing !== null) missing.add(`firearms.grants[${index}].used`)
      const { standing } = row
      return {
        id: row.id ?? `what-if-${index}`,
        principal_id: row.principal_id,
        license_type: row.license_type,
        actions: row.actions,
        project_id: row.project_id ?? null,
        surface_id: row.surface_id ?? null,
        expires_at: row.expires_at,
        revoked: false,
        granted_by_person: held?.granted_by_person ?? 'what-if',
        standing: standing === null ? null : { ...standing, targets: standing.targets ?? null },
        used: held?.used ?? { count: 0, amount: '0' },
      }
    })
}

/** The most specific threshold wins; what was spent is known only for the scope and window that were recorded. */
function setBudget({ intent, facts, missing }: Place, rows: NonNullable<PolicyDocument['budget']>): void {
  const fits = ({ scope }: (typeof rows)[number]) =>
    (scope.surface_id === undefined || scope.surface_id === intent.surface_id) &&
    (scope.app_id === undefined || scope.app_id === intent.app_id)
  const weight = ({ scope }: (typeof rows)[number]) =>
    (scope.surface_id === undefined ? 0 : 2) + (scope.app_id === undefined ? 0 : 1)
  const [chosen] = rows
    .filter((row) => row.threshold !== undefined && row.scope.action === undefined && fits(row))
    .sort((a, b) => weight(b) - weight(a))
  const was = facts.budget.policy
  facts.budget.policy =
    chosen?.threshold === undefined
      ? null
      : {
          threshold: chosen.threshold,
          window_days: chosen.window_days,
          surface_id: chosen.scope.surface_id ?? null,
          app_id: chosen.scope.app_id ?? null,
        }
  const now = facts.budget.policy
  const sameSums =
    was !== null &&
    now !== null &&
    was.window_days === now.window_days &&
    was.surface_id === now.surface_id &&
    was.app_id === now.app_id
  if (now !== null && !sameSums)
    for (const sum of ['settled', 'reserved'] as const) forget(facts.budget, sum, `budget.${sum}`, missing)
  const cap = rows.find((row) => row.daily_cap !== undefined && row.scope.action === intent.action && fits(row))
  if (cap?.daily_cap === undefined) facts.budget.cap = null
  else if (facts.budget.cap !== null) facts.budget.cap.daily_cap = cap.daily_cap
  else {
    facts.budget.cap = { daily_cap: cap.daily_cap, spent: '' }
    forget(facts.budget.cap, 'spent', 'budget.cap.spent', missing)
  }
}

function setCorridors({ intent, facts, missing }: Place, rows: NonNullable<PolicyDocument['kpi']>['corridors']): void {
  const measured = measurements(facts)
  facts.kpi.corridors = rows
    .filter(({ surface_id }) => surface_id === intent.surface_id)
    .map(({ kpi, floor, ceiling, max_age_seconds }, index) => {
      const measurement = measured.get(kpi) ?? null
      if (measurement === null) missing.add(`kpi.corridors[${index}].measurement`)
      return { kpi, floor: floor ?? null, ceiling: ceiling ?? null, max_age_seconds, measurement }
    })
}

function setTemperature({ intent, facts, missing }: Place, rows: NonNullable<PolicyDocument['temperature']>): void {
  const row = rows.find(({ surface_id }) => surface_id === intent.surface_id)
  if (row === undefined) {
    facts.temperature = null
    return
  }
  const measured = measurements(facts)
  const { floors, ceilings, weights } = row
  const values: Record<string, MeasurementFact> = {}
  for (const metric of Object.keys({ ...floors, ...ceilings, ...weights }).sort()) {
    const measurement = measured.get(metric)
    if (measurement === undefined) missing.add(`temperature.values.${metric}`)
    else values[metric] = measurement
  }
  facts.temperature = {
    floors,
    ceilings,
    weights,
    max_age_seconds: facts.temperature?.max_age_seconds ?? 86_400,
    values,
  }
}

/** Every measurement of the surface the facts hold, whichever gate it was read for. */
function measurements({ kpi, temperature }: Facts): Map<string, MeasurementFact> {
  const found = new Map(Object.entries(temperature?.values ?? {}))
  for (const { kpi: name, measurement } of kpi.corridors) if (measurement !== null) found.set(name, measurement)
  return found
}

function forget<T extends object>(holder: T, key: keyof T, place: string, missing: Set<string>): void {
  Reflect.deleteProperty(holder, key)
  missing.add(place)
}
