/** A deployment that answers what a test says, for answers that a sound one never gives. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeAnswer {
  status?: number
  type?: string
  headers?: Record<string, string>
  body: unknown
}

export interface FakeApi {
  url: string
  /** What was asked, as `METHOD path`, in order. */
  asked: string[]
  requests: IncomingMessage[]
  close(): Promise<void>
}

export async function fakeApi(answer: (asked: string) => FakeAnswer): Promise<FakeApi> {
  const asked: string[] = []
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`
    asked.push(line)
    requests.push(request)
    const { status = 200, type = 'application/json', headers = {}, body } = answer(line)
    response.writeHead(status, { 'content-type': type, ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    requests,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
