/** Runs a piece of work n times with so many in flight, and says how long each took. */
export interface Figures {
  inFlight: number
  n: number
  rate: number
  p50: number
  p95: number
}

export async function measure(work: () => Promise<void>, n: number, inFlight: number): Promise<Figures> {
  const tookMs: number[] = []
  let left = n
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) {
        const at = performance.now()
        await work()
        tookMs.push(performance.now() - at)
      }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  tookMs.sort((a, b) => a - b)
  const at = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(share * tookMs.length))] ?? 0
  return { inFlight, n, rate: n / seconds, p50: at(0.5), p95: at(0.95) }
}

/** One line a case: medians over the rounds. A ratio is the median of each round's, whose two sides ran seconds apart. */
export function table(figures: ReadonlyMap<string, readonly Figures[]>, rival: string): string {
  const lines = ['case                           in flight    p50 ms    p95 ms     rate/s   rate : bare   p50 : bare']
  const flights = [...new Set([...figures.values()].flatMap((each) => each.map((f) => f.inFlight)))].sort(
    (a, b) => a - b,
  )
  for (const inFlight of flights) {
    const of = (name: string) => (figures.get(name) ?? []).filter((f) => f.inFlight === inFlight)
    const bare = of(rival)
    for (const name of figures.keys()) {
      const ours = of(name)
      const middle = (pick: (f: Figures) => number) => median(ours.map(pick))
      const ratio = (pick: (f: Figures) => number) =>
        median(ours.flatMap((f, round) => (bare[round] === undefined ? [] : [pick(f) / pick(bare[round])])))
      const cells = [
        column(middle(p50), 1, 12),
        column(middle(p95), 1, 9),
        column(middle(rate), 1, 11),
        column(ratio(rate), 2, 12),
        column(ratio(p50), 2, 12),
      ]
      lines.push([name.padEnd(32), column(inFlight, 0, 6), ...cells].join(' '))
    }
  }
  return lines.join('\n')
}

const p50 = (f: Figures) => f.p50
const p95 = (f: Figures) => f.p95
const rate = (f: Figures) => f.rate

function column(value: number, digits: number, width: number): string {
  return value.toFixed(digits).padStart(width)
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
