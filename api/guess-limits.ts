/**
 * Guesses at a secret, by source and name: a name is a key's id, or issuer and subject. A source that was wrong about one
 * too often in a minute is refused before anything is looked up, so that a right guess among many is not found either.
 *
 * Whoever was right from a source is never refused there for the guesses of others: naming somebody locks nobody out, from
 * elsewhere or from behind the same address. Counted in this process, as the limit of addresses is.
 */
const WINDOW_MS = 60_000
/** How long a source that was right is remembered. */
const KNOWN_MS = 15 * 60_000
const MAX_ENTRIES = 10_000

interface Wrong {
  startedAt: number
  times: number
}

export class GuessLimits {
  readonly #limit: number
  readonly #wrong = new Map<string, Wrong>()
  readonly #right = new Map<string, number>()
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Milliseconds until the next guess is looked at; 0 when this one is. */
  waitMs(source: string, name: string, now: number): number {
    const pair = pairOf(source, name)
    const wrong = this.#wrong.get(pair)
    if (wrong === undefined || wrong.times < this.#limit || this.#isKnown(pair, now)) return 0
    return Math.max(0, wrong.startedAt + WINDOW_MS - now)
  }

  wrong(source: string, name: string, now: number): void {
    const pair = pairOf(source, name)
    const window = this.#wrong.get(pair)
    if (window !== undefined && now - window.startedAt < WINDOW_MS) window.times++
    else remember(this.#wrong, pair, { startedAt: now, times: 1 })
  }

  right(source: string, name: string, now: number): void {
    remember(this.#right, pairOf(source, name), now)
  }

  #isKnown(pair: string, now: number): boolean {
    const at = this.#right.get(pair)
    return at !== undefined && now - at < KNOWN_MS
  }
}

const pairOf = (source: string, name: string): string => JSON.stringify([source, name])

/** Keeps the newest: what is remembered again goes to the end, and the oldest makes room. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  const [oldest] = map.size >= MAX_ENTRIES ? map.keys() : []
  if (oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
