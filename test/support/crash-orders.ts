/** Orders to die at a place, in a file that a process of ours is told to look at, and where it says that it does. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CrashPoint } from '../../domain/crash-points.ts'

export interface Death {
  point: string
  pid: number
}

export class CrashOrders {
  readonly #orders: string
  readonly #log: string

  /** One for each process: an order of two would be taken from under one of them. */
  constructor(home: string, of = 'crash') {
    this.#orders = join(home, `${of}-at`)
    this.#log = join(home, `${of}-log`)
    writeFileSync(this.#log, '')
  }

  get environment(): Record<string, string> {
    return { EXO_CRASH_AT: `@${this.#orders}`, EXO_CRASH_LOG: this.#log }
  }

  /** Kills at the nth time the point is reached, once. */
  give(point: CrashPoint, nth: number): void {
    if (this.isOpen) throw new Error('the last order was not carried out')
    writeFileSync(this.#orders, `${point}:${nth}`)
  }

  /** An order that nothing has met. Emptied: a process that is reading it would miss the file. */
  takeBack(): void {
    if (this.isOpen) writeFileSync(this.#orders, '')
  }

  get isOpen(): boolean {
    try {
      return readFileSync(this.#orders, 'utf8') !== ''
    } catch (error) {
      // Whoever carries one out takes the file away.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
  }

  deaths(): Death[] {
    return readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [point = '', pid] = line.split(' ')
        return { point, pid: Number(pid) }
      })
  }

  /** How often each place was met so far. */
  hits(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { point } of this.deaths()) counts[point] = (counts[point] ?? 0) + 1
    return counts
  }
}
