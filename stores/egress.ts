/**
 * Requests to targets outside. The name is resolved once, every address it has is checked, and the connection goes to one
 * that was: nothing that resolves again later can send it elsewhere. No redirect is followed, no proxy of the environment is
 * used, certificates are verified, and what comes back is read up to a bound.
 */
import { createHash } from 'node:crypto'
import { lookup, Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, errors, request } from 'undici'
import { isPublicAddress } from '../domain/addresses.ts'
import type { HttpAnswer, OutsidePorts } from '../domain/outside.ts'

const ANSWER_BYTES = 1024 * 1024
const HEADER_BYTES = 16 * 1024

export interface EgressOptions {
  /** Addresses of our own networks may be reached: the lab, where targets are named exactly. */
  ownNetworks: boolean
  /** How a name is resolved, until the signal says that it is too late. */
  resolve?: Resolve
  /** `address:port` of the name servers that are asked outside the lab; the machine's own unless given. */
  nameServers?: readonly string[]
}

type Resolve = (host: string, deadline: AbortSignal) => Promise<readonly { address: string }[]>

/** The machine's own way, with its file of hosts. Few threads do so at a time, which all who wait share. */
const asTheMachine: Resolve = async (host) => await lookup(host, { all: true, order: 'ipv4first' })

/** By asking name servers alone, each request by itself: a name whose server is silent keeps nobody else's waiting. */
const asNameServersTell =
  (servers: readonly string[] | undefined): Resolve =>
  async (host, deadline) => {
    const resolver = new Resolver()
    if (servers !== undefined) resolver.setServers(servers)
    deadline.addEventListener('abort', () => resolver.cancel(), { once: true })
    const asked = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    return asked.flatMap((each) => (each.status === 'fulfilled' ? each.value.map((address) => ({ address })) : []))
  }

export class Egress {
  readonly #ownNetworks: boolean
  readonly #resolve: Resolve
  constructor({ ownNetworks, resolve, nameServers }: EgressOptions) {
    this.#ownNetworks = ownNetworks
    this.#resolve = resolve ?? (ownNetworks ? asTheMachine : asNameServersTell(nameServers))
  }

  readonly post: OutsidePorts['http']['post'] = async ({ url, headers, body, timeoutMs }) => {
    const deadline = AbortSignal.timeout(timeoutMs)
    const address = await this.#addressOf(new URL(url).hostname.replace(/^\[|\]$/g, ''), deadline)
    if (address === null) return silence('address_forbidden')
    if (address === undefined) return silence('name_unresolved')
    const agent = new Agent({
      // Said, since the environment can turn verifying off; and the other version of HTTP sends again by itself.
      connect: { lookup: always(address), timeout: timeoutMs, rejectUnauthorized: true },
      allowH2: false,
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      pipelining: 0,
    })
    try {
      const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent, signal: deadline })
      return { status: answer.statusCode, body_sha256: await digestOf(answer.body), silence: null }
    } catch (error) {
      return silence(deadline.aborted || error instanceof errors.HeadersTimeoutError ? 'timeout' : 'no_answer')
    } finally {
      await agent.destroy()
    }
  }

  /** The address to go to; null when one of them is refused, undefined when there is none. */
  async #addressOf(host: string, deadline: AbortSignal): Promise<string | null | undefined> {
    const isAllowed = (address: string) => this.#ownNetworks || isPublicAddress(address)
    if (isIP(host) !== 0) return isAllowed(host) ? host : null
    try {
      const found = await Promise.race([this.#resolve(host, deadline), whenAborted(deadline)])
      // One refused address is enough: a name that points inside as well is not to be reached at all.
      if (found.some(({ address }) => !isAllowed(address))) return null
      return found[0]?.address
    } catch (error) {
      if (error instanceof Error) return undefined
      throw error
    }
  }
}

function silence(word: string): HttpAnswer {
  return { status: null, body_sha256: null, silence: word }
}

function always(address: string): LookupFunction {
  const family = isIP(address)
  return (_host, options, answer) => {
    if (options.all === true) answer(null, [{ address, family }])
    else answer(null, address, family)
  }
}

/**
 * The digest of what was said. Null when it did not come whole, or is longer than what is read of it: the status was an
 * answer all the same, and it decides.
 */
async function digestOf(body: AsyncIterable<Uint8Array>): Promise<string | null> {
  const hash = createHash('sha256')
  let left = ANSWER_BYTES
  try {
    for await (const chunk of body) {
      left -= chunk.length
      if (left < 0) return null
      hash.update(chunk)
    }
  } catch (error) {
    if (error instanceof Error) return null
    throw error
  }
  return hash.digest('hex')
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('too late')), { once: true })
  })
}
