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

export class Link {
  readonly #server: Server
  readonly #host: string
  readonly #port: number
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #trouble: Trouble | null = null

  private constructor(server: Server, host: string, port: number) {
    this.#server = server
    this.#host = host
    this.#port = port
  }

  static async to(host: string, port: number): Promise<Link> {
    const server = createServer({ allowHalfOpen: false })
    const link = new Link(server, host, port)
    server.on('connection', (near) => link.#join(near, connect({ host, port })))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return link
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Open connections feel it at once. */
  trouble(trouble: Trouble): void {
    this.#trouble = trouble
    if (trouble.kind === 'reset') this.#breakAll()
  }

  /** Connections that were held back break, so that nobody waits for what was swallowed. */
  heal(): void {
    const had = this.#trouble?.kind
    this.#trouble = null
    if (had !== undefined && had !== 'latency') this.#breakAll()
  }

  async close(): Promise<void> {
    this.#breakAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(near: Socket, far: Socket): void {
    const pair = [near, far] as const
    this.#pairs.add(pair)
    const end = () => {
      this.#pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of pair) {
      socket.on('error', end)
      socket.on('close', end)
      socket.setNoDelay(true)
    }
    near.on('data', (chunk) => this.#forth(near, far, chunk, end))
    far.on('data', (chunk) => this.#back(near, chunk, end))
  }

  #forth(near: Socket, far: Socket, chunk: Buffer, end: () => void): void {
    const trouble = this.#trouble
    switch (trouble?.kind) {
      case 'silence':
        return
      case 'answers':
        near.write(`HTTP/1.1 ${trouble.status} Trouble\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`, end)
        return
      case 'duplicates':
        this.#again(chunk)
        far.write(chunk)
        return
      case 'latency':
        setTimeout(() => far.writable && far.write(chunk), trouble.ms)
        return
      default:
        far.write(chunk)
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

  #back(near: Socket, chunk: Buffer, end: () => void): void {
    const trouble = this.#trouble
    switch (trouble?.kind) {
      case 'silence':
      case 'lost replies':
        return
      case 'half bodies':
        near.write(chunk.subarray(0, trouble.bytes), end)
        return
      case 'latency':
        setTimeout(() => near.writable && near.write(chunk), trouble.ms)
        return
      default:
        near.write(chunk)
    }
  }

  #breakAll(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy()
      far.destroy()
    }
  }
}
