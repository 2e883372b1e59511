/** What sealing reads of an ended operation, and the seal's row, leaf and outbox row in one transaction. */
import type pg from 'pg'
import { inTransaction } from './pool.ts'
import type { LeafRow } from '../../domain/leaf.ts'

export interface Sealable {
  now: string
  run_id: string | null
  receipt: string
  receipt_jws: string
  proposal: string
  request_id: string
  trace_id: string | null
  train_ok: boolean
  sealed: boolean
}

export class SealStore {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async sealable(tenantId: string, operationId: string): Promise<Sealable | null> {
    const { rows } = await this.#pool.query<Sealable>(
      `select iso(clock_timestamp()) as now, o.run_id, jws_payload(r.jws) as receipt, r.jws as receipt_jws, o.proposal,
         o.context ->> 'request_id' as request_id, o.context ->> 'trace_id' as trace_id,
         train_ok_of($1, o.principal_id, o.person_id) and train_ok_behind($1, o.intent, o.plan) as train_ok,
         exists (select from seals s where s.tenant_id = $1 and s.operation_id = $2) as sealed
       from operations o join receipts r on r.tenant_id = o.tenant_id and r.operation_id = o.id
       where o.tenant_id = $1 and o.id = $2`,
      [tenantId, operationId],
    )
    return rows[0] ?? null
  }

  /** The operations that enrolled the keys of self-signed votes, by key id. */
  async keyOperations(kids: readonly string[]): Promise<string[]> {
    const { rows } = await this.#pool.query<{ operation_id: string }>(
      'select distinct operation_id from operator_keys where kid = any ($1) and operation_id is not null',
      [kids],
    )
    return rows.map((row) => row.operation_id)
  }

  async seal(row: {
    tenant_id: string
    operation_id: string
    request_id: string
    jws: string
    bundle_key: string
    leaf: LeafRow
  }): Promise<void> {
    await inTransaction(this.#pool, row.tenant_id, async (client) => {
      const { rowCount } = await client.query(
        `insert into seals (tenant_id, operation_id, jws, bundle_key) values ($1, $2, $3, $4)
         on conflict do nothing`,
        [row.tenant_id, row.operation_id, row.jws, row.bundle_key],
      )
      if (rowCount === 1)
        await client.query('select write_leaves($1, $2, $3, jsonb_build_array($4::jsonb))', [
          row.tenant_id,
          row.operation_id,
          row.request_id,
          JSON.stringify(row.leaf),
        ])
      await client.query(`delete from outbox where tenant_id = $1 and operation_id = $2 and kind = 'seal'`, [
        row.tenant_id,
        row.operation_id,
      ])
    })
  }

  async delivered(tenantId: string, operationId: string): Promise<{ jws: string; bundle_key: string } | null> {
    return await inTransaction(this.#pool, tenantId, async (client) => {
      const { rows } = await client.query<{ jws: string; bundle_key: string }>(
        `select jws, bundle_key from seals where tenant_id = $1 and operation_id = $2`,
        [tenantId, operationId],
      )
      return rows[0] ?? null
    })
  }
}
