/**
 * How much must have happened for a clean run to mean anything: of every sort of work and every kind of effect, of every fault
 * that was planned, and of the places to die at. Answers what fell short, in words.
 */
import { type Done, type Sort, SORTS } from './load.ts'
import { type Fault, POINTS } from './schedule.ts'
import type { CrashPoint } from '../../domain/crash-points.ts'

/** How many of a hundred of a sort end as most of them should. Stops block all; of targets half never say yes. */
const SHARES: Record<Sort, { status: string; percent: number }> = {
  'note by grant': { status: 'executed', percent: 10 },
  'note by vote': { status: 'executed', percent: 10 },
  batch: { status: 'executed', percent: 10 },
  object: { status: 'executed', percent: 10 },
  raw: { status: 'executed', percent: 10 },
  keyed: { status: 'executed', percent: 5 },
  blind: { status: 'executed', percent: 5 },
  refused: { status: 'expired', percent: 10 },
}

/** A run of this length comes to every place; a shorter one to half of those that its schedule has. */
const EVERY_PLACE_MINUTES = 10
/** Effects of each kind that witnesses saw, in a minute. */
const EFFECTS_A_MINUTE = 1

export interface Happened {
  minutes: number
  done: readonly Done[]
  /** By kind of effect, as their witnesses saw them. */
  effects: Readonly<Record<string, number>>
  /** What was planned and can be had on this machine, and what of it was really done. */
  planned: readonly Fault[]
  faults: readonly Fault[]
  /** Places where a process has died. */
  met: ReadonlySet<string>
}

export function findShortfalls(happened: Happened): string[] {
  return [...ofWork(happened), ...ofEffects(happened), ...ofFaults(happened), ...ofPlaces(happened)]
}

function ofWork({ done }: Happened): string[] {
  return SORTS.flatMap((sort) => {
    const all = done.filter((each) => each.sort === sort)
    const { status, percent } = SHARES[sort]
    const as = all.filter((each) => each.status === status).length
    const isEnough = as > 0 && as * 100 >= all.length * percent
    return isEnough ? [] : [`only ${as} of ${all.length} of ${sort} ended ${status}: ${percent} % were to`]
  })
}

function ofEffects({ effects, minutes }: Happened): string[] {
  const least = Math.ceil(minutes * EFFECTS_A_MINUTE)
  return Object.entries(effects)
    .filter(([, seen]) => seen < least)
    .map(([kind, seen]) => `only ${seen} ${kind} effects were seen: ${least} were to be`)
}

/** Each kind of fault, and each part, link and trouble of links that one was planned for. */
function ofFaults({ planned, faults }: Happened): string[] {
  const done = new Set(faults.flatMap(groupsOf))
  const missed = new Set(planned.flatMap(groupsOf).filter((group) => !done.has(group)))
  return [...missed].map((group) => `never done, though planned: ${group}`)
}

function groupsOf(fault: Fault): string[] {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
      return [`${fault.kind} ${fault.part}`]
    case 'link':
      return [`trouble on the link to ${fault.link}`, `a link with ${fault.trouble.kind}`]
    case 'clock':
      return [`clock of ${fault.clock}`]
    default:
      return [fault.kind]
  }
}

function ofPlaces({ minutes, planned, met }: Happened): string[] {
  const ordered = new Set(planned.flatMap((fault) => (fault.kind === 'crash point' ? [fault.point] : [])))
  const isFull = minutes >= EVERY_PLACE_MINUTES
  const places: readonly CrashPoint[] = isFull ? POINTS : [...ordered]
  const missed = places.filter((point) => !met.has(point))
  const most = isFull ? 0 : Math.floor(places.length / 2)
  if (missed.length <= most) return []
  return [`nobody died at ${missed.join(', ')}: ${places.length - most} of ${places.length} places were to be met`]
}
