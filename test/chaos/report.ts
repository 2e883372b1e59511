/** What is printed of a run: what was asked for and came of it, what was broken, and how long it took to recover. */
import type { CarriedOut } from './faults.ts'
import type { Done } from './load.ts'
import { type Recovery, secondsOf } from './recovery.ts'
import { type Planned, POINTS, wordsOf } from './schedule.ts'

export interface Told {
  done: readonly Done[]
  /** By kind, as their witnesses saw them. */
  effects: Readonly<Record<string, number>>
  todo: readonly Planned[]
  faults: readonly CarriedOut[]
  /** How many were acknowledged. */
  stops: number
  /** Deaths at places, by process. */
  hits: Readonly<Record<string, Readonly<Record<string, number>>>>
  recoveries: readonly (Recovery & { until: string })[]
}

export function report(say: (line: string) => void, told: Told): void {
  const { done, effects, todo, faults, stops, hits, recoveries } = told
  const lines = (counts: Readonly<Record<string, unknown>>) => {
    for (const [what, n] of Object.entries(counts)) say(`  ${what.padEnd(30)} ${n}`)
  }
  const executed = done.filter(({ status }) => status === 'executed').length
  say('')
  say(`operations    ${done.length}, of which executed ${executed}`)
  lines(countOf(done.map(({ sort, status }) => `${sort} ${status}`)))
  say('effects       as their witnesses saw them')
  lines(effects)
  say(`faults        ${faults.length} of ${todo.length} done, ${stops} acknowledged stops`)
  lines(countOf(faults.map(({ fault }) => wordsOf(fault))))
  const carriedOut = new Set(faults.map(({ fault }) => fault))
  const undone = todo.filter(({ fault }) => !carriedOut.has(fault)).map(({ fault }) => wordsOf(fault))
  if (undone.length > 0) say(`not done      ${undone.join(', ')}`)
  const met = new Set(Object.values(hits).flatMap((each) => Object.keys(each)))
  say(`crash points  ${met.size} of ${POINTS.length} met`)
  lines(Object.fromEntries(Object.entries(hits).map(([name, each]) => [name, JSON.stringify(each)])))
  say('recovery      at worst')
  for (const { ms, after, until } of recoveries) say(`  ${secondsOf(ms).padStart(7)} after ${after} until ${until}`)
}

function countOf(words: readonly string[]): Record<string, number> {
  const all = Map.groupBy(words, (word) => word)
  return Object.fromEntries([...all].map(([word, { length }]) => [word, length] as const).sort())
}
