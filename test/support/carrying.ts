/**
 * Callers that do not give up: each carries one request to its end through broken connections and refused answers, the
 * way the contract says a caller may, by repeating the same request under the same key.
 */
import type { Answer, Caller } from './client.ts'
import type { Operation, Tenant } from './tenant.ts'
import { until } from './until.ts'

export interface Carried {
  id: string
  status: string
  /** The code of the envelope, for those that did not end well. */
  code: string | null
}

const FINAL = ['executed', 'proposed', 'blocked', 'denied', 'expired', 'cancelled', 'failed', 'unknown']

/** Proposes until the operation waits for people or has ended; `withinMs` is the caller's patience. */
export async function carry(caller: Caller, key: string, request: object, withinMs?: number): Promise<Carried> {
  return await carryRequest(caller, key, () => caller.post('/operations', request, { key }), withinMs)
}

/** The same for a request that has a front door of its own. */
export async function carryRequest(
  caller: Caller,
  key: string,
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, field by field
  send: () => Promise<Answer<any>>,
  withinMs = 90_000,
): Promise<Carried> {
  let last: unknown = null
  return await until(
    `the request under ${key} is carried to its end`,
    async () => {
      const answer = await sent(send)
      if (answer === null) return null
      const { status, body } = answer
      last = [status, body?.status ?? body?.error?.code]
      if (typeof body?.status === 'string' && (FINAL.includes(body.status) || body.status === 'pending_approval'))
        return { id: body.id, status: body.status, code: null }
      const id = body?.error?.details?.operation_id
      if (status === 503 && body.error.code === 'backend.unavailable') return null
      if (typeof id !== 'string') return null
      return await ended(caller, id)
    },
    { withinMs, seen: () => last },
  )
}

/** Votes until the vote is counted or a repeat says it was, then looks until the operation has ended. */
export async function carryVote(voter: Caller, operation: Operation, withinMs = 90_000): Promise<Carried> {
  let voted = false
  let last: unknown = null
  return await until(
    `operation ${operation.id} is voted to its end`,
    async () => {
      if (!voted) {
        const answer = await sent(() =>
          voter.post(`/operations/${operation.id}/decisions`, {
            decision: 'approve',
            intent_hash: operation.intent_hash,
            reason: 'carried',
          }),
        )
        if (answer === null) return null
        last = [answer.status, answer.body?.error?.code]
        voted = answer.status === 200 || answer.body?.error?.code === 'approval.already_decided'
        if (!voted) return null
      }
      return await ended(voter, operation.id)
    },
    { withinMs, seen: () => last },
  )
}

/** As many operators vote as it asks for, one once the other was counted, each until it has ended. */
export async function carryVotes(tenant: Tenant, id: string, withinMs = 90_000): Promise<Carried> {
  const operation = await readable(tenant, id, withinMs)
  const voters = (['operator', 'operator2'] as const).slice(0, operation.approval.quorum)
  const votes: Promise<Carried>[] = []
  for (const voter of voters) {
    votes.push(carryVote(tenant.as(voter), operation, withinMs))
    if (votes.length < voters.length) await counted(tenant, id, votes.length, withinMs)
  }
  const last = (await Promise.all(votes)).at(-1)
  if (last === undefined) throw new Error(`${id} asks nobody`)
  return last
}

async function counted(tenant: Tenant, id: string, votes: number, withinMs: number): Promise<void> {
  await until(
    `${id} has ${votes} votes`,
    async () => {
      const row = await tenant.operation(id).catch(() => null)
      return row?.id === id && (row.approval.votes.length >= votes || FINAL.includes(row.status))
    },
    { withinMs },
  )
}

/** The operation, once an answer comes and is it. */
export async function readable(tenant: Tenant, id: string, withinMs: number): Promise<Operation> {
  return await until(
    `${id} can be read`,
    async () => {
      const row = await tenant.operation(id).catch(() => null)
      return row?.id === id && row
    },
    { withinMs },
  )
}

async function ended(caller: Caller, id: string): Promise<Carried | null> {
  const read = await sent(() => caller.get(`/operations/${id}`))
  if (read === null || read.status !== 200 || !FINAL.includes(read.body.status)) return null
  return { id, status: read.body.status, code: read.body.error?.code ?? null }
}

/** The answer, or null when there was none: a connection that broke tells nothing about what was done. */
async function sent<T>(send: () => Promise<T>): Promise<T | null> {
  try {
    return await send()
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return null
    throw error
  }
}
