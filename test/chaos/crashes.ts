/**
 * Orders to die at a place, carried out one after the other: each is given to every process that comes to the place, and the
 * first to come dies. A place that nobody came to is ordered again when others have had their turn.
 */
import { type Ground, PROCESSES, type ProcessName } from './ground.ts'
import { pause } from './load.ts'
import type { Runs } from './runs.ts'
import type { Stops } from './stops.ts'
import type { CrashOrders } from '../support/crash-orders.ts'
import type { CrashPoint } from '../../domain/crash-points.ts'

const MET_WITHIN_MS = 15_000
const LAST_MS = 60_000
const LOOK_MS = 50
const MOST_TRIES = 3
const STOPPED_MS = 300
/** Whoever looks after operations that stand still looks at those that have stood for 20 s. */
const LEFT_MS = 21_000

interface Order {
  point: CrashPoint
  nth: number
  /** When somebody died there, or null when nobody came. */
  told(at: number | null): void
}

export class Crashes {
  readonly #orders: Ground['orders']
  readonly #stops: Stops
  readonly #runs: Runs
  readonly #waiting: Order[] = []
  #carrying: Promise<void> | null = null
  #open = 0
  #over = false

  constructor(tools: { orders: Ground['orders']; stops: Stops; runs: Runs }) {
    this.#orders = tools.orders
    this.#stops = tools.stops
    this.#runs = tools.runs
  }

  /** Answers when somebody died there, or null when nobody came however often it was ordered. */
  async order(point: CrashPoint, nth: number): Promise<number | null> {
    this.#open++
    try {
      for (let tries = 0; tries < MOST_TRIES && !this.#over; tries++) {
        // What a run left behind is there once one has left it.
        if (point === 'Q2' && (await this.#runs.terminateOne('refused')) !== null) await this.#pause(LEFT_MS)
        const at = await this.#orderOnce(point, nth)
        if (at !== null) return at
      }
      return null
    } finally {
      this.#open--
    }
  }

  async #orderOnce(point: CrashPoint, nth: number): Promise<number | null> {
    return await new Promise((told) => {
      this.#waiting.push({ point, nth, told })
      this.#carrying ??= this.#carryOutAll().finally(() => {
        this.#carrying = null
      })
    })
  }

  /** What is still waiting has a little more time, and is then given up. */
  async stop(): Promise<void> {
    for (const until = Date.now() + LAST_MS; this.#open > 0 && Date.now() < until; ) await pause(LOOK_MS)
    this.#over = true
    await this.#carrying
    for (const orders of Object.values(this.#orders)) orders.takeBack()
  }

  /** How often each place was met, by each process. */
  hits(): Record<ProcessName, Record<string, number>> {
    return { app: this.#orders.app.hits(), api: this.#orders.api.hits(), worker: this.#orders.worker.hits() }
  }

  /** Places that somebody died at. */
  get met(): ReadonlySet<string> {
    return new Set(Object.values(this.hits()).flatMap((hits) => Object.keys(hits)))
  }

  async #carryOutAll(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next())
      if (this.#over) next.told(null)
      else await this.#carryOut(next)
  }

  /** Places that nobody has died at come first. */
  #next(): Order | undefined {
    const { met } = this
    const first = this.#waiting.findIndex(({ point }) => !met.has(point))
    return this.#waiting.splice(Math.max(first, 0), 1)[0]
  }

  async #carryOut({ point, nth, told }: Order): Promise<void> {
    const given = PROCESSES.filter((name) => isMetBy(point, name)).map((name) => this.#orders[name])
    const before = deathsIn(given)
    const isMet = () => deathsIn(given) > before
    let until = Infinity
    const give = () => {
      for (const orders of given) orders.give(point, nth)
      until = Date.now() + MET_WITHIN_MS
    }
    const stopped = point === 'K1' || point === 'K3' ? this.#stops.stop(STOPPED_MS, give) : give()
    for (let looks = 0; !isMet() && !this.#over && Date.now() < until; looks++, await pause(LOOK_MS))
      if (point === 'Q2' && looks % 40 === 0) await this.#runs.reconcileNow()
    for (const orders of given) orders.takeBack()
    told(isMet() ? Date.now() : null)
    await stopped
    // A stop that was not thrown before the end gives its order after it was taken back.
    for (const orders of given) orders.takeBack()
  }

  async #pause(ms: number): Promise<void> {
    for (const until = Date.now() + ms; !this.#over && Date.now() < until; ) await pause(LOOK_MS)
  }
}

function deathsIn(all: readonly CrashOrders[]): number {
  return all.reduce((sum, orders) => sum + orders.deaths().length, 0)
}

/** Places of requests are the API's, of votes and stops as well; all others are the worker's, and the app is both. */
function isMetBy(point: CrashPoint, name: ProcessName): boolean {
  return name === 'app' || (/^[AKO]/.test(point) ? name === 'api' : name === 'worker')
}
