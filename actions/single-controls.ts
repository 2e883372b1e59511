/**
 * Every control that is put row by row, as one table: the sugar over the control document. Each is a governing action of
 * domain/governs.ts; how one works is actions/control-action.ts.
 */
import { z } from 'zod'
import { type Control, type ControlView, defineControl } from './control-action.ts'
import type { EffectfulAction } from './define.ts'
import { ROWS } from './policy-document.ts'
import { type Fault, grantQuorum, personsOf } from './policy-rows.ts'
import type { JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { type FlagLayers, layeredFlags } from '../domain/feature-flags.ts'
import { sha256TextHex } from '../domain/hash.ts'
import type { GrantRow } from '../domain/policy.ts'

type Of<S extends z.ZodType> = z.infer<S>

const licenseType: Control<Of<typeof ROWS.license_types>> = {
  name: 'license_type.create',
  title: 'Create a licence type',
  section: 'license_types',
  input: ROWS.license_types,
  example: { id: 'lt_deploy', name: 'May deploy' },
  creates: true,
}

const licensePolicy: Control<Of<typeof ROWS.firearms>> = {
  name: 'license_policy.put',
  title: 'Bind an action to licences',
  section: 'firearms',
  input: ROWS.firearms,
  example: { action: 'note.append', license_types: ['lt_deploy'], strategy_lock_required: false },
  becomes: ({ action, license_types, strategy_lock_required }) =>
    license_types.length === 0 && !strategy_lock_required ? null : { action, license_types, strategy_lock_required },
  names: ({ license_types }) => ({ license_types }),
  faults: ({ license_types }, view) => licenseFaults('/license_types', license_types, view),
}

const grant: Control<Of<typeof ROWS.grants>> = {
  name: 'grant.put',
  title: 'Grant a licence',
  section: 'grants',
  input: ROWS.grants,
  example: {
    principal_id: 'p_reporter',
    license_type: 'lt_deploy',
    actions: ['note.append'],
    expires_at: '2030-01-31T00:00:00Z',
    standing: { max_count: 100, max_amount: '50' },
  },
  becomes: (input, _was, operationId) => ({
    ...(input as JsonObject),
    ...(input.id === undefined && operationId !== null ? { id: `gr_${sha256TextHex(operationId).slice(0, 24)}` } : {}),
  }),
  names: ({ principal_id, license_type }) => ({ grantees: [principal_id], license_types: [license_type] }),
  faults: ({ id, license_type }, view) => {
    if (id !== undefined && view.row === null) throw new ExoError('resource.not_found')
    return licenseFaults('/license_type', [license_type], view)
  },
  ask: (input, { grantees }, describeAction) => ({
    quorum: grantQuorum(input as GrantRow, describeAction),
    excluded: personsOf([input as GrantRow], grantees),
  }),
}

const strategyLockPolicy: Control<Of<typeof ROWS.strategy_locks>> = {
  name: 'strategy_lock_policy.put',
  title: 'Say whether an action needs a strategy lock',
  section: 'strategy_locks',
  input: ROWS.strategy_locks,
  example: { action: 'http.post', surface_id: 's_main', required: true },
}

const budgetPolicy: Control<Of<typeof ROWS.budget>> = {
  name: 'budget_policy.put',
  title: 'Set a budget',
  section: 'budget',
  input: ROWS.budget,
  example: { scope: { surface_id: 's_main' }, threshold: '100', window_days: 7 },
}

const kpiDefinition: Control<Of<typeof ROWS.kpi_definitions>> = {
  name: 'kpi_definition.create',
  title: 'Define a KPI',
  section: 'kpi.definitions',
  input: ROWS.kpi_definitions,
  example: { surface_id: 's_main', kpi: 'error_rate', unit: 'percent', window_seconds: 3600 },
  creates: true,
}

const kpiCorridor: Control<Of<typeof ROWS.kpi_corridors>> = {
  name: 'kpi_corridor.put',
  title: 'Set the corridor of a KPI',
  section: 'kpi.corridors',
  input: ROWS.kpi_corridors,
  example: { surface_id: 's_main', kpi: 'error_rate', ceiling: '5', max_age_seconds: 86_400 },
}

const NO_LIMITS = { floors: {}, ceilings: {}, weights: {} }
export const TEMPERATURE_PARTS = ['floors', 'ceilings', 'weights'] as const
/** One part of a surface's temperature; the others stay as they are. */
export const temperaturePart = z.strictObject({
  surface_id: ROWS.temperature.shape.surface_id,
  values: ROWS.temperature.shape.floors.unwrap(),
})
const temperatureInput = temperaturePart.extend({ part: z.enum(TEMPERATURE_PARTS) })

const temperature: Control<Of<typeof temperatureInput>> = {
  name: 'temperature.put',
  title: 'Set the temperature limits of a surface',
  section: 'temperature',
  input: temperatureInput,
  example: { surface_id: 's_main', part: 'ceilings', values: { error_rate: '5' } },
  becomes: ({ surface_id, part, values }, was) => {
    const row: JsonObject = { ...NO_LIMITS, ...was, surface_id, [part]: values }
    return TEMPERATURE_PARTS.every((each) => Object.keys(row[each] as JsonObject).length === 0) ? null : row
  },
  faults: ({ surface_id, part, values }, view) => {
    const { error } = ROWS.temperature.safeParse({ ...NO_LIMITS, ...view.row, surface_id, [part]: values })
    return (error?.issues ?? []).map(({ message }) => ({ path: '/values', message }))
  },
  resource: (stands, { surface_id }) => stands ?? { surface_id, ...NO_LIMITS },
}

const rateLimit: Control<Of<typeof ROWS.rate_limits>> = {
  name: 'rate_limit.put',
  title: 'Limit the rate of calls',
  section: 'rate_limits',
  input: ROWS.rate_limits,
  example: { class: 'mutation', limit: 600, window_seconds: 60 },
}

const flags = {
  section: 'feature_flags',
  input: ROWS.feature_flags.refine((set) => Object.keys(set).length > 0, 'names no flag'),
  example: { replay_mode: 'keyframe' },
  becomes: (input, was) => ({ ...was, ...(input as JsonObject) }),
  resource: (layers, _input, tenantId) => layeredFlags(tenantId, layers as unknown as FlagLayers),
} satisfies Partial<Control<Of<typeof ROWS.feature_flags>>>

const tenantFlags: Control<Of<typeof ROWS.feature_flags>> = {
  ...flags,
  name: 'feature_flags.put',
  title: 'Set feature flags',
}
const globalFlags: Control<Of<typeof ROWS.feature_flags>> = {
  ...flags,
  name: 'feature_flags.put_global',
  title: 'Set feature flags for every tenant',
  global: true,
}

const egressTarget: Control<Of<typeof ROWS.egress>> = {
  name: 'egress_target.put',
  version: 2,
  title: 'Allow effects to reach an origin',
  section: 'egress',
  input: ROWS.egress,
  example: { origin: 'https://example.com', methods: ['POST'], idempotency_header: 'Idempotency-Key' },
}

export const CONTROL_ACTIONS: readonly EffectfulAction<unknown>[] = [
  defineControl(licenseType),
  defineControl(licensePolicy),
  defineControl(grant),
  defineControl(strategyLockPolicy),
  defineControl(budgetPolicy),
  defineControl(kpiDefinition),
  defineControl(kpiCorridor),
  defineControl(temperature),
  defineControl(rateLimit),
  defineControl(tenantFlags),
  defineControl(globalFlags),
  defineControl(egressTarget),
]

function licenseFaults(path: string, named: readonly string[], view: ControlView): Fault[] {
  return named
    .filter((type) => !view.license_types.includes(type))
    .map((type) => ({ path, message: `${type} is no licence type` }))
}
