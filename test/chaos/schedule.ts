/**
 * What goes wrong and when, made from a seed before anything starts: the same seed is the same schedule, whatever the machine
 * has.
 */
import { createHash } from 'node:crypto'
import type { Trouble } from './link.ts'
import { Random } from '../support/random.ts'
import { CRASH_POINTS, type CrashPoint } from '../../domain/crash-points.ts'

export const PARTS = ['app', 'api', 'worker', 'postgres', 'temporal', 's3'] as const
export type Part = (typeof PARTS)[number]
export const LINKS = ['postgres', 'temporal', 's3', 'keyed', 'blind'] as const
export type LinkName = (typeof LINKS)[number]
export const CLOCKS = ['app', 'postgres'] as const
export type ClockName = (typeof CLOCKS)[number]
export const POINTS = Object.keys(CRASH_POINTS) as CrashPoint[]
/** What can go wrong on each link. Only HTTP has statuses to answer with; only a target that keeps keys is told things twice. */
const TROUBLES = LINKS.flatMap((link) =>
  (['latency', 'reset', 'lost replies', 'half bodies', 'silence', 'answers', 'duplicates'] as const)
    .filter((trouble) => trouble !== 'duplicates' || link === 'keyed')
    .filter((trouble) => trouble !== 'answers' || (link !== 'postgres' && link !== 'temporal'))
    .map((trouble) => ({ link, trouble })),
)
/** Places that are come to seldom: the first time is waited for, and no later one. */
const SELDOM = new Set<CrashPoint>(['A6', 'U3', 'W3', 'W5', 'K1', 'K3', 'Q1', 'Q2'])

export type Fault =
  | { kind: 'kill'; part: Part }
  | { kind: 'pause'; part: Part; ms: number }
  | { kind: 'crash point'; point: CrashPoint; nth: number }
  | { kind: 'link'; link: LinkName; trouble: Trouble; ms: number }
  | { kind: 'stop'; ms: number }
  | { kind: 'terminate' }
  | { kind: 'reset run' }
  | { kind: 'clock'; clock: ClockName; seconds: number; ms: number }
  | { kind: 'disk full'; ms: number }
  | { kind: 'upgrade' }

export interface Planned {
  atMs: number
  fault: Fault
}

/** Seconds: a drift, a machine that slept, one that was set wrong. */
const JUMPS = [-3_600, -90, -7, 2, 45, 600, 86_400] as const

const WEIGHTS: readonly [number, Fault['kind']][] = [
  [4, 'kill'],
  [3, 'pause'],
  [12, 'crash point'],
  [8, 'link'],
  [3, 'stop'],
  [1, 'terminate'],
  [1, 'reset run'],
  [2, 'clock'],
  [1, 'disk full'],
  [1, 'upgrade'],
]

/**
 * Faults until `forMs`, a few seconds apart, sometimes two at once. A longer run begins as a shorter one does. Parts, troubles
 * of links and places to die at take turns, in an order of the seed's, so that ten minutes have them all.
 */
export function makeSchedule(seed: number, forMs: number): Planned[] {
  const random = new Random(seed)
  const planned: Planned[] = []
  // Each kind once at first, so that a short run has met them all; then as the weights say.
  const first = WEIGHTS.map(([, kind]) => kind)
  const turns: Turns = {
    killed: cycle(shuffled(random, PARTS)),
    paused: cycle(shuffled(random, PARTS)),
    trouble: cycle(shuffled(random, TROUBLES)),
    point: cycle(shuffled(random, POINTS)),
  }
  for (let atMs = 3_000; atMs < forMs; atMs += random.chance(0.2) ? 200 : 2_500 + random.below(4_500))
    planned.push({ atMs, fault: makeFault(random, turns, first.shift() ?? pickKind(random)) })
  return planned
}

/** What of a schedule can be carried out where these kinds are not to be had, and what is skipped; nothing moves. */
export function skipping(
  schedule: readonly Planned[],
  missing: { has(kind: Fault['kind']): boolean },
): { todo: Planned[]; skipped: Planned[] } {
  const { true: skipped = [], false: todo = [] } = Object.groupBy(schedule, ({ fault }) => `${missing.has(fault.kind)}`)
  return { todo, skipped }
}

/** Names a schedule: two runs that print the same have the same. */
export function digestOf(schedule: readonly Planned[]): string {
  return createHash('sha256').update(JSON.stringify(schedule)).digest('hex').slice(0, 16)
}

/** A fault in a few words. */
export function wordsOf(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill ${fault.part}`
    case 'pause':
      return `pause ${fault.part}`
    case 'crash point':
      return `crash at ${fault.point}`
    case 'link':
      return `link to ${fault.link}: ${fault.trouble.kind}`
    case 'clock':
      return `clock of ${fault.clock}: ${fault.seconds < 0 ? 'back' : 'on'}`
    case 'stop':
    case 'terminate':
    case 'reset run':
    case 'disk full':
    case 'upgrade':
      return fault.kind
  }
}

function pickKind(random: Random): Fault['kind'] {
  let at = random.below(WEIGHTS.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, kind] of WEIGHTS) {
    at -= weight
    if (at < 0) return kind
  }
  return 'kill'
}

interface Turns {
  killed: () => Part
  paused: () => Part
  trouble: () => (typeof TROUBLES)[number]
  point: () => CrashPoint
}

function shuffled<T>(random: Random, all: readonly T[]): T[] {
  const left = [...all]
  return all.map(() => left.splice(random.below(left.length), 1)[0] as T)
}

function cycle<T>(all: readonly T[]): () => T {
  let n = 0
  return () => all[n++ % all.length] as T
}

function crashAt(point: CrashPoint, nth: number): Fault {
  return { kind: 'crash point', point, nth: SELDOM.has(point) ? 1 : nth }
}

function makeFault(random: Random, turns: Turns, kind: Fault['kind']): Fault {
  switch (kind) {
    case 'kill':
      return { kind, part: turns.killed() }
    case 'pause':
      return { kind, part: turns.paused(), ms: 500 + random.below(6_500) }
    case 'crash point':
      return crashAt(turns.point(), 1 + random.below(4))
    case 'link': {
      const { link, trouble } = turns.trouble()
      return { kind, link, trouble: makeTrouble(random, trouble), ms: 500 + random.below(4_000) }
    }
    case 'stop':
      return { kind, ms: 300 + random.below(1_500) }
    case 'clock':
      return { kind, clock: random.pick(CLOCKS), seconds: random.pick(JUMPS), ms: 1_500 + random.below(4_000) }
    case 'disk full':
      return { kind, ms: 500 + random.below(3_000) }
    case 'terminate':
    case 'reset run':
    case 'upgrade':
      return { kind }
  }
}

function makeTrouble(random: Random, kind: Trouble['kind']): Trouble {
  switch (kind) {
    case 'latency':
      return { kind, ms: 50 + random.below(800) }
    case 'half bodies':
      return { kind, bytes: 1 + random.below(40) }
    case 'answers':
      return { kind, status: random.pick([500, 502, 503]) }
    default:
      return { kind }
  }
}
