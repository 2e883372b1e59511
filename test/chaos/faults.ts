/** Carries the schedule out, and remembers what was really done and when it was over. */
import type { Crashes } from './crashes.ts'
import type { Link } from './link.ts'
import { type Load, pause } from './load.ts'
import type { Machine } from './machine.ts'
import type { Parts } from './parts.ts'
import type { Runs } from './runs.ts'
import { type ClockName, type Fault, type LinkName, type Planned, wordsOf } from './schedule.ts'
import type { Stops } from './stops.ts'

/** A trouble of a link that nothing went through waits so much longer for something to meet. */
const FELT_WITHIN_MS = 20_000

/** The library looks again when its seconds differ by more than one: after almost two. */
const MOVED_WITHIN_MS = 2_500

export interface CarriedOut {
  fault: Fault
  /** Since when nothing of it was left but what came of it, by this machine's clock. */
  over: number
}

interface Tools {
  parts: Parts
  links: Record<LinkName, Link>
  crashes: Crashes
  stops: Stops
  runs: Runs
  load: Load
  machine: Machine
}

export class Faults {
  readonly done: CarriedOut[] = []
  /** What went wrong with carrying them out, which is no part of any. */
  readonly failures: string[] = []
  readonly #tools: Tools

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** Resolves when the last fault of the schedule is over. */
  async run(schedule: readonly Planned[], say: (line: string) => void): Promise<void> {
    const startedAt = Date.now()
    const all: Promise<void>[] = []
    for (const { atMs, fault } of schedule) {
      await pause(Math.max(0, startedAt + atMs - Date.now()))
      say(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${wordsOf(fault)}`)
      all.push(this.#carryOut(fault))
    }
    await this.#tools.crashes.stop()
    await Promise.all(all)
  }

  async #carryOut(fault: Fault): Promise<void> {
    try {
      const over = await this.#over(fault)
      if (over !== null) this.done.push({ fault, over })
    } catch (error) {
      this.failures.push(`${wordsOf(fault)}: ${String(error)}`)
    }
  }

  /** Does it, and answers when it was over; null where there was nothing to do it to. */
  async #over(fault: Fault): Promise<number | null> {
    if (fault.kind === 'crash point') return await this.#tools.crashes.order(fault.point, fault.nth)
    if (fault.kind === 'stop') return await this.#tools.stops.stop(fault.ms)
    return (await this.#isDone(fault)) ? Date.now() : null
  }

  async #isDone(fault: Exclude<Fault, { kind: 'crash point' | 'stop' }>): Promise<boolean> {
    const { parts, links, runs, machine } = this.#tools
    switch (fault.kind) {
      case 'kill':
        return await parts.kill(fault.part)
      case 'pause': {
        const goOn = await parts.pause(fault.part)
        if (goOn === null) return false
        await pause(fault.ms)
        goOn()
        return true
      }
      case 'link': {
        const link = links[fault.link]
        const before = link.felt
        link.trouble(fault.trouble)
        await pause(fault.ms)
        const until = Date.now() + FELT_WITHIN_MS
        while (link.felt === before && Date.now() < until) await pause(100)
        link.heal(fault.trouble)
        return link.felt > before
      }
      case 'clock':
        await this.#moveClock(fault.clock, fault.seconds)
        await pause(fault.ms)
        await this.#moveClock(fault.clock, 0)
        return true
      case 'disk full': {
        if (!machine.fillDisk()) return false
        await pause(fault.ms)
        machine.emptyDisk()
        return true
      }
      case 'upgrade':
        machine.upgrade()
        return await parts.kill('app')
      case 'terminate':
        return (await runs.terminateOne()) !== null
      case 'reset run':
        return (await runs.resetOne()) !== null
    }
  }

  /** No process reads it later than that. */
  async #moveClock(clock: ClockName, seconds: number): Promise<void> {
    const { load, machine } = this.#tools
    if (clock === 'postgres') load.clockMoves()
    machine.setClock(clock, seconds)
    await pause(MOVED_WITHIN_MS)
    if (clock === 'postgres') load.clockHasMoved()
  }
}
