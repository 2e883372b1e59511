/** A name server: every name has the one IPv4 address it is given, but those that begin with `silent`, of which it says nothing. */
import { createSocket, type Socket } from 'node:dgram'

const HEADER_BYTES = 12
const TYPE_A = 1

export class NameServer {
  readonly asked: string[] = []
  readonly #socket: Socket
  readonly #address: Buffer

  private constructor(socket: Socket, address: string) {
    this.#socket = socket
    this.#address = Buffer.from(address.split('.').map(Number))
  }

  static async start(address: string): Promise<NameServer> {
    const socket = createSocket('udp4')
    const server = new NameServer(socket, address)
    socket.on('message', (query, { port, address: from }) => {
      const answer = server.#answer(query)
      if (answer !== null) socket.send(answer, port, from)
    })
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve)
    })
    return server
  }

  get at(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.close(resolve)
    })
  }

  #answer(query: Buffer): Buffer | null {
    const labels: string[] = []
    let at = HEADER_BYTES
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const name = labels.join('.')
    this.asked.push(name)
    if (name.startsWith('silent')) return null
    const question = query.subarray(HEADER_BYTES, at + 5)
    const isForIPv4 = query.readUInt16BE(at + 1) === TYPE_A
    const header = Buffer.from(query.subarray(0, HEADER_BYTES))
    header.writeUInt16BE(0x8180, 2) // An answer without an error, and recursion to be had.
    for (const [i, count] of [1, isForIPv4 ? 1 : 0, 0, 0].entries()) header.writeUInt16BE(count, 4 + 2 * i)
    if (!isForIPv4) return Buffer.concat([header, question])
    // The name of the question, an IPv4 address of the Internet, kept for no time.
    const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4])
    return Buffer.concat([header, question, record, this.#address])
  }
}
