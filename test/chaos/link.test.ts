/** The link that chaos breaks: whatever it does to bytes, it does nothing that TCP could not do. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Link } from './link.ts'
import { until } from '../support/until.ts'

let server: Server
let link: Link
let client: Socket
let arrived: string
let back: string

/** A server that keeps what it is sent and says all of it back. */
beforeEach(async () => {
  arrived = back = ''
  server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      arrived += chunk.toString()
      socket.write(chunk)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  link = await Link.to('127.0.0.1', (server.address() as AddressInfo).port)
  client = connect({ host: '127.0.0.1', port: link.port })
  client.setNoDelay(true)
  client.on('error', () => undefined)
  client.on('data', (chunk) => {
    back += chunk.toString()
  })
})
afterEach(async () => {
  client.destroy()
  await link.close()
  server.close()
})

test('what was delayed is not passed by what was sent once the link is healed', async () => {
  link.trouble({ kind: 'latency', ms: 300 })
  client.write('first ')
  await new Promise((resolve) => setTimeout(resolve, 100))
  link.heal()
  client.write('second')
  await until('both are back', () => back.length === 12)
  expect([arrived, back]).toEqual(['first second', 'first second'])
})

test('a shorter delay does not overtake a longer one', async () => {
  link.trouble({ kind: 'latency', ms: 300 })
  client.write('first ')
  await new Promise((resolve) => setTimeout(resolve, 100))
  link.trouble({ kind: 'latency', ms: 10 })
  client.write('second')
  await until('both are back', () => back.length === 12)
  expect([arrived, back]).toEqual(['first second', 'first second'])
})

test('what is on its way when a side closes arrives before the close', async () => {
  link.trouble({ kind: 'latency', ms: 200 })
  client.end('last words')
  await until('they have arrived', () => arrived === 'last words')
})

test('a connection that lacks something breaks as soon as the trouble is another one', async () => {
  link.trouble({ kind: 'lost replies' })
  client.write('unheard')
  await until('it has arrived', () => arrived === 'unheard')
  link.trouble({ kind: 'latency', ms: 10 })
  await until('the connection is broken', () => client.closed)
  expect(back).toBe('')
})

test('the end of a trouble is not the end of the one that came after it', async () => {
  const first = { kind: 'latency', ms: 10 } as const
  link.trouble(first)
  link.trouble({ kind: 'silence' })
  link.heal(first)
  client.write('into the silence')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(arrived).toBe('')
})
