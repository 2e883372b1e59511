/** How long it took after each fault until work succeeded again, and until what was under way had ended. */
import type { CarriedOut } from './faults.ts'
import { type Done, type Sort, SORTS } from './load.ts'
import { wordsOf } from './schedule.ts'

/** The bar: after a fault nobody waits longer. */
export const RECOVERED_MS = 60_000

export interface Recovery {
  /** After which fault. */
  after: string
  ms: number
}

/** Until an operation that was asked for after that was executed. */
export function againSince(over: number, done: readonly Done[]): number {
  const after = done.filter(({ askedAt, status }) => askedAt >= over && status === 'executed')
  return Math.min(...after.map(({ endedAt }) => endedAt)) - over
}

/** Until all operations that were open then had ended, whatever else befell them. */
export function endedSince(over: number, done: readonly Done[]): number {
  const open = done.filter(({ askedAt, endedAt }) => askedAt < over && endedAt > over)
  return Math.max(over, ...open.map(({ endedAt }) => endedAt)) - over
}

/** The longest of all faults. */
export function worstAfter(
  faults: readonly CarriedOut[],
  done: readonly Done[],
  since: (over: number, done: readonly Done[]) => number,
): Recovery {
  const all = faults.map(({ fault, over }) => ({ after: wordsOf(fault), ms: since(over, done) }))
  return all.reduce((worst, each) => (each.ms > worst.ms ? each : worst), { after: 'no fault', ms: 0 })
}

/** Sorts of which nothing that was asked for since then has ended as it should. */
export function notYetAgain(since: number, done: readonly Done[]): Sort[] {
  const again = new Set(
    done.filter(({ askedAt, status }) => askedAt >= since && status === 'executed').map(({ sort }) => sort),
  )
  return SORTS.filter((sort) => sort !== 'refused' && !again.has(sort))
}

/** A time in words. */
export function secondsOf(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : 'never'
}
