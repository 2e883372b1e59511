/** A TCP link that can be broken on purpose: between the app and a backend, or between the app and a target. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export type Trouble =
  /** Every byte comes later. */
  | { kind: 'latency'; ms: number }
  /** Open connections break, new ones are accepted. */
  | { kind: 'reset' }
  /** What is sent arrives, and nothing of what is answered. */
  | { kind: 'lost replies' }
  /** The answer breaks off in the middle. */
  | { kind: 'half bodies'; bytes: number }
  /** Connections are taken and nothing ever moves. */
  | { kind: 'silence' }
  /** For HTTP: nobody hears the request, and something between answers with this status. */
  | { kind: 'answers'; status: number }
  /** For HTTP: every request arrives twice, and the first answer counts. */
  | { kind: 'duplicates' }

/** Hears what comes to a link from both sides, whatever becomes of it there. */
export interface Tap {
  asked(connection: object, chunk: Buffer): void
  answered(connection: object, chunk: Buffer): void
}

/** One way of a connection. Nothing passes what was sent before it, however late that is: TCP keeps the order of bytes. */
class Way {
  readonly #to: Socket
  readonly #held: { chunk: Buffer; at: number }[] = []
  #ended = false

  constructor(to: Socket) {
    this.#to = to
  }

  send(chunk: Buffer, delayMs: number): void {
    if (this.#ended) return
    if (delayMs === 0 && this.#held.length === 0) this.#to.write(chunk)
    else this.#hold(chunk, performance.now() + delayMs)
  }

  /** After what is held, nothing more comes. */
  end(): void {
    this.#ended = true
    if (this.#held.length === 0) this.#to.destroySoon()
  }

  #hold(chunk: Buffer, at: number): void {
    const last = this.#held.at(-1)
    this.#held.push({ chunk, at: Math.max(at, last?.at ?? 0) })
    if (last === undefined) this.#releaseLater()
  }

  #releaseLater(): void {
    const [first] = this.#held
    if (first !== undefined) setTimeout(() => this.#release(), Math.max(0, first.at - performance.now()))
  }

  #release(): void {
    while ((this.#held[0]?.at ?? Infinity) <= performance.now()) {
      const { chunk } = this.#held.shift() as { chunk: Buffer }
      if (this.#to.writable) this.#to.write(chunk)
    }
    if (this.#ended && this.#held.length === 0) this.#to.destroySoon()
    else this.#releaseLater()
  }
}

interface Pair {
  near: Socket
  far: Socket
  forth: Way
  back: Way
  /** Something of it was swallowed: who waits for that would wait for ever. */
  lacking: boolean
}

export class Link {
  readonly #server: Server
  readonly #host: string
  readonly #port: number
  readonly #pairs = new Set<Pair>()
  readonly #tap: Tap | null
  #trouble: Trouble | null = null
  #felt = 0

  private constructor(server: Server, host: string, port: number, tap: Tap | null) {
    this.#server = server
    this.#tap = tap
    this.#host = host
    this.#port = port
  }

  static async to(host: string, port: number, tap: Tap | null = null): Promise<Link> {
    const server = createServer({ allowHalfOpen: false })
    const link = new Link(server, host, port, tap)
    server.on('connection', (near) => link.#join(near, connect({ host, port })))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return link
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How often a trouble met anything: bytes on their way, or a connection that it broke. */
  get felt(): number {
    return this.#felt
  }

  /** Open connections feel it at once. What was there before is over. */
  trouble(trouble: Trouble): void {
    this.heal()
    this.#trouble = trouble
    if (trouble.kind !== 'reset') return
    this.#felt += this.#pairs.size
    for (const pair of this.#pairs) this.#break(pair)
  }

  /** Connections break that lack something, so that nobody waits for what was swallowed. With an argument, only if it is that. */
  heal(trouble = this.#trouble): void {
    if (this.#trouble !== trouble) return
    this.#trouble = null
    for (const pair of this.#pairs) if (pair.lacking) this.#break(pair)
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) this.#break(pair)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(near: Socket, far: Socket): void {
    const pair: Pair = { near, far, forth: new Way(far), back: new Way(near), lacking: false }
    this.#pairs.add(pair)
    for (const socket of [near, far]) {
      socket.on('error', () => this.#break(pair))
      socket.setNoDelay(true)
    }
    near.on('close', () => this.#end(pair, pair.forth))
    far.on('close', () => this.#end(pair, pair.back))
    near.on('data', (chunk) => this.#forth(pair, chunk))
    far.on('data', (chunk) => this.#back(pair, chunk))
  }

  #forth(pair: Pair, chunk: Buffer): void {
    this.#tap?.asked(pair, chunk)
    const trouble = this.#trouble
    if (trouble !== null && trouble.kind !== 'lost replies' && trouble.kind !== 'half bodies') this.#felt++
    switch (trouble?.kind) {
      case 'silence':
        pair.lacking = true
        return
      case 'answers':
        pair.back.send(
          Buffer.from(`HTTP/1.1 ${trouble.status} Trouble\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`),
          0,
        )
        this.#end(pair, pair.back)
        return
      case 'duplicates':
        this.#again(chunk)
        pair.forth.send(chunk, 0)
        return
      default:
        pair.forth.send(chunk, trouble?.kind === 'latency' ? trouble.ms : 0)
    }
  }

  /** The same bytes once more, by a connection of their own whose answer nobody reads. */
  #again(chunk: Buffer): void {
    const copy = connect({ host: this.#host, port: this.#port })
    copy.on('error', () => undefined)
    copy.write(chunk)
    copy.resume()
    copy.setTimeout(5_000, () => copy.destroy())
  }

  #back(pair: Pair, chunk: Buffer): void {
    this.#tap?.answered(pair, chunk)
    const trouble = this.#trouble
    if (trouble?.kind === 'lost replies' || trouble?.kind === 'half bodies') this.#felt++
    switch (trouble?.kind) {
      case 'silence':
      case 'lost replies':
        pair.lacking = true
        return
      case 'half bodies':
        pair.back.send(chunk.subarray(0, trouble.bytes), 0)
        this.#end(pair, pair.back)
        return
      default:
        pair.back.send(chunk, trouble?.kind === 'latency' ? trouble.ms : 0)
    }
  }

  /** One side is done: the other is told what is on its way to it, and then the same. */
  #end(pair: Pair, way: Way): void {
    this.#pairs.delete(pair)
    const other = way === pair.back ? pair.far : pair.near
    other.destroy()
    way.end()
  }

  #break(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.near.destroy()
    pair.far.destroy()
  }
}
