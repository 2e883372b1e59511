/**
 * What a `not_required` row of the control document must be beside its schema: how long it may run, and how many people
 * it asks for. It lets actions pass without a metric, so it asks for as many as the strongest action that it covers.
 */
import type { ActionSummary } from './define.ts'
import { usualQuorum } from '../domain/approval.ts'
import { LIMITS } from '../domain/limits.ts'
import type { WaiverRow } from '../domain/policy.ts'

const DAY_MS = 86_400_000

/** Counted from the proposal: while people decide, what is left only gets shorter. */
export function waiverFaults({ until }: WaiverRow, { now }: { now: string }): { path: string; message: string }[] {
  if (Date.parse(until) - Date.parse(now) <= LIMITS.waiverDays * DAY_MS) return []
  return [{ path: '/until', message: `is more than ${LIMITS.waiverDays} days from now` }]
}

/** How many people the rows ask for that are new or say more than before; one that stays, or ends sooner, waives nothing new. */
export function waiverQuorum(
  rows: readonly WaiverRow[],
  current: readonly WaiverRow[],
  describeAction: (name: string) => Pick<ActionSummary, 'quorum'> | null,
): number {
  const asked = rows
    .filter((row) => saysMore(row, current.find(isAbout(row))))
    .map(({ action, class: covered }) =>
      covered === undefined ? (describeAction(action ?? '')?.quorum ?? 1) : usualQuorum(covered),
    )
  return Math.max(1, ...asked)
}

const isAbout = (row: WaiverRow) => (other: WaiverRow) =>
  other.gate === row.gate && other.action === row.action && other.class === row.class

function saysMore(row: WaiverRow, was: WaiverRow | undefined): boolean {
  return was === undefined || row.reason !== was.reason || Date.parse(row.until) > Date.parse(was.until)
}
