/**
 * Missing and refused credentials per source address and minute: beyond the limit 429, before anything is looked up.
 * Counted in this process, since it guards this process; each source is one leaf a minute in `t_system`.
 *
 * The same per key id, and per issuer and subject, from whatever addresses: beyond that limit a refusal is 429 as well.
 * What is right is still admitted, so that nobody locks somebody else out by naming them. From one address far fewer
 * guesses at one name are looked up at all (api/guess-limits.ts).
 */
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context, MiddlewareHandler } from 'hono'
import { GuessLimits } from '../guess-limits.ts'
import { leafRow, makeLeaf } from '../../domain/leaf.ts'
import { ExoError } from '../../domain/errors.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { Env } from '../request.ts'

const WINDOW_MS = 60_000
const MAX_SOURCES = 10_000

interface Window {
  startedAt: number
  failures: number
}

export function limitAddresses(limit: number): MiddlewareHandler<Env> {
  const windows = new Map<string, Window>()
  const presented = new Map<string, Window>()
  const guesses = new GuessLimits(LIMITS.guessesPerMinute)
  return async function limitAddresses(c, next) {
    const source = addressOf(c)
    const now = performance.now()
    const window = windows.get(source)
    const fresh = window !== undefined && now - window.startedAt < WINDOW_MS
    if (fresh && window.failures >= limit) throw tooMany(window, now)
    c.set('refuseGuess', (name) => {
      const waitMs = guesses.waitMs(source, name, now)
      if (waitMs > 0) throw tooMany({ startedAt: now + waitMs - WINDOW_MS }, now)
    })
    await next()
    const name = c.get('presented')
    if (name !== undefined && c.get('accepted') === true) guesses.right(source, name, now)
    if (c.res.status !== 401) return
    if (name !== undefined) guesses.wrong(source, name, now)
    if (fresh) window.failures++
    else {
      if (windows.size >= MAX_SOURCES) windows.clear()
      windows.set(source, { startedAt: now, failures: 1 })
      setTimeout(() => void tell(c.get('ports'), source, windows), WINDOW_MS).unref()
    }
    if (name !== undefined) refuseMany(presented, name, now)
  }
}

/** Counts a refusal of this credential, and throws when there were too many in the minute. */
function refuseMany(presented: Map<string, Window>, name: string, now: number): void {
  const window = presented.get(name)
  if (window === undefined || now - window.startedAt >= WINDOW_MS) {
    if (presented.size >= MAX_SOURCES) presented.clear()
    presented.set(name, { startedAt: now, failures: 1 })
  } else if (++window.failures > LIMITS.credentialFailuresPerMinute) throw tooMany(window, now)
}

function tooMany({ startedAt }: Pick<Window, 'startedAt'>, now: number): ExoError {
  const retry_after = Math.max(1, Math.ceil((WINDOW_MS - (now - startedAt)) / 1000))
  return new ExoError('rate_limit.exceeded', undefined, { retry_after })
}

async function tell(
  ports: Env['Variables']['ports'],
  source: string,
  windows: Map<string, { failures: number }>,
): Promise<void> {
  const failures = windows.get(source)?.failures ?? 0
  try {
    const leaf = makeLeaf({
      kind: 'access.refused',
      tenant_id: 't_system',
      at: await ports.records.now(),
      actor: { principal_id: null, kind: 'anonymous' },
      code: 'auth.invalid',
      after: { source, failures },
    })
    await ports.records.leaf('t_system', null, null, leafRow(leaf))
  } catch (error) {
    ports.log.error({ error: String(error) }, 'refused credentials could not be recorded')
  }
}

function addressOf(c: Context<Env>): string {
  try {
    return getConnInfo(c).remote.address ?? 'unknown'
  } catch (error) {
    if (error instanceof TypeError) return 'unknown'
    throw error
  }
}
