/**
 * One row of the control document as an action of its own: shown beside what it was, voted on like the document, written only
 * if it is still what it was. What the row must be is the document's own schema and rules. Has no undo: the way back is
 * another row, and the leaf of the change tells what stood before.
 */
import type { z } from 'zod'
import { defineAction, type EffectfulAction, type PlanContext } from './define.ts'
import { rowDiff } from './policy-diff.ts'
import { rowPlaces } from './policy-places.ts'
import { type Fault, type Grantees, keyOf, refuseFaults, ROW_RULES } from './policy-rows.ts'
import { quorumTree } from '../domain/approval.ts'
import type { JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import type { ControlSection } from '../domain/policy.ts'

/** What is looked up for a row: itself, how many its section has, and what it names. */
export interface ControlView {
  row: JsonObject | null
  rows: number
  grantees: Grantees
  license_types: string[]
}

/** What the facts function looks up beside the row, by id. */
export interface Named {
  grantees?: string[]
  license_types?: string[]
}

export interface Control<I extends object> {
  name: string
  version?: number
  title: string
  section: ControlSection
  input: z.ZodType<I>
  example: I
  /** Only the platform's, in its own document; its other operator votes. */
  global?: true
  /** A row that is there already is not put anew. */
  creates?: true
  /** The row as it will stand, from the input, what it was, and the operation that puts it; null takes it away. */
  becomes?(input: I, was: JsonObject | null, operationId: string | null): JsonObject | null
  names?(input: I): Named
  faults?(input: I, view: ControlView): Fault[]
  /** What a vote on it takes beside the usual. */
  ask?(input: I, view: ControlView, describe: PlanContext['describeAction']): { quorum: number; excluded: string[] }
  /** The resource, from what the store says of the row that now stands, or null of one that is gone. */
  resource?(stands: JsonObject | null, input: I, tenantId: string): JsonObject
}

export function defineControl<I extends object>(control: Control<I>): EffectfulAction<unknown> {
  const { section, title } = control
  const asRow = (input: I) => input as unknown as JsonObject
  const becomes = (input: I, was: JsonObject | null, operationId: string | null) =>
    control.becomes === undefined ? asRow(input) : control.becomes(input, was, operationId)
  const wasOf = (preconditions: JsonObject) => (preconditions['was'] ?? null) as JsonObject | null

  return defineAction<I>({
    name: control.name,
    version: control.version ?? 1,
    class: 'contained',
    title,
    governs: true,
    standing: false,
    input: control.input,
    example: control.example,

    view: (input) => ({ kind: 'control', section, key: keyOf(section, asRow(input)), ...control.names?.(input) }),

    places: (input) => rowPlaces(input),

    plan: (input, context) => {
      refuseScope(control, context)
      const view = context.view as unknown as ControlView
      const next = becomes(input, view.row, null) ?? asRow(input)
      if (control.creates === true && view.row !== null)
        throw new ExoError('resource.conflict', undefined, asRow(input))
      refuseFaults([
        ...(control.faults?.(input, view) ?? []),
        ...(ROW_RULES[section].faults?.(next, { ...context, grantees: view.grantees }) ?? []),
        ...(view.row === null && view.rows >= LIMITS.controlRows
          ? [{ path: '', message: `there are ${LIMITS.controlRows} such rows already` }]
          : []),
      ])
      const ask = control.ask?.(input, view, context.describeAction)
      return {
        preconditions: { was: view.row },
        tree: quorumTree(ask?.quorum ?? 1, control.global === true ? 'platform' : undefined),
        required: control.global === true ? [] : [ROW_RULES[section].permission(next)],
        excluded: ask?.excluded ?? [],
      }
    },

    preview: (input, seen) => {
      const view = seen as unknown as ControlView | null
      const was = view?.row ?? null
      const named = Object.entries(view?.grantees ?? {})
      return {
        title,
        fields: [
          ...rowDiff(was, becomes(input, was, null) ?? {}),
          ...named.map(([id, { kind, name }]) => ({ label: id, value: `${kind} ${name}` })),
          ...(was === null ? [{ label: 'until now', value: 'no such row' }] : []),
        ],
      }
    },

    effect: {
      kind: 'transactional',
      tells: ({ operation_id, preconditions }, input) => {
        const before = wasOf(preconditions)
        return { before, after: becomes(input, before, operation_id) }
      },
      async perform({ controls }, context, input) {
        const was = wasOf(context.preconditions)
        const row = becomes(input, was, context.operation_id)
        const key = keyOf(section, row ?? was ?? asRow(input))
        const stands = await controls.putRow(
          { section, key, was, row },
          {
            by: context.requested_by,
            person_id: context.person_id ?? context.requested_by,
            reason: context.reason,
            leaf_hash: context.control_leaf_hash,
          },
        )
        if (stands === null)
          throw new ExoError('effect.precondition_failed', 'The control changed since the proposal.', {
            section,
            ...key,
          })
        return control.resource?.(stands.row, input, context.tenant_id) ?? stands.row ?? asRow(input)
      },
    },
  })
}

/** The platform's document is the platform's to change, and nobody else's. */
function refuseScope<I extends object>({ global, section }: Control<I>, { tenant_id }: PlanContext): void {
  if ((global === true) === (tenant_id === 't_system')) return
  throw new ExoError('auth.insufficient_role', undefined, {
    required: [global === true ? 'platform_operator' : ROW_RULES[section].permission({})],
  })
}
