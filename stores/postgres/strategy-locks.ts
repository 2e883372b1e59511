/**
 * Strategy locks as role `app` may write them: drafts, new versions, rejections, revocations, each in one transaction with
 * its leaf. Approving is not among them: that is an operation's effect, under role `control`.
 */
import type pg from 'pg'
import { inTransaction, readAs } from './pool.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import { type LockContent, type LockItem, type LockRow, lockAfter, lockBefore } from '../../domain/lock-lifecycle.ts'

interface Author {
  principal_id: string
  person_id: string | null
  credential_id: string
}

const COLUMNS = 'l.ordinal::text, lock_json(l) as lock, l.authors, l.drafted_with'

/** A content's columns, from the first placeholder given on. */
const CONTENT = ['title', 'allowed_actions', 'surface_id', 'project_id', 'valid_from', 'valid_until', 'constraints']
const contentValues = (content: LockContent): unknown[] => [
  content.title,
  content.allowed_actions,
  content.surface_id,
  content.project_id,
  content.valid_from,
  content.valid_until,
  content.constraints === null ? null : JSON.stringify(content.constraints),
  content.three_wise_id,
]

export class StrategyLocks {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async page(
    tenantId: string,
    filter: {
      status?: string | undefined
      surface?: string | undefined
      action?: string | undefined
      before?: string | undefined
      limit: number
    },
  ): Promise<LockRow[]> {
    return await readAs<LockRow>(
      this.#pool,
      tenantId,
      `select ${COLUMNS} from strategy_locks l where l.tenant_id = $1 and ($2::text is null or l.status = $2)
         and ($3::text is null or l.surface_id = $3) and ($4::text is null or $4 = any (l.allowed_actions))
         and ($5::bigint is null or l.ordinal < $5)
       order by l.ordinal desc limit $6`,
      [
        tenantId,
        filter.status ?? null,
        filter.surface ?? null,
        filter.action ?? null,
        filter.before ?? null,
        filter.limit,
      ],
    )
  }

  async find(tenantId: string, id: string): Promise<LockRow | null> {
    const rows = await readAs<LockRow>(
      this.#pool,
      tenantId,
      `select ${COLUMNS} from strategy_locks l where l.tenant_id = $1 and l.id = $2`,
      [tenantId, id],
    )
    return rows[0] ?? null
  }

  async draft(
    tenantId: string,
    { id, content, content_hash }: { id: string; content: LockContent; content_hash: string },
    author: Author,
    requestId: string,
    leaf: (after: LockItem) => LeafRow,
  ): Promise<LockItem | null> {
    return await this.#change(tenantId, requestId, leaf, [
      `insert into strategy_locks as l (${CONTENT.join(', ')}, three_wise_id, tenant_id, id, content_hash, created_by, drafted_by,
         drafted_with, authors)
       select $1, $2::text[], $3, $4, $5::timestamptz, $6::timestamptz, $7::jsonb, $8, $9, $10, $11, $12, $12, $13, $14::text[]
       where $8::text is null or exists (select from three_wise_questions q where q.tenant_id = $9 and q.id = $8)
       returning lock_json(l) as lock`,
      [
        ...contentValues(content),
        tenantId,
        id,
        content_hash,
        author.principal_id,
        author.credential_id,
        author.person_id === null ? [] : [author.person_id],
      ],
    ])
  }

  async revise(
    tenantId: string,
    lock: { id: string; from: string; version: number; content: LockContent; content_hash: string },
    author: Author,
    requestId: string,
    leaf: (after: LockItem) => LeafRow,
  ): Promise<LockItem | null> {
    return await this.#change(tenantId, requestId, leaf, [
      `update strategy_locks l set title = $1, allowed_actions = $2, surface_id = $3, project_id = $4, valid_from = $5,
         valid_until = $6, constraints = $7, three_wise_id = $8, content_hash = $11, version = $12, status = 'draft',
         approved_by = null, drafted_by = $13, drafted_with = $14, updated_at = clock_timestamp(),
         authors = array(select distinct a from unnest(l.authors || $15::text[]) a order by a)
       where l.tenant_id = $9 and l.id = $10 and l.content_hash = $16 and l.status = any ($17)
         and ($8::text is null or exists (select from three_wise_questions q where q.tenant_id = $9 and q.id = $8))
       returning lock_json(l) as lock`,
      [
        ...contentValues(lock.content),
        tenantId,
        lock.id,
        lock.content_hash,
        lock.version,
        author.principal_id,
        author.credential_id,
        author.person_id === null ? [] : [author.person_id],
        lock.from,
        lockBefore('revise'),
      ],
    ])
  }

  async close(
    tenantId: string,
    lock: { id: string; content_hash: string; change: 'reject' | 'revoke'; by: string; reason: string },
    requestId: string,
    leaf: (after: LockItem) => LeafRow,
  ): Promise<LockItem | null> {
    const from = lockBefore(lock.change)
    const to = from[0] === undefined ? null : lockAfter(from[0], lock.change)
    return await this.#change(tenantId, requestId, leaf, [
      `update strategy_locks l set status = $3, closed_by = $4, closed_reason = $5, updated_at = clock_timestamp()
       where l.tenant_id = $1 and l.id = $2 and l.status = any ($6) and l.content_hash = $7
       returning lock_json(l) as lock`,
      [tenantId, lock.id, to, lock.by, lock.reason, from, lock.content_hash],
    ])
  }

  async pendingApproval(
    tenantId: string,
    id: string,
    contentHash: string,
    requestedBy: string,
  ): Promise<string | null> {
    const rows = await readAs<{ id: string }>(
      this.#pool,
      tenantId,
      `select o.id from operations o where o.tenant_id = $1 and o.ended_at is null and o.action = 'strategy_lock.approve'
         and o.status in ('evaluating', 'pending_approval') and o.principal_id = $4
         and o.intent -> 'input' = jsonb_build_object('id', $2::text, 'content_hash', $3::text)
       order by o.ordinal limit 1`,
      [tenantId, id, contentHash, requestedBy],
    )
    return rows[0]?.id ?? null
  }

  async member(tenantId: string, principalId: string) {
    const rows = await readAs<{
      id: string
      kind: 'agent' | 'service' | 'user'
      name: string
      person_id: string | null
      active: boolean
    }>(
      this.#pool,
      tenantId,
      `select p.id, p.kind, p.name, p.person_id, p.status = 'active' and m.status = 'active' as active
       from principals p join memberships m on m.principal_id = p.id and m.tenant_id = $1 where p.id = $2`,
      [tenantId, principalId],
    )
    return rows[0] ?? null
  }

  /** One statement that answers the lock, and its leaf, in one transaction. */
  async #change(
    tenantId: string,
    requestId: string,
    leaf: (after: LockItem) => LeafRow,
    [text, values]: [string, unknown[]],
  ): Promise<LockItem | null> {
    return await inTransaction(this.#pool, tenantId, async (client) => {
      const { rows } = await client.query<{ lock: LockItem }>(text, values)
      const lock = rows[0]?.lock
      if (lock === undefined) return null
      await client.query('select write_leaves($1, null, $2, jsonb_build_array($3::jsonb))', [
        tenantId,
        requestId,
        JSON.stringify(leaf(lock)),
      ])
      return lock
    })
  }
}
