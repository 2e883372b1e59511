/** What goes wrong and when, made from a seed before anything starts: the same seed is the same schedule. */
import { createHash } from 'node:crypto'
import type { Trouble } from './link.ts'
import { Random } from '../support/random.ts'

export const PARTS = ['app', 'postgres', 'temporal', 's3'] as const
export type Part = (typeof PARTS)[number]
export const LINKS = ['postgres', 'temporal', 's3', 'target'] as const
export type LinkName = (typeof LINKS)[number]
export const POINTS = ['A1', 'A2', 'P1', 'P2', 'E1', 'E2', 'E3', 'E5', 'E6', 'E7', 'S1', 'S2'] as const

export type Fault =
  | { kind: 'kill'; part: Part }
  | { kind: 'pause'; part: Part; ms: number }
  | { kind: 'crash point'; point: (typeof POINTS)[number]; nth: number }
  | { kind: 'link'; link: LinkName; trouble: Trouble; ms: number }
  | { kind: 'stop'; ms: number }
  | { kind: 'terminate' }
  | { kind: 'reset run' }

export interface Planned {
  atMs: number
  fault: Fault
}

const WEIGHTS: readonly [number, Fault['kind']][] = [
  [4, 'kill'],
  [3, 'pause'],
  [5, 'crash point'],
  [5, 'link'],
  [3, 'stop'],
  [1, 'terminate'],
  [1, 'reset run'],
]

/** Faults until `forMs`, a few seconds apart, sometimes two at once. */
export function makeSchedule(seed: number, forMs: number): Planned[] {
  const random = new Random(seed)
  const planned: Planned[] = []
  // Each kind once at first, so that a short run has met them all; then as the weights say.
  const first = WEIGHTS.map(([, kind]) => kind)
  for (let atMs = 3_000; atMs < forMs; atMs += random.chance(0.2) ? 200 : 2_500 + random.below(4_500))
    planned.push({ atMs, fault: makeFault(random, first.shift() ?? pickKind(random)) })
  return planned
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
    case 'stop':
    case 'terminate':
    case 'reset run':
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

function makeFault(random: Random, kind: Fault['kind']): Fault {
  switch (kind) {
    case 'kill':
      return { kind, part: random.pick(PARTS) }
    case 'pause':
      return { kind, part: random.pick(PARTS), ms: 500 + random.below(6_500) }
    case 'crash point':
      return { kind, point: random.pick(POINTS), nth: 1 + random.below(6) }
    case 'link':
      return { kind, link: random.pick(LINKS), trouble: makeTrouble(random), ms: 500 + random.below(4_000) }
    case 'stop':
      return { kind, ms: 300 + random.below(1_500) }
    case 'terminate':
    case 'reset run':
      return { kind }
  }
}

function makeTrouble(random: Random): Trouble {
  switch (random.below(5)) {
    case 0:
      return { kind: 'latency', ms: 50 + random.below(800) }
    case 1:
      return { kind: 'reset' }
    case 2:
      return { kind: 'lost replies' }
    case 3:
      return { kind: 'half bodies', bytes: 1 + random.below(40) }
    default:
      return { kind: 'silence' }
  }
}
