/** What admitting a vote reads and writes. Works under role `app` and role `guard` alike. */
import type pg from 'pg'
import { inTransaction } from './pool.ts'
import type { Vote } from '../../domain/approval.ts'
import { sha256TextHex } from '../../domain/hash.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import type { VoteContext, VoteRows } from '../../domain/ports.ts'

/** Votes that this process committed and whose run has not asked for them yet; those it forgets are in their rows. */
export class FreshVotes {
  readonly #most: number
  readonly #votes = new Map<string, Vote>()
  constructor(most = 1_000) {
    this.#most = most
  }

  add(tenantId: string, operationId: string, jwsHash: string, vote: Vote): void {
    this.#votes.set(keyOf(tenantId, operationId, jwsHash), vote)
    const [oldest] = this.#votes.keys()
    if (this.#votes.size > this.#most && oldest !== undefined) this.#votes.delete(oldest)
  }

  take(tenantId: string, operationId: string, jwsHash: string): Vote | null {
    const key = keyOf(tenantId, operationId, jwsHash)
    const vote = this.#votes.get(key) ?? null
    this.#votes.delete(key)
    return vote
  }
}

function keyOf(tenantId: string, operationId: string, jwsHash: string): string {
  return `${tenantId}/${operationId}/${jwsHash}`
}

export class VoteStore implements VoteRows {
  readonly #pool: pg.Pool
  readonly #fresh: FreshVotes
  constructor(pool: pg.Pool, fresh: FreshVotes) {
    this.#pool = pool
    this.#fresh = fresh
  }

  async context(tenantId: string, operationId: string, kid: string, by: string | null): Promise<VoteContext> {
    const { rows } = await this.#pool.query<{ vote_context: VoteContext }>({
      name: 'vote_context',
      text: 'select vote_context($1, $2, $3, $4)',
      values: [tenantId, operationId, kid, by],
    })
    const [row] = rows
    if (row === undefined) throw new Error('the vote context answered no row')
    return row.vote_context
  }

  async known(tenantId: string, operationId: string, jws: string): Promise<Vote | null> {
    const hash = sha256TextHex(jws)
    const fresh = this.#fresh.take(tenantId, operationId, hash)
    if (fresh !== null) return fresh
    const { rows } = await this.#pool.query<{ known_vote: Vote | null }>({
      name: 'known_vote',
      text: 'select known_vote($1, $2, $3)',
      values: [tenantId, operationId, hash],
    })
    return rows[0]?.known_vote ?? null
  }

  async admit(document: Parameters<VoteRows['admit']>[0]): ReturnType<VoteRows['admit']> {
    const { rows } = await this.#pool.query<{ admit_vote: Awaited<ReturnType<VoteRows['admit']>> }>({
      name: 'admit_vote',
      text: 'select admit_vote($1)',
      values: [JSON.stringify(document)],
    })
    const [row] = rows
    if (row === undefined) throw new Error('admit_vote answered no row')
    const answer = row.admit_vote
    const { tenant_id, operation_id, jws_hash } = document
    if ('vote' in answer) this.#fresh.add(tenant_id, operation_id, jws_hash, answer.vote)
    return answer
  }

  async writeLeaf(
    tenantId: string,
    operationId: string | null,
    requestId: string | null,
    leaf: LeafRow,
  ): Promise<void> {
    await inTransaction(this.#pool, tenantId, async (client) => {
      await client.query('select write_leaves($1, $2, $3, jsonb_build_array($4::jsonb))', [
        tenantId,
        operationId,
        requestId,
        JSON.stringify(leaf),
      ])
    })
  }
}
