/** Work that goes on whatever breaks: callers and voters who repeat until they are told, as the contract lets them. */
import { createHash } from 'node:crypto'
import { Upload } from './upload.ts'
import type { Answer, Caller } from '../support/client.ts'
import type { Random } from '../support/random.ts'
import type { MemberName, Tenant } from '../support/tenant.ts'

/** Who asks, and who votes: nobody where a grant stands for it, or where none is to be had. */
const ASKED = {
  'note by grant': { by: 'agent', voters: [] },
  'note by vote': { by: 'owner', voters: ['operator'] },
  batch: { by: 'owner', voters: ['operator'] },
  object: { by: 'owner', voters: ['operator'] },
  raw: { by: 'owner', voters: ['operator'] },
  keyed: { by: 'owner', voters: ['operator', 'operator2'] },
  blind: { by: 'owner', voters: ['operator', 'operator2'] },
  refused: { by: 'member', voters: [] },
} as const satisfies Record<string, { by: MemberName; voters: readonly MemberName[] }>
export type Sort = keyof typeof ASKED
export const SORTS = Object.keys(ASKED) as Sort[]

/** What became of one of several inputs, as the operation tells it. */
export interface Item {
  n: number
  state: string
}

/** What is asked for, and by what the witnesses know it. */
interface Asked {
  sort: Sort
  name: string
  /** Of a target, by which it answers; null for what is sent to none. */
  path: string | null
  /** How many inputs it has, where it has several. */
  inputs: number | null
}

export interface Done extends Asked {
  /** Null where the proposal itself was never taken. */
  id: string | null
  status: string
  /** Of its error, where it has one; the reason is in its details. */
  code: string | null
  reason: string | null
  items: readonly Item[] | null
  /** Where an upload is to lie once it is registered. */
  key: string | null
  /** How many people sent a yes, told or not that it counts. */
  voters: number
  /** Milliseconds of this machine's clock. */
  askedAt: number
  endedAt: number
}

/** What is still on its way, and who sent a yes. */
interface Open {
  sort: Sort
  id: string | null
  said: Set<MemberName>
}

type End = Pick<Done, 'status' | 'code' | 'reason' | 'items'>

const FINAL = ['executed', 'proposed', 'blocked', 'denied', 'expired', 'cancelled', 'failed', 'unknown']
/** Paths of the targets, each answering in its own way. */
const PATHS = ['/ok', '/ok', '/ok', '/flaky/2', '/status/500', '/hang', '/reset', '/status/409', '/status/422']
/** Several inputs are done some at a time, so that there are as many as take more than one turn. */
const MOST_INPUTS = 60
const NOTHING = { status: null, intent_hash: '', shown_hash: '', approval: { votes: [] } }
const PATIENCE_MS = 150_000
/** What was asked for while the database's clock was wrong may wait for its people until that time comes, and is taken back. */
const TIMELESS_MS = 60_000

export class Load {
  readonly done: Done[] = []
  readonly open = new Map<string, Open>()
  /** Names of what was open while the database's clock was moved: times told of it do not follow. */
  readonly timeless = new Set<string>()
  /** How many moves of it are under way. */
  #moves = 0
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

  /** The database's clock begins to be moved: its processes tell different times, until {@link clockHasMoved}. */
  clockMoves(): void {
    this.#moves++
    for (const name of this.open.keys()) this.timeless.add(name)
  }

  clockHasMoved(): void {
    this.#moves--
  }

  async #one(): Promise<void> {
    const sort = this.#random.pick(SORTS)
    const name = `c-${++this.#n}`
    const path = sort === 'keyed' || sort === 'blind' ? this.#random.pick(PATHS) : null
    const inputs = sort === 'batch' ? 2 + this.#random.below(MOST_INPUTS - 1) : null
    const asked = { sort, name, path, inputs }
    const open: Open = { sort, id: null, said: new Set() }
    this.open.set(name, open)
    if (this.#moves > 0) this.timeless.add(name)
    const askedAt = Date.now()
    const bytes = bytesOf(name)
    const upload = sort === 'raw' ? new Upload(bytes, createHash('sha256').update(bytes).digest('hex')) : null
    const end = await this.#carry(open, asked, upload)
    this.open.delete(name)
    const key = upload?.asset?.key ?? null
    this.done.push({ ...asked, id: open.id, ...end, key, voters: open.said.size, askedAt, endedAt: Date.now() })
  }

  #bodyOf({ sort, name, path, inputs }: Asked): object {
    const note = (text: string) => ({ notebook: 'chaos', text })
    switch (sort) {
      case 'note by grant':
      case 'note by vote':
        return { action: 'note.append', input: note(name), estimated_cost: '1' }
      case 'batch': {
        const all = Array.from({ length: inputs ?? 0 }, (_, i) => note(textOf(name, i + 1)))
        return { action: 'note.append', inputs: all, estimated_cost: '0.5' }
      }
      case 'object':
        return { action: 'object.put', input: { name, text: `${bytesOf(name)}` }, estimated_cost: '1' }
      case 'keyed':
      case 'blind':
        return {
          action: 'http.post',
          target: `${this.#targets[sort]}${path}`,
          input: { body: { name } },
          estimated_cost: '1',
        }
      case 'refused':
        return { action: 'note.append', input: note(name), approval: { expires_in: 1 } }
      case 'raw':
        throw new Error('an upload is registered at a door of its own')
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  async #propose(by: Caller, asked: Asked, upload: Upload | null): Promise<Answer<any> | null> {
    const key = asked.name
    if (upload === null) return await by.post('/operations', this.#bodyOf(asked), { key })
    if (!(await upload.goOn(by))) return null
    return await by.post('/nexus/raw/register', { asset_id: upload.asset?.asset_id }, { key })
  }

  /** Proposes, votes and looks until the operation has ended; `stuck` when patience is over. */
  async #carry(open: Open, asked: Asked, upload: Upload | null): Promise<End> {
    const { name } = asked
    const { by, voters } = ASKED[asked.sort]
    const as = (who: MemberName) => this.#tenant.as(who)
    const from = Date.now()
    const until = from + PATIENCE_MS
    while (Date.now() < until) {
      const answer = await sent(() => this.#propose(as(by), asked, upload))
      const id = answer?.body?.id ?? answer?.body?.error?.details?.operation_id
      if (typeof id === 'string') open.id = id
      // Refused before there was an operation, and always will be: its leaf is all there is.
      const isRefused = answer !== null && [400, 401, 403, 404].includes(answer.status) && open.id === null
      if (isRefused && !this.timeless.has(name)) return endOf('refused', answer.body)
      if (open.id !== null) {
        const row = await sent(() => as(by).get(`/operations/${open.id}`))
        const { status, intent_hash, shown_hash, approval } = row?.status === 200 ? row.body : NOTHING
        if (FINAL.includes(status)) return endOf(status, row?.body)
        if (this.timeless.has(name) && Date.now() > from + TIMELESS_MS)
          await sent(() => as('owner').post(`/operations/${open.id}/cancel`, { reason: 'a wrong clock' }))
        // One after the other, so that runs are told of votes that do not decide.
        const voter = status === 'pending_approval' ? voters[approval.votes.length] : undefined
        const vote = { decision: 'approve', intent_hash, shown_hash, reason: 'on' }
        if (voter !== undefined) {
          open.said.add(voter)
          await sent(() => as(voter).post(`/operations/${open.id}/decisions`, vote))
        }
      }
      await pause(150 + this.#random.below(300))
    }
    return endOf('stuck', null)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
function endOf(status: string, body: any): End {
  const { error, effect } = body ?? {}
  return {
    status,
    code: error?.code ?? null,
    reason: error?.details?.reason ?? null,
    items: effect?.result?.items ?? null,
  }
}

/** What lies in the store for an operation of this name. */
export function bytesOf(name: string): Buffer {
  return Buffer.from(`text of ${name}`)
}

/** The text of one of several inputs, the first of which is 1. */
export function textOf(name: string, n: number): string {
  return `${name} / ${n}`
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
