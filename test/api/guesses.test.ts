/** Wrong secrets for a key: limited by source and key, and never at the cost of whoever holds the right one. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { makeApi } from '../../api/app.ts'
import { GuessLimits } from '../../api/guess-limits.ts'
import { LIMITS } from '../../domain/limits.ts'

const LIMIT = LIMITS.guessesPerMinute
const ID = 'k'.repeat(18)
const RIGHT = 'r'.repeat(43)
const wrong = (n: number) => String(n).padStart(43, 'w')

/** The product's own doors before a store that knows one key. */
function opened() {
  let lookedUp = 0
  const right = createHash('sha256').update(RIGHT).digest('hex')
  const admission = {
    admit: async ({ credential }: { credential: { id: string; secret_sha256: string } }) => {
      lookedUp++
      const principal = { id: 'p_a', kind: 'user', name: 'A', person_id: 'u_a', platform_role: null, status: 'active' }
      const known = credential.id === ID && credential.secret_sha256 === right
      return {
        now: '2026-01-01T00:00:00.000000Z',
        tenant_id: 't_a',
        principal: known ? principal : null,
        memberships: [{ tenant_id: 't_a', role: 'viewer', permissions: [], status: 'active' }],
        credential: { id: ID, expires_at: '', permissions: null },
        places: null,
        rate: null,
        asked_from: null,
      }
    },
  }
  const api = makeApi({ addressLimit: 10_000, admission, log: { error: () => undefined }, records: {} } as never)
  const ask = async (source: string, secret: string, id = ID) => {
    const headers = { authorization: `Bearer exo_${id}_${secret}`, 'x-mode': 'lab' }
    const env = { incoming: { socket: { remoteAddress: source, remotePort: 1, remoteFamily: 'IPv4' } } }
    const { status, headers: answered } = await api.app.request('/auth/me', { headers }, env)
    return { status, wait: answered.get('retry-after') }
  }
  const guess = async (source: string, times: number, from = 0) => {
    for (let i = 0; i < times; i++) expect((await ask(source, wrong(from + i))).status).toBe(401)
  }
  return { ask, guess, lookedUp: () => lookedUp, close: () => api.close() }
}

describe('wrong secrets for one key', () => {
  test('are looked up so often from one source, and then neither they nor the right one', async () => {
    const { ask, guess, lookedUp, close } = opened()
    await guess('10.0.0.1', LIMIT)
    expect(lookedUp()).toBe(LIMIT)
    for (const secret of [wrong(999), RIGHT]) {
      const { status, wait } = await ask('10.0.0.1', secret)
      expect([status, Number(wait) > 0]).toEqual([429, true])
    }
    expect(lookedUp()).toBe(LIMIT)
    await close()
  })

  test('lock nobody out who holds the right one elsewhere, nor another key at the same source', async () => {
    const { ask, guess, close } = opened()
    await guess('10.0.0.1', LIMIT)
    expect((await ask('10.0.0.2', RIGHT)).status).toBe(200)
    expect((await ask('10.0.0.1', RIGHT, 'o'.repeat(18))).status).toBe(401)
    await close()
  })

  test('lock nobody out at the same source who was right there shortly before', async () => {
    const { ask, guess, close } = opened()
    expect((await ask('10.0.0.1', RIGHT)).status).toBe(200)
    await guess('10.0.0.1', LIMIT * 2)
    expect((await ask('10.0.0.1', RIGHT)).status).toBe(200)
    await close()
  })

  test('from everywhere at once are refused as too many, and the right one is still taken', async () => {
    const { ask, close } = opened()
    const statuses: number[] = []
    for (let i = 0; i <= LIMITS.credentialFailuresPerMinute; i++) {
      const { status } = await ask(`10.1.${i >> 8}.${i & 255}`, wrong(i))
      statuses.push(status)
    }
    expect(statuses.at(-1)).toBe(429)
    expect((await ask('10.0.0.9', RIGHT)).status).toBe(200)
    await close()
  })
})

describe('guesses', () => {
  test('count for a minute, and a source that was right is known for a quarter of an hour', () => {
    const limits = new GuessLimits(2)
    limits.wrong('a', 'k', 0)
    limits.wrong('a', 'k', 10_000)
    expect(limits.waitMs('a', 'k', 20_000)).toBe(40_000)
    expect(limits.waitMs('a', 'k', 60_000)).toBe(0)
    limits.wrong('a', 'k', 60_000)
    expect(limits.waitMs('a', 'k', 60_001)).toBe(0)
    limits.right('a', 'k', 60_002)
    for (let i = 0; i < 5; i++) limits.wrong('a', 'k', 899_000)
    expect(limits.waitMs('a', 'k', 900_000)).toBe(0)
    for (let i = 0; i < 5; i++) limits.wrong('a', 'k', 960_000)
    expect(limits.waitMs('a', 'k', 960_003)).toBeGreaterThan(0)
  })

  test('are remembered of so many sources and no more', () => {
    const limits = new GuessLimits(1)
    for (let i = 0; i < 10_001; i++) limits.wrong(`source ${i}`, 'k', 1)
    expect(limits.waitMs('source 0', 'k', 2)).toBe(0)
    expect(limits.waitMs('source 10000', 'k', 2)).toBeGreaterThan(0)
  })
})
