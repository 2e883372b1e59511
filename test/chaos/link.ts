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

export class Link {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #trouble: Trouble | null = null

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(host: string, port: number): Promise<Link> {
    const server = createServer({ allowHalfOpen: false })
    const link = new Link(server)
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
    near.on('data', (chunk) => this.#forth(far, chunk))
    far.on('data', (chunk) => this.#back(near, chunk, end))
  }

  #forth(far: Socket, chunk: Buffer): void {
    const trouble = this.#trouble
    if (trouble?.kind === 'silence') return
    if (trouble?.kind === 'latency') setTimeout(() => far.writable && far.write(chunk), trouble.ms)
    else far.write(chunk)
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
