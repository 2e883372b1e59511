/** A target outside: an HTTP server that keeps what it was sent and answers as its path says. It shares no code with the product. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** Milliseconds of this machine's clock. */
  at: number
  /** The status it was answered with, or null. */
  answered: number | null
}

/**
 * What stands behind `?` only tells requests apart. Paths: `/ok`, `/status/N`, `/hang` (takes the request, never answers), `/reset` (takes it, breaks the connection),
 * `/redirect` (to `/ok`), `/flaky/N/S` (500 until the N-th request of one key, then status S, or 200), `/large` (an answer without end).
 */
export class Receiver {
  readonly received: Received[] = []
  readonly #server: Server
  readonly #tries = new Map<string, number>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const path = request.url ?? ''
        const body = Buffer.concat(chunks).toString()
        const seen: Received = { path, headers: request.headers, body, at: Date.now(), answered: null }
        receiver.received.push(seen)
        const [, word, number, last] = (path.split('?')[0] ?? '').split('/')
        if (word === 'hang') return
        if (word === 'reset') return void request.socket.destroy()
        if (word === 'redirect') return void response.writeHead(302, { location: '/ok' }).end()
        if (word === 'large') return void flood(response)
        seen.answered =
          word === 'flaky'
            ? receiver.#flaky(request.headers, Number(number), Number(last ?? 200))
            : Number(number ?? 200)
        response.writeHead(seen.answered)
        response.end(JSON.stringify({ said: word }))
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return receiver
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  at(path: string): Received[] {
    return this.received.filter((each) => each.path === path)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #flaky(headers: IncomingHttpHeaders, from: number, last: number): number {
    const key = String(headers['idempotency-key'])
    const tries = (this.#tries.get(key) ?? 0) + 1
    this.#tries.set(key, tries)
    return tries < from ? 500 : last
  }
}

function flood(response: {
  writeHead(status: number): unknown
  write(chunk: string): boolean
  destroyed: boolean
}): void {
  response.writeHead(200)
  const chunk = 'x'.repeat(65_536)
  const more = setInterval(() => {
    if (response.destroyed) clearInterval(more)
    else response.write(chunk)
  }, 1)
}
