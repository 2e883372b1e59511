/**
 * Requests from other addresses. Refused credentials are counted per source address, and a test that brings hundreds of
 * them comes from as many: all of 127.0.0.0/8 is this machine.
 */
import { Agent, request } from 'node:http'
import type { RawAnswer, RawRequest } from './envelope.ts'

const PER_ADDRESS = 15
const agents = new Map<string, Agent>()
let sent = 0

export function sendFromElsewhere(
  url: string,
  { method, path, headers: given = {}, body }: RawRequest,
): Promise<RawAnswer> {
  const nth = Math.floor(sent++ / PER_ADDRESS)
  const localAddress = `127.${77 + (nth >> 16)}.${(nth >> 8) & 255}.${(nth & 255) + 1}`
  const agent = agents.get(localAddress) ?? new Agent({ keepAlive: true, maxSockets: 4 })
  agents.set(localAddress, agent)
  const { hostname, port } = new URL(url)
  const headers = body === undefined ? given : { ...given, 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const call = request({ hostname, port, method, path, headers, agent, localAddress, timeout: 30_000 }, (got) => {
      const chunks: Buffer[] = []
      got.on('data', (chunk: Buffer) => chunks.push(chunk))
      got.once('error', reject)
      got.once('end', () => {
        const answered = new Headers()
        for (const [name, value] of Object.entries(got.headers))
          if (value !== undefined) answered.set(name, String(value))
        resolve({ status: got.statusCode ?? 0, headers: answered, text: Buffer.concat(chunks).toString() })
      })
    })
    call.once('timeout', () => call.destroy(new Error('no answer within 30 s')))
    call.once('error', reject)
    call.end(body)
  })
}
