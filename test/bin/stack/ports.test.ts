import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort, portIsFree, portRange, settlePorts } from '../../../bin/stack/ports.ts'

const open: Server[] = []
afterEach(() => Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done)))))

async function occupy(): Promise<number> {
  const port = await freePort(new Set())
  const server = createServer()
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  open.push(server)
  return port
}

describe('ports', () => {
  it('keeps the ports of the last start while they are free', async () => {
    const wanted = { a: await freePort(new Set()), b: await freePort(new Set()) }
    expect(await settlePorts(['a', 'b'], wanted)).toEqual(wanted)
  })

  it('replaces only the port that somebody else took', async () => {
    const wanted = { a: await occupy(), b: await freePort(new Set()) }
    const ports = await settlePorts(['a', 'b'], wanted)
    expect(ports.b).toBe(wanted.b)
    expect(ports.a).not.toBe(wanted.a)
    expect(await portIsFree(ports.a)).toBe(true)
  })

  it('stays below the range of outgoing connections, and never gives one port twice', async () => {
    const ports = Object.values(await settlePorts(['a', 'b', 'c', 'd', 'e'], {}))
    expect(new Set(ports).size).toBe(5)
    for (const port of ports) expect(port).toBeGreaterThanOrEqual(portRange.first)
    for (const port of ports) expect(port).toBeLessThan(portRange.last)
  })

  it('skips a port that is already promised', async () => {
    const draws = [0, 0, 0.5]
    const first = await freePort(new Set(), () => 0)
    expect(await freePort(new Set([first]), () => draws.shift() ?? 0.75)).not.toBe(first)
  })
})
