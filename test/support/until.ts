/** Waiting in tests: a named condition, looked at until it holds, never a pause of a length somebody guessed. */
const LOOK_MS = 40

/** The first answer that is neither null, undefined nor false; fails with the condition's name and what was last seen. */
export async function until<T>(
  name: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  options: { withinMs?: number; seen?: () => unknown } = {},
): Promise<T> {
  const withinMs = options.withinMs ?? 15_000
  const giveUpAt = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > giveUpAt) {
      const seen = options.seen === undefined ? '' : `; last seen ${JSON.stringify(options.seen())}`
      throw new Error(`${name}: not within ${withinMs / 1000} s${seen}`)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** What the work comes to, unless that takes longer. */
export async function within<T>(what: string, ms: number, work: Promise<T>): Promise<T> {
  let late: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`${what}: not within ${ms / 1000} s`)), ms)
  })
  return await Promise.race([work, expired]).finally(() => clearTimeout(late))
}
