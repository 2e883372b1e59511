/** Chance that can be repeated: a small seeded generator (mulberry32), for tests that print their seed. */
export class Random {
  readonly seed: number
  #state: number
  constructor(seed: number) {
    this.seed = seed
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  chance(of: number): boolean {
    return this.next() < of
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('nothing to pick from')
    return from[this.below(from.length)] as T
  }

  text(alphabet: string, length: number): string {
    return Array.from({ length }, () => alphabet[this.below(alphabet.length)]).join('')
  }
}

/** The seed of this run: `EXO_SEED`, or a new one that is printed so that a failure can be met again. */
export function seedOfRun(what: string): number {
  const seed = process.env.EXO_SEED === undefined ? Date.now() % 2_147_483_647 : Number(process.env.EXO_SEED)
  process.stderr.write(`[${what}] EXO_SEED=${seed}\n`)
  return seed
}
