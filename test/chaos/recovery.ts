/** How long it took after each fault until work succeeded again, and until what was under way had ended. */
import type { CarriedOut } from './faults.ts'
import { type Done, type Sort, SORTS } from './load.ts'
import { wordsOf } from './schedule.ts'

/** The bar: after a fault nobody waits longer. */
export const RECOVERED_MS = 60_000

/**
 * What a target that keeps keys and never says yes takes by itself, with nothing else broken: five tries, of 4 s each where it
 * says nothing at all, and pauses of 1, 2, 4 and 8 s between them.
 */
const TARGETS_OWN_MS: Readonly<Record<string, number>> = {
  '/hang': 35_000,
  '/reset': 15_000,
  '/status/409': 15_000,
  '/status/500': 15_000,
}

export interface Recovery {
  /** After which fault. */
  after: string
  ms: number
  /** Since when, by this machine's clock, where that is a fault's. */
  over?: number
}

/** Until an operation that was asked for after that was executed. */
export function againSince(over: number, done: readonly Done[]): number {
  const after = done.filter(({ askedAt, status }) => askedAt >= over && status === 'executed')
  return Math.min(...after.map(({ endedAt }) => endedAt)) - over
}

/** Until all operations that were open then had ended, whatever else befell them, less what their targets took by themselves. */
export function endedSince(over: number, done: readonly Done[]): number {
  const open = done.filter(({ askedAt, endedAt }) => askedAt < over && endedAt > over)
  return Math.max(0, ...open.map((each) => each.endedAt - over - targetsOwnMs(each)))
}

function targetsOwnMs({ sort, path }: Done): number {
  return sort === 'keyed' ? (TARGETS_OWN_MS[path ?? ''] ?? 0) : 0
}

/** The longest of all faults. */
export function worstAfter(
  faults: readonly CarriedOut[],
  done: readonly Done[],
  since: (over: number, done: readonly Done[]) => number,
): Recovery {
  const all = faults.map(({ fault, over }) => ({ after: wordsOf(fault), ms: since(over, done), over }))
  return all.reduce((worst, each) => (each.ms > worst.ms ? each : worst), { after: 'no fault', ms: 0 })
}

/** When a recovery that took too long began, and what came meanwhile of what was asked for: which fault it was tells little. */
export function meanwhile({ over, ms }: Recovery, done: readonly Done[]): string {
  if (over === undefined) return ''
  const asked = done.filter(({ askedAt, endedAt }) => askedAt <= over + ms && endedAt >= over)
  const ends = asked.map(({ sort, status, code, reason, askedAt, endedAt }) => {
    const when = [askedAt, endedAt].map((at) => ((at - over) / 1000).toFixed(0))
    return `${sort} ${[status, code, reason].filter((word) => word !== null).join(' ')} ${when.join(' to ')}`
  })
  return ` (from ${new Date(over).toISOString()}; meanwhile, in seconds since: ${ends.join('; ')})`
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
