/**
 * Replaces sections of the tenant's control document, shown as one diff and approved once. Governs. Has no undo: the
 * way back is another document, which the diff of this one spells out.
 */
import { z } from 'zod'
import { defineAction, type PlanContext } from './define.ts'
import { policyDocument } from './policy-document.ts'
import { isSameRow, policyDiff } from './policy-diff.ts'
import {
  type Fault,
  type Grantees,
  grantQuorum,
  pathOf,
  personsOf,
  refuseFaults,
  repeatedRows,
  ROW_RULES,
  type RowContext,
  rowsOf,
} from './policy-rows.ts'
import { policyPlaces } from './policy-places.ts'
import { waiverQuorum } from './policy-waivers.ts'
import { quorumTree, type Seat } from '../domain/approval.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import {
  type GrantRow,
  POLICY_SECTIONS,
  type PolicyDocument,
  type PolicySection,
  type SwitchRow,
  type WaiverRow,
} from '../domain/policy.ts'

const input = z.strictObject({
  base_version: z.int().min(0),
  /** The `epoch` of the switches that the document was made over. */
  base_epoch: z.int().min(0).optional(),
  policy: policyDocument,
})
type Input = z.infer<typeof input>

interface View {
  version: number
  policy: JsonObject
  epoch: number
  grantees: Grantees
}

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

  view: ({ policy }, tenantId) => ({
    kind: 'policy',
    tenant_id: tenantId,
    grantees: [...new Set((policy.grants ?? []).map(({ principal_id }) => principal_id))],
  }),

  places: ({ policy }) => policyPlaces(policy),

  plan: ({ base_version, base_epoch, policy }, context) => {
    const current = context.view as unknown as View
    if (current.version !== base_version)
      throw new ExoError('policy.version_conflict', undefined, { version: current.version, base_version })
    // Whoever read the switches before a stop does not know of it, and would set running what was stopped since.
    if (policy.kill_switches !== undefined && base_epoch !== undefined && base_epoch !== current.epoch)
      throw new ExoError('policy.version_conflict', undefined, { epoch: current.epoch, base_epoch })
    const granted = changedGrants(policy, current.policy)
    const waived = (current.policy.not_required ?? []) as unknown as WaiverRow[]
    const rowContext = { ...context, grantees: current.grantees }
    refuseFaults([
      ...sectionFaults(policy, context),
      ...rowFaults(policy, granted, rowContext),
      ...repeatedRows(policy as JsonObject),
    ])
    refuseHolds(policy, current.policy, context)
    const role = holdRole(policy, current.policy)
    return {
      // A stop made after this was asked for must not be undone by it.
      preconditions: {
        version: base_version,
        ...(policy.kill_switches === undefined ? {} : { epoch: current.epoch }),
      },
      tree: quorumTree(
        Math.max(
          waiverQuorum(policy.not_required ?? [], waived, context.describeAction),
          ...granted.map((grant) => grantQuorum(grant, context.describeAction)),
        ),
        context.tenant_id === 't_system' ? 'platform' : role,
      ),
      required: requiredPermissions(policy, current.policy, context.tenant_id),
      excluded: personsOf(granted, current.grantees),
    }
  },

  preview: ({ policy, base_version }, view) => {
    const current = view as unknown as View
    const changed = new Set(changedRows(policy, current.policy).map(([section]) => section.split('.')[0]))
    return {
      title: `Change ${[...changed].join(', ') || 'nothing'} of the control document (version ${base_version})`,
      fields: policyDiff(current.policy, policy as unknown as JsonObject),
    }
  },

  effect: {
    kind: 'transactional',
    // The sections it replaces, as they stood and as they stand then.
    tells: ({ view }, { base_version, policy }) => {
      const { policy: current } = view as unknown as View
      const stood = Object.fromEntries(presentSections(policy).map((section) => [section, current[section] ?? null]))
      return {
        before: { version: base_version, policy: stood },
        after: { version: base_version + 1, policy: policy as JsonObject },
      }
    },
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

/** Sections that are to be other than they are. */
function changedRows(policy: PolicyDocument, current: JsonObject): ReturnType<typeof rowsOf> {
  const held = new Map(rowsOf(current).map(([section, rows]) => [section, canonicalJson([...rows])]))
  return rowsOf(policy as JsonObject).filter(([section, rows]) => canonicalJson([...rows]) !== held.get(section))
}

/** A section that is emptied takes its permission too; of `not_required` each row says whose it is, one that goes as well. */
function requiredPermissions(policy: PolicyDocument, current: JsonObject, tenantId: string): string[] {
  if (tenantId === 't_system') return []
  const needed = changedRows(policy, current).flatMap(([section, rows]) => {
    const { permission } = ROW_RULES[section]
    if (section !== 'not_required') return [permission({})]
    return [...rows, ...((current.not_required ?? []) as JsonObject[])].map(permission)
  })
  return [...new Set(needed)].sort()
}

/** Grants that are new or say something else than before; one that is kept grants nothing. */
function changedGrants(policy: PolicyDocument, current: JsonObject): GrantRow[] {
  const held = new Map(((current.grants ?? []) as JsonObject[]).map((row) => [row.id, row]))
  return (policy.grants ?? []).filter((row) => !isSameRow(row as unknown as JsonObject, held.get(row.id ?? null)))
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

/** Sections and scopes that are not this tenant's to set. */
function sectionFaults(policy: PolicyDocument, context: PlanContext): Fault[] {
  const scope = context.tenant_id === 't_system' ? 'global' : 'tenant'
  const rows = (policy.kill_switches ?? []).entries()
  const foreign = scope === 'tenant' ? [] : presentSections(policy).filter((section) => !PLATFORM.includes(section))
  return [
    ...[...rows]
      .filter(([, row]) => row.scope !== scope)
      .map(([index]) => ({ path: `/policy/kill_switches/${index}/scope`, message: `must be ${scope}` })),
    ...foreign.map((section) => ({
      path: `/policy/${section}`,
      message: 'the platform has switches and flags only',
    })),
  ]
}

const PLATFORM: readonly PolicySection[] = ['kill_switches', 'feature_flags']

/** Each row beside its schema. Of grants only those that change: who wrote the others is not asked again. */
function rowFaults(policy: PolicyDocument, granted: readonly GrantRow[], context: RowContext): Fault[] {
  return rowsOf(policy as JsonObject).flatMap(([section, rows]) =>
    rows.flatMap((row, index) => {
      if (section === 'grants' && !granted.includes(row as unknown as GrantRow)) return []
      const faults = ROW_RULES[section].faults?.(row, context) ?? []
      return faults.map((fault) => ({ ...fault, path: `${pathOf(section)}/${index}${fault.path}` }))
    }),
  )
}
