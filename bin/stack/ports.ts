/**
 * Chooses loopback ports.
 *
 * Guarantees: a returned port was free on 127.0.0.1 a moment ago and differs from the others asked for. Does not
 * reserve it: who starts a listener retries with another when it lost the race.
 */
import { createServer } from 'node:net'

/**
 * Below the range from which Linux gives ports to outgoing connections (32768 and up): a part that died gets its own
 * port back, because no connection can have taken it in between.
 */
export const portRange = { first: 20_000, last: 32_000 } as const

/** What listening there fails with now, or null. */
export function listenFault(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', resolve)
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)))
  })
}

export async function portIsFree(port: number): Promise<boolean> {
  return (await listenFault('127.0.0.1', port)) === null
}

export async function freePort(taken: ReadonlySet<number>, random: () => number = Math.random): Promise<number> {
  const { first, last } = portRange
  for (let tries = 0; tries < 500; tries += 1) {
    const port = first + Math.floor(random() * (last - first))
    if (!taken.has(port) && (await portIsFree(port))) return port
  }
  throw new Error(`no free port found on 127.0.0.1 between ${first} and ${last}`)
}

/** Keeps each wanted port that is free, and replaces each that is missing or taken. */
export async function settlePorts<Name extends string>(
  names: readonly Name[],
  wanted: Partial<Record<Name, number>>,
): Promise<Record<Name, number>> {
  const ports: Partial<Record<Name, number>> = {}
  const taken = new Set<number>(Object.values<number | undefined>(wanted).filter((port) => port !== undefined))
  for (const name of names) {
    const before = wanted[name]
    const port = before !== undefined && (await portIsFree(before)) ? before : await freePort(taken)
    taken.add(port)
    ports[name] = port
  }
  return ports as Record<Name, number>
}
