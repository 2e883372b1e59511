/**
 * Replaces sections of the tenant's control document, shown as one diff and approved once. Governs. Has no undo: the
 * way back is another document, which the diff of this one spells out.
 */
import { z } from 'zod'
import { defineAction, type PlanContext } from './define.ts'
import { policyDocument, unsoundOrigin } from './policy-document.ts'
import { policyDiff } from './policy-diff.ts'
import { policyPlaces } from './policy-places.ts'
import { quorumTree, type Seat } from '../domain/approval.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { POLICY_SECTIONS, type PolicyDocument, type PolicySection, type SwitchRow } from '../domain/policy.ts'

const input = z.strictObject({ base_version: z.int().min(0), policy: policyDocument })
type Input = z.infer<typeof input>

/** What may be changed by whom: a section needs this permission. */
const SECTION_PERMISSION: Readonly<Record<PolicySection, string>> = Object.freeze({
  kill_switches: 'resume',
  license_types: 'configure:firearms',
  firearms: 'configure:firearms',
  grants: 'configure:firearms',
  strategy_locks: 'configure:strategy_lock',
  budget: 'configure:budget',
  kpi: 'configure:kpi',
  temperature: 'configure:temperature',
  rate_limits: 'configure:rate_limit',
  not_required: '',
  feature_flags: 'configure:flags',
  egress: 'configure:egress',
})

export const policyPut = defineAction<Input>({
  name: 'policy.put',
  version: 1,
  class: 'contained',
  title: 'Replace sections of the control document',
  governs: true,
  standing: false,
  input,
  example: {
    base_version: 0,
    policy: {
      kill_switches: [{ scope: 'tenant', selector: { kind: 'all', value: null }, state: 'running', hold: null }],
    },
  },

  view: (_input, tenantId) => ({ kind: 'policy', tenant_id: tenantId }),

  places: ({ policy }) => policyPlaces(policy),

  plan: ({ base_version, policy }, context) => {
    const current = context.view as { version: number; policy: JsonObject; epoch: number }
    if (current.version !== base_version)
      throw new ExoError('policy.version_conflict', undefined, { version: current.version, base_version })
    refuseUnsound(policy, context)
    refuseHolds(policy, current.policy, context)
    const role = holdRole(policy, current.policy)
    return {
      // A stop made after this was asked for must not be undone by it.
      preconditions: {
        version: base_version,
        ...(policy.kill_switches === undefined ? {} : { epoch: current.epoch }),
      },
      tree: quorumTree(1, context.tenant_id === 't_system' ? 'platform' : role),
      required: requiredPermissions(policy, context.tenant_id),
    }
  },

  preview: ({ policy, base_version }, view) => {
    const current = view as { version: number; policy: JsonObject }
    return {
      title: `Change ${presentSections(policy).join(', ') || 'nothing'} of the control document (version ${base_version})`,
      fields: policyDiff(current.policy, policy as unknown as JsonObject),
    }
  },

  effect: {
    kind: 'transactional',
    async perform({ controls }, context, { base_version, policy }) {
      const { epoch } = context.preconditions as { epoch?: number }
      const after = await controls.putPolicy(base_version, epoch ?? null, policy, {
        by: context.requested_by,
        person_id: context.person_id ?? context.requested_by,
        reason: context.reason,
        leaf_hash: context.control_leaf_hash,
      })
      if (after === null)
        throw new ExoError('effect.precondition_failed', 'The policy changed while people decided.', { base_version })
      return after as Json
    },
  },
})

function presentSections(policy: PolicyDocument): PolicySection[] {
  return POLICY_SECTIONS.filter((section) => policy[section] !== undefined)
}

function requiredPermissions(policy: PolicyDocument, tenantId: string): string[] {
  if (tenantId === 't_system') return []
  const waived = (policy.not_required ?? []).map((row) => `configure:${row.gate}`)
  const sections = presentSections(policy)
    .map((section) => SECTION_PERMISSION[section])
    .filter((permission) => permission !== '')
  return [...new Set([...sections, ...waived])].sort()
}

/** The role a switch's `hold` demands of the voter, when this document would set such a switch running or lose the hold. */
function holdRole(policy: PolicyDocument, current: JsonObject): Seat['role'] | undefined {
  if (policy.kill_switches === undefined) return undefined
  const released = heldNow(current).filter((was) => {
    const next = policy.kill_switches?.find((row) => isSame(row.selector, was.selector))
    return next === undefined || next.hold !== was.hold || (was.state === 'stopped' && next.state === 'running')
  })
  if (released.some((was) => was.hold === 'platform')) return 'platform'
  return released.some((was) => was.hold === 'owner') ? 'owner' : undefined
}

/** A hold that is not there yet is set by the role it names and nobody else. */
function refuseHolds(policy: PolicyDocument, current: JsonObject, context: PlanContext): void {
  for (const { selector, hold } of policy.kill_switches ?? [])
    if (
      hold !== null &&
      !context.holds.includes(hold) &&
      !heldNow(current).some((was) => was.hold === hold && isSame(was.selector, selector))
    )
      throw new ExoError('auth.insufficient_role', undefined, { required: [hold] })
}

function heldNow(current: JsonObject): SwitchRow[] {
  return ((current.kill_switches ?? []) as unknown as SwitchRow[]).filter((row) => row.hold !== null)
}

function isSame(a: SwitchRow['selector'], b: SwitchRow['selector']): boolean {
  return a.kind === b.kind && a.value === b.value
}

/** Rows that name an action nobody registered. */
function unknownActions(policy: PolicyDocument, context: PlanContext): { path: string; message: string }[] {
  const named = [
    ...(policy.firearms ?? []).map((row, index) => ({ path: `/policy/firearms/${index}/action`, action: row.action })),
    ...(policy.kill_switches ?? []).map((row, index) => ({
      path: `/policy/kill_switches/${index}/selector`,
      action: row.selector.kind === 'action' ? row.selector.value : null,
    })),
  ]
  return named
    .filter(({ action }) => action !== null && context.describeAction(action) === null)
    .map(({ path, action }) => ({ path, message: `${action} is not an action` }))
}

/** Two rows of a section that speak of the same thing. */
function repeatedRows(policy: PolicyDocument): { path: string; message: string }[] {
  const keys: Record<string, string[]> = {
    kill_switches: (policy.kill_switches ?? []).map((row) => `${row.selector.kind} ${row.selector.value}`),
    license_types: (policy.license_types ?? []).map((row) => row.id),
    firearms: (policy.firearms ?? []).map((row) => row.action),
    grants: (policy.grants ?? []).flatMap((row) => (row.id === undefined ? [] : [row.id])),
    strategy_locks: (policy.strategy_locks ?? []).map((row) => `${row.action} ${row.surface_id}`),
    budget: (policy.budget ?? []).map((row) =>
      JSON.stringify([row.scope.surface_id, row.scope.app_id, row.scope.action]),
    ),
    'kpi/definitions': (policy.kpi?.definitions ?? []).map((row) => `${row.surface_id} ${row.kpi}`),
    'kpi/corridors': (policy.kpi?.corridors ?? []).map((row) => `${row.surface_id} ${row.kpi}`),
    temperature: (policy.temperature ?? []).map((row) => row.surface_id),
    rate_limits: (policy.rate_limits ?? []).map((row) => row.class),
    not_required: (policy.not_required ?? []).map((row) => JSON.stringify([row.gate, row.action, row.class])),
  }
  return Object.entries(keys)
    .filter(([, names]) => new Set(names).size !== names.length)
    .map(([section]) => ({ path: `/policy/${section}`, message: 'two rows speak of the same thing' }))
}

function refuseUnsound(policy: PolicyDocument, context: PlanContext): void {
  const scope = context.tenant_id === 't_system' ? 'global' : 'tenant'
  const errors: { path: string; message: string }[] = []
  for (const [index, row] of (policy.kill_switches ?? []).entries())
    if (row.scope !== scope) errors.push({ path: `/policy/kill_switches/${index}/scope`, message: `must be ${scope}` })
  if (scope === 'global')
    for (const section of presentSections(policy))
      if (section !== 'kill_switches' && section !== 'feature_flags')
        errors.push({ path: `/policy/${section}`, message: 'the platform has switches and flags only' })
  for (const [index, grant] of (policy.grants ?? []).entries()) {
    if (grant.principal_id === context.principal_id)
      throw new ExoError('firearms.self_grant', undefined, { path: `/policy/grants/${index}/principal_id` })
    for (const action of grant.actions) {
      const found = context.describeAction(action)
      const path = `/policy/grants/${index}/actions`
      if (found === null) errors.push({ path, message: `${action} is not an action` })
      else if (grant.standing !== null && (found.governs || !found.standing))
        errors.push({ path, message: `no standing grant may name ${action}` })
    }
  }
  for (const [index, { origin }] of (policy.egress ?? []).entries()) {
    const message = unsoundOrigin(origin, context.mode)
    if (message !== null) errors.push({ path: `/policy/egress/${index}/origin`, message })
  }
  errors.push(...unknownActions(policy, context), ...repeatedRows(policy))
  if (errors.length > 0) throw new ExoError('validation.error', undefined, { errors })
}
