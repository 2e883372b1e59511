/** Work that goes on whatever breaks: callers and voters who repeat until they are told, as the contract lets them. */
import type { Caller } from '../support/client.ts'
import type { Random } from '../support/random.ts'
import type { Tenant } from '../support/tenant.ts'

export const SORTS = ['note by grant', 'note by vote', 'object', 'keyed', 'blind', 'refused'] as const
export type Sort = (typeof SORTS)[number]

export interface Done {
  sort: Sort
  /** Null where the proposal itself was never taken. */
  id: string | null
  name: string
  /** Of a target, by which it answers; null for what is sent to none. */
  path: string | null
  status: string
  /** Of its error, where it has one. */
  code: string | null
}

type End = Pick<Done, 'status' | 'code'>

const FINAL = ['executed', 'proposed', 'blocked', 'denied', 'expired', 'cancelled', 'failed', 'unknown']
/** Paths of the targets, each answering in its own way. */
const PATHS = ['/ok', '/ok', '/ok', '/flaky/2', '/status/500', '/hang', '/reset', '/status/409', '/status/422']
const NOTHING = { status: null, intent_hash: '', shown_hash: '', approval: { votes: [] } }
const PATIENCE_MS = 150_000
/** What was asked for while the database's clock was wrong may wait for its people until that time comes, and is taken back. */
const TIMELESS_MS = 60_000

export class Load {
  readonly done: Done[] = []
  readonly open = new Map<string, { sort: Sort; name: string; id: string | null }>()
  /** Names of what was open while the database's clock was moved: times told of it do not follow. */
  readonly timeless = new Set<string>()
  /** Set while it is being moved. */
  isClockMoving = false
  #on = true
  #n = 0
  readonly #tenant: Tenant
  readonly #random: Random
  readonly #targets: { keyed: string; blind: string }

  constructor(tenant: Tenant, random: Random, targets: { keyed: string; blind: string }) {
    this.#tenant = tenant
    this.#random = random
    this.#targets = targets
  }

  /** Runs so many at a time until {@link stop}; resolves when the last of them has ended. */
  async run(atATime: number): Promise<void> {
    await Promise.all(
      Array.from({ length: atATime }, async () => {
        while (this.#on) await this.#one()
      }),
    )
  }

  stop(): void {
    this.#on = false
  }

  async #one(): Promise<void> {
    const sort = this.#random.pick(SORTS)
    const name = `c-${++this.#n}`
    const open = { sort, name, id: null as string | null }
    this.open.set(name, open)
    if (this.isClockMoving) this.timeless.add(name)
    const path = sort === 'keyed' || sort === 'blind' ? this.#random.pick(PATHS) : null
    const end = await this.#carry(open, this.#bodyOf(sort, name, path))
    this.open.delete(name)
    this.done.push({ sort, name, path, id: open.id, ...end })
  }

  #bodyOf(sort: Sort, name: string, path: string | null): object {
    switch (sort) {
      case 'note by grant':
      case 'note by vote':
        return { action: 'note.append', input: { notebook: 'chaos', text: name }, estimated_cost: '1' }
      case 'object':
        return { action: 'object.put', input: { name, text: `text of ${name}` }, estimated_cost: '1' }
      case 'keyed':
      case 'blind':
        return {
          action: 'http.post',
          target: `${this.#targets[sort]}${path}`,
          input: { body: { name } },
          estimated_cost: '1',
        }
      case 'refused':
        return { action: 'note.append', input: { notebook: 'chaos', text: name }, approval: { expires_in: 1 } }
    }
  }

  /** Proposes, votes and looks until the operation has ended; `stuck` when patience is over. */
  async #carry(open: { sort: Sort; name: string; id: string | null }, body: object): Promise<End> {
    const { sort, name } = open
    const who = sort === 'note by grant' ? 'agent' : sort === 'refused' ? 'member' : 'owner'
    const voters = sort === 'refused' || sort === 'note by grant' ? [] : (['operator', 'operator2'] as const)
    const from = Date.now()
    const until = from + PATIENCE_MS
    while (Date.now() < until) {
      const answer = await sent(() => this.#tenant.as(who).post('/operations', body, { key: name }))
      const id = answer?.body?.id ?? answer?.body?.error?.details?.operation_id
      if (typeof id === 'string') open.id = id
      // Refused before there was an operation, and always will be: its leaf is all there is.
      const isRefused = answer !== null && [400, 401, 403, 404].includes(answer.status) && open.id === null
      if (isRefused && !this.timeless.has(name)) return { status: 'refused', code: answer.body?.error?.code ?? null }
      if (open.id !== null) {
        const row = await sent(() => this.#tenant.as(who).get(`/operations/${open.id}`))
        const { status, intent_hash, shown_hash, approval } = row?.status === 200 ? row.body : NOTHING
        if (FINAL.includes(status)) return { status, code: row?.body.error?.code ?? null }
        if (this.timeless.has(name) && Date.now() > from + TIMELESS_MS)
          await sent(() => this.#tenant.as('owner').post(`/operations/${open.id}/cancel`, { reason: 'a wrong clock' }))
        // One after the other, so that runs are told of votes that do not decide.
        const voter = status === 'pending_approval' ? voters[approval.votes.length] : undefined
        if (voter !== undefined)
          await sent(() => this.#vote(this.#tenant.as(voter), open.id ?? '', intent_hash, shown_hash))
      }
      await pause(150 + this.#random.below(300))
    }
    return { status: 'stuck', code: null }
  }

  async #vote(voter: Caller, id: string, intent_hash: string, shown_hash: string): Promise<unknown> {
    return await voter.post(`/operations/${id}/decisions`, {
      decision: 'approve',
      intent_hash,
      shown_hash,
      reason: 'on',
    })
  }
}

/** The answer, or null when there was none. */
async function sent<T>(send: () => Promise<T>): Promise<T | null> {
  try {
    return await send()
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return null
    throw error
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
