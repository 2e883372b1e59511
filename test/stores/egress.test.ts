/** Where requests of effects may go: every spelling of an address inside is refused, and nothing is connected to first. */
import { createHash } from 'node:crypto'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isExactOrigin } from '../../actions/egress-origin.ts'
import { isPublicAddress } from '../../domain/addresses.ts'
import type { HttpAnswer } from '../../domain/outside.ts'
import { Egress } from '../../stores/egress.ts'
import { NameServer } from '../support/name-server.ts'

let server: Server
let port: number
let connections = 0

beforeAll(async () => {
  server = createServer((socket) => {
    connections++
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '::', resolve)
  })
  port = (server.address() as AddressInfo).port
})
afterAll(() => void server.close())

const ask = async (egress: Egress, url: string) =>
  await egress.post({ url, headers: { 'content-type': 'application/json' }, body: '{}', timeoutMs: 2_000 })

/** Hosts that are, or might be taken for, an address of our own machine or networks, or of what clouds keep there. */
const HOSTS = `
  127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 017700000001 0177.0.0.1 0177.1 127.0.0.1.
  127.255.255.254 127.0.0.2 0.0.0.0 0 0x0 00 0.0.0.1 1 10.0.0.1 10.255.255.255 167772161 0x0a000001 012.0.0.1
  172.16.0.1 172.31.255.255 0xac100001 2886729729 192.168.0.1 192.168.255.255 0xc0a80001 3232235521 0300.0250.0.1
  169.254.169.254 169.254.0.1 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 100.64.0.1 100.127.255.255
  100.100.100.200 168.63.129.16 0xa83f8110 192.0.0.1 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
  239.255.255.255 240.0.0.1 255.255.255.255 4294967295 192.88.99.1
  [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:a9fe:a9fe]
  [::ffff:169.254.169.254] [::ffff:192.168.0.1] [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1] [::7f00:1] [::10.0.0.1]
  [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [2002:7f00:1::] [2002:a9fe:a9fe::]
  [2002:c0a8:1::1] [2001::1] [2001:0:7f00:1::] [2001:db8::1] [fc00::1] [fd00::1] [fd00:ec2::254] [fdff:ffff::1]
  [fe80::1] [febf::1] [fec0::1] [ff02::1] [ff00::] [100::1] [::ffff:0:127.0.0.1] [::ffff:0:a9fe:a9fe] [2001:10::1]
  [0:0::1] [::0001] [0000::0000:1] 10.1 10.0.1 192.168.257 172.16.1 0xA9FEA9FE 0xa9.0xfe.0xa9.0xfe
  [2001:20::1] [5f00::1] [3fff::1] [4000::1]
  localhost LOCALHOST localhost. LocalHost sub.localhost ip6-localhost ip6-loopback 127。0。0。1 １２７.0.0.1
  ①②⑦.0.0.1 127%2e0%2e0%2e1 0x7f。1 ⑯⑨。②⑤④。⑯⑨。②⑤④ ⓛocalhost metadata metadata.google.internal instance-data
  kubernetes.default.svc host.docker.internal printer.local`
  .trim()
  .split(/\s+/)

describe('outside the lab', () => {
  let names: NameServer
  beforeAll(async () => {
    names = await NameServer.start('127.0.0.1')
  })
  afterAll(async () => await names.stop())
  const egress = () => new Egress({ ownNetworks: false, nameServers: [names.at] })

  test(`none of ${HOSTS.length} spellings is connected to`, async () => {
    const before = connections
    const answered: string[] = []
    for (const host of HOSTS) {
      const { status, silence } = await ask(egress(), `http://${host}:${port}/`)
      if (status !== null || silence !== 'address_forbidden') answered.push(`${host}: ${status} ${silence}`)
    }
    expect(answered).toEqual([])
    expect(connections).toBe(before)
    expect(HOSTS.length).toBeGreaterThanOrEqual(120)
    expect(names.asked).toContain('metadata.google.internal')
  })

  test('names whose servers are silent keep nobody else waiting', async () => {
    const silent = Promise.all(Array.from({ length: 32 }, (_, i) => ask(egress(), `http://silent${i}.example/`)))
    const first = await Promise.race([silent, ask(egress(), 'http://told.example/')])
    expect(first).toMatchObject({ silence: 'address_forbidden' })
    for (const { status, silence } of await silent) expect([status, silence]).toEqual([null, 'name_unresolved'])
  })

  test('a name with one address inside among others is refused whole', async () => {
    const mixed = new Egress({
      ownNetworks: false,
      resolve: async () => [{ address: '93.184.215.14' }, { address: '127.0.0.1' }],
    })
    expect((await ask(mixed, `http://mixed.example:${port}/`)).silence).toBe('address_forbidden')
  })

  test('a name is resolved once: what it says the second time is not asked', async () => {
    let asked = 0
    const rebinding = new Egress({
      ownNetworks: false,
      resolve: async () => [{ address: asked++ === 0 ? '192.0.9.1' : '127.0.0.1' }],
    })
    const before = connections
    expect((await ask(rebinding, `http://rebinding.example:${port}/`)).status).toBeNull()
    expect([asked, connections]).toEqual([1, before])
  })
})

test('in the lab the address that was resolved is the one that is reached, whatever the name says', async () => {
  const lab = new Egress({ ownNetworks: true, resolve: async () => [{ address: '127.0.0.1' }] })
  const before = connections
  expect(await ask(lab, `http://anything.example:${port}/`)).toMatchObject({ status: 200, silence: null })
  expect(connections).toBe(before + 1)
})

test.each([
  ['is cut off', (socket: Socket) => socket.end()],
  ['never ends', () => undefined],
])('an answer whose body %s is the answer that its status gives, without a digest', async (_how, after) => {
  const other = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')
      after(socket)
    })
  })
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
  const answer = await new Egress({ ownNetworks: true }).post({ url, headers: {}, body: '{}', timeoutMs: 700 })
  expect(answer).toEqual({ status: 200, body_sha256: null, silence: null })
  other.close()
})

/** Answers with so many bytes, as many as are taken; tells how many those were. */
async function sized(bytes: number): Promise<{ answer: HttpAnswer; taken: number }> {
  const closed = Promise.withResolvers<number>()
  const other = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('close', () => closed.resolve(socket.bytesWritten))
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n`)
      for (let left = bytes; left > 0; left -= 65_536) socket.write(Buffer.alloc(Math.min(left, 65_536), 'x'))
    })
  })
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`
  const answer = await new Egress({ ownNetworks: true }).post({ url, headers: {}, body: '{}', timeoutMs: 30_000 })
  const taken = await closed.promise
  other.close()
  return { answer, taken }
}

const MIB = 1024 * 1024

test('an answer as long as may be is told by the digest of its bytes', async () => {
  const digest = createHash('sha256').update(Buffer.alloc(MIB, 'x')).digest('hex')
  expect((await sized(MIB)).answer).toEqual({ status: 200, body_sha256: digest, silence: null })
})

test('a longer one has no digest, and is not read to its end', async () => {
  const { answer, taken } = await sized(256 * MIB)
  expect(answer).toEqual({ status: 200, body_sha256: null, silence: null })
  expect(taken).toBeLessThan(64 * MIB)
})

test('nobody who listens is no answer, and no address for the name is none either', async () => {
  const lab = new Egress({ ownNetworks: true })
  expect((await ask(lab, 'http://127.0.0.1:1/')).silence).toBe('no_answer')
  expect((await ask(lab, 'http://absent.invalid/')).silence).toBe('name_unresolved')
})

test.each(['8.8.8.8', '93.184.215.14', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e'])(
  '%s is an address of the public network',
  (address) => expect(isPublicAddress(address)).toBe(true),
)

test.each(HOSTS.map((host) => `http://${host}`))('%s is no exact origin, or names an address inside', (origin) => {
  if (!isExactOrigin(origin)) return
  expect(isPublicAddress(new URL(origin).hostname.replace(/^\[|\]$/g, ''))).toBe(false)
})
