/**
 * Three-wise questions and the opinions on them. People and models write through `give` alike: one transaction that looks
 * at the database's clock, decides by domain/three-wise.ts, and writes the opinion with its leaf.
 */
import type pg from 'pg'
import { inTransaction, readAs } from './pool.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import {
  type Binds,
  type Opinion,
  opinionRefusal,
  type OpinionRefusal,
  type OpinionWord,
  type QuestionRow,
} from '../../domain/three-wise.ts'

const COLUMNS = `q.ordinal::text, q.id, q.question, q.binds, q.binding_hash, q.opinions, q.asked_by, q.asked_by_reviewer,
  iso(q.asked_at) as asked_at, iso(q.expires_at) as expires_at`

export class Questions {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async page(tenantId: string, before: string | null, limit: number): Promise<QuestionRow[]> {
    return await readAs<QuestionRow>(
      this.#pool,
      tenantId,
      `select ${COLUMNS} from three_wise_questions q where q.tenant_id = $1 and ($2::bigint is null or q.ordinal < $2)
       order by q.ordinal desc limit $3`,
      [tenantId, before, limit],
    )
  }

  async find(tenantId: string, id: string): Promise<QuestionRow | null> {
    const rows = await readAs<QuestionRow>(
      this.#pool,
      tenantId,
      `select ${COLUMNS} from three_wise_questions q where q.tenant_id = $1 and q.id = $2`,
      [tenantId, id],
    )
    return rows[0] ?? null
  }

  async ask(
    tenantId: string,
    asked: {
      id: string
      question: string
      binds: Binds
      binding_hash: string
      asked_by: string
      asked_by_reviewer: string
      expires_in: number
    },
    requestId: string,
    leaf: (question: QuestionRow) => LeafRow,
  ): Promise<QuestionRow> {
    return await inTransaction(this.#pool, tenantId, async (client) => {
      const { rows } = await client.query<QuestionRow>(
        `insert into three_wise_questions as q (tenant_id, id, question, binds, binding_hash, asked_by, asked_by_reviewer, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + make_interval(secs => $8)) returning ${COLUMNS}`,
        [
          tenantId,
          asked.id,
          asked.question,
          JSON.stringify(asked.binds),
          asked.binding_hash,
          asked.asked_by,
          asked.asked_by_reviewer,
          asked.expires_in,
        ],
      )
      const [question] = rows
      if (question === undefined) throw new Error('an insert answered no row')
      await writeLeaf(client, tenantId, requestId, leaf(question))
      await client.query(`insert into outbox (tenant_id, operation_id, kind) values ($1, $2, 'review')`, [
        tenantId,
        question.id,
      ])
      return question
    })
  }

  async member(tenantId: string, principalId: string) {
    const rows = await readAs<{
      id: string
      kind: Opinion['kind']
      person_id: string | null
      role: string
      permissions: string[]
      active: boolean
    }>(
      this.#pool,
      tenantId,
      `select p.id, p.kind, p.person_id, m.role, m.permissions, p.status = 'active' and m.status = 'active' as active
       from principals p join memberships m on m.principal_id = p.id and m.tenant_id = $1 where p.id = $2`,
      [tenantId, principalId],
    )
    return rows[0] ?? null
  }

  async give(
    tenantId: string,
    id: string,
    given: { by: string; kind: Opinion['kind']; reviewer: string; verdict: OpinionWord; reason: string },
    requestId: string | null,
    leaf: (question: QuestionRow, opinion: Opinion) => LeafRow,
  ): Promise<{ question: QuestionRow } | { refused: OpinionRefusal } | null> {
    return await inTransaction(this.#pool, tenantId, async (client) => {
      const { rows } = await client.query<QuestionRow>(
        `select ${COLUMNS} from three_wise_questions q where q.tenant_id = $1 and q.id = $2 for update`,
        [tenantId, id],
      )
      const [question] = rows
      if (question === undefined) return null
      // In a statement of its own: the row may have been waited for.
      const { rows: clock } = await client.query<{ now: string }>('select iso(clock_timestamp()) as now')
      const at = clock[0]?.now ?? ''
      const refused = opinionRefusal(question, given.reviewer, at)
      if (refused !== null) return { refused }
      const opinion: Opinion = { ...given, at }
      const { rows: after } = await client.query<QuestionRow>(
        `update three_wise_questions q set opinions = q.opinions || jsonb_build_array($3::jsonb)
         where q.tenant_id = $1 and q.id = $2 returning ${COLUMNS}`,
        [tenantId, id, JSON.stringify(opinion)],
      )
      const [answered] = after
      if (answered === undefined) throw new Error('an update answered no row')
      await writeLeaf(client, tenantId, requestId, leaf(answered, opinion))
      return { question: answered }
    })
  }
}

async function writeLeaf(
  client: pg.PoolClient,
  tenantId: string,
  requestId: string | null,
  leaf: LeafRow,
): Promise<void> {
  await client.query('select write_leaves($1, null, $2, jsonb_build_array($3::jsonb))', [
    tenantId,
    requestId,
    JSON.stringify(leaf),
  ])
}
