/**
 * What Temporal has still to be told. A row is written with the thing it speaks of and goes when Temporal has answered,
 * so that a crash between the two only delays. Read by the leader alone.
 */
import type pg from 'pg'
import type { OperationInput } from '../../domain/steps.ts'

export interface OutboxRow {
  id: string
  tenant_id: string
  operation_id: string
  /** Of a `review`, the id is the question's. */
  kind: 'signal' | 'cancel' | 'seal' | 'review'
  payload: { jws?: string }
  attempts: number
}

export class Outbox {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Takes due rows and puts them off, so that a failed try comes again later. */
  async take(kinds: readonly OutboxRow['kind'][], limit: number, againSeconds: number): Promise<OutboxRow[]> {
    const { rows } = await this.#pool.query<OutboxRow>(
      `update outbox o set attempts = attempts + 1, due_at = clock_timestamp() + make_interval(secs => $3)
       where id in (select id from outbox where has_come(due_at) and kind = any ($1) order by due_at limit $2
         for update skip locked)
       returning id::text, tenant_id, operation_id, kind, payload, attempts`,
      [kinds, limit, againSeconds],
    )
    return rows
  }

  /**
   * Ends to be sealed. Sealing costs about as much as answering, so it waits while operations end one after the other,
   * and is then cheaper by the batch; nothing waits longer than `patienceSeconds` for that.
   */
  async takeSeals(limit: number, againSeconds: number, patienceSeconds: number): Promise<OutboxRow[]> {
    const { rows } = await this.#pool.query<OutboxRow>(
      `update outbox o set attempts = attempts + 1, due_at = clock_timestamp() + make_interval(secs => $2)
       where id in (select id from outbox where kind = 'seal' and has_come(due_at)
           and (due_at <= clock_timestamp() - make_interval(secs => $3) or not exists (select from outbox e
             where e.kind = 'seal' and e.attempts = 0 and not has_come(e.due_at - interval '0.5 seconds')))
         order by due_at limit $1 for update skip locked)
       returning id::text, tenant_id, operation_id, kind, payload, attempts`,
      [limit, againSeconds, patienceSeconds],
    )
    return rows
  }

  async done(ids: readonly string[]): Promise<void> {
    await this.#pool.query('delete from outbox where id = any ($1::bigint[])', [ids])
  }

  /** Operations whose run nobody has seen start. */
  async unstarted(olderThanSeconds: number, limit: number): Promise<OperationInput[]> {
    const { rows } = await this.#pool.query<Omit<OperationInput, 'v'>>(
      `select tenant_id, id as operation_id, intent, intent_hash, plan, plan_hash, proposal from operations
       where ended_at is null and run_id is null and status = 'evaluating'
         and has_come(created_at + make_interval(secs => $1))
       order by created_at limit $2`,
      [olderThanSeconds, limit],
    )
    return rows.map((row) => ({ v: 1, ...row }))
  }

  async noteRun(tenantId: string, operationId: string, runId: string): Promise<void> {
    await this.#pool.query(
      'update operations set run_id = $3 where tenant_id = $1 and id = $2 and run_id is null and ended_at is null',
      [tenantId, operationId, runId],
    )
  }

  /** Operations that should have ended or be waiting by now: their runs are looked at, page by page. */
  async lingering(
    olderThanSeconds: number,
    after: { updated_at: string; operation_id: string } | null,
    limit: number,
  ): Promise<{ tenant_id: string; operation_id: string; updated_at: string }[]> {
    const { rows } = await this.#pool.query<{ tenant_id: string; operation_id: string; updated_at: string }>(
      `select tenant_id, id as operation_id, iso(updated_at) as updated_at from operations
       where ended_at is null and has_come(operations.updated_at + make_interval(secs => $1))
         and ($2::timestamptz is null or (operations.updated_at, id) > ($2::timestamptz, $3::text))
       order by operations.updated_at, id limit $4`,
      [olderThanSeconds, after?.updated_at ?? null, after?.operation_id ?? null, limit],
    )
    return rows
  }

  async counts(): Promise<{ waiting: number; unsealed: number }> {
    const { rows } = await this.#pool.query<{ waiting: number; unsealed: number }>(
      `select count(*) filter (where kind <> 'seal')::int as waiting, count(*) filter (where kind = 'seal')::int as unsealed
       from outbox`,
    )
    return rows[0] ?? { waiting: 0, unsealed: 0 }
  }
}
