/** Records: writes that inform or tighten, each in one transaction with its leaf, none of them through Temporal. */
import type pg from 'pg'
import { inTransaction } from './pool.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import type { UploadTicket } from '../../domain/stored.ts'
import type { PlaceKind } from '../../domain/places.ts'

export interface StreamTicket {
  tenant_id: string
  secret_sha256: string
  stream: string
  principal_id: string
  credential: JsonObject
  project_id: string | null
  surface_id: string
  app_id: string
  expires_at: string
}

export class Records {
  readonly #app: pg.Pool
  readonly #stop: pg.Pool
  constructor(app: pg.Pool, stop: pg.Pool) {
    this.#app = app
    this.#stop = stop
  }

  async cancel(document: {
    tenant_id: string
    operation_id: string
    cancel: JsonObject
  }): Promise<{ cancelled: true } | { refused: 'resource.not_found' | 'operation.not_cancellable' }> {
    const { rows } = await this.#app.query<{
      cancel_operation: { cancelled: true } | { refused: 'resource.not_found' | 'operation.not_cancellable' }
    }>('select cancel_operation($1)', [JSON.stringify(document)])
    const [row] = rows
    if (row === undefined) throw new Error('cancel_operation answered no row')
    return row.cancel_operation
  }

  async measure(
    tenantId: string,
    measurement: { surface_id: string; kpi: string; value: string; measured_at: string; by: string },
    requestId: string,
    leaf: LeafRow,
  ): Promise<void> {
    await this.#withLeaf(tenantId, requestId, leaf, async (client) => {
      await client.query(
        'insert into kpi_raw (tenant_id, surface_id, kpi, value, measured_at, measured_by) values ($1, $2, $3, $4, $5, $6)',
        [tenantId, measurement.surface_id, measurement.kpi, measurement.value, measurement.measured_at, measurement.by],
      )
    })
  }

  async askUpload(tenantId: string, ticket: UploadTicket, requestId: string, leaf: LeafRow): Promise<void> {
    await this.#withLeaf(tenantId, requestId, leaf, async (client) => {
      await client.query(
        `insert into raw_assets (tenant_id, asset_id, filename, content_type, sha256, size, asked_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          tenantId,
          ticket.asset_id,
          ticket.filename,
          ticket.content_type,
          ticket.sha256,
          ticket.size,
          ticket.asked_by,
          ticket.expires_at,
        ],
      )
    })
  }

  /** Takes away the tenant's tickets that nobody redeemed in time. */
  async giveTicket(ticket: StreamTicket, requestId: string, leaf: LeafRow): Promise<void> {
    await this.#withLeaf(ticket.tenant_id, requestId, leaf, async (client) => {
      await client.query('delete from stream_tickets where tenant_id = $1 and expires_at < clock_timestamp()', [
        ticket.tenant_id,
      ])
      await client.query(`insert into stream_tickets select * from jsonb_populate_record(null::stream_tickets, $1)`, [
        JSON.stringify(ticket),
      ])
    })
  }

  /** False when the id is taken; one that was ended begins anew. */
  async addPlace(
    tenantId: string,
    place: { kind: PlaceKind; id: string; name: string },
    requestId: string,
    leaf: LeafRow,
  ): Promise<boolean> {
    return await this.#changesOne(
      tenantId,
      requestId,
      leaf,
      `insert into places as p (tenant_id, kind, id, name) values ($1, $2, $3, $4)
       on conflict (tenant_id, kind, id) do update set name = excluded.name, status = 'active' where p.status = 'inactive'`,
      [tenantId, place.kind, place.id, place.name],
    )
  }

  /** False when there is no such active place. */
  async endPlace(
    tenantId: string,
    place: { kind: PlaceKind; id: string },
    requestId: string,
    leaf: LeafRow,
  ): Promise<boolean> {
    return await this.#changesOne(
      tenantId,
      requestId,
      leaf,
      `update places set status = 'inactive' where tenant_id = $1 and kind = $2 and id = $3 and status = 'active'`,
      [tenantId, place.kind, place.id],
    )
  }

  /** False when there is no such active key, or it is not this principal's where only theirs may be revoked. */
  async revokeOperatorKey(
    tenantId: string,
    kid: string,
    onlyOf: string | null,
    requestId: string,
    leaf: LeafRow,
  ): Promise<boolean> {
    return await inTransaction(this.#app, tenantId, async (client) => {
      const { rows } = await client.query<{ revoked: boolean }>('select revoke_operator_key($1, $2, $3) as revoked', [
        tenantId,
        kid,
        onlyOf,
      ])
      const revoked = rows[0]?.revoked === true
      if (revoked) await writeLeaf(client, tenantId, null, requestId, leaf)
      return revoked
    })
  }

  /** `absent` when there is no such active row, or it is not this principal's where only theirs may be revoked. */
  async revoke(
    what: 'api_key' | 'membership' | 'principal',
    tenantId: string,
    id: string,
    onlyOf: string | null,
    requestId: string,
    leaf: LeafRow,
  ): Promise<'done' | 'absent' | 'required'> {
    return await inTransaction(this.#app, tenantId, async (client) => {
      const { rows } = await client.query<{ end: 'done' | 'absent' | 'required' }>(
        'select revoke_identity($1, $2, $3, $4) as end',
        [tenantId, what, id, onlyOf],
      )
      const end = rows[0]?.end ?? 'absent'
      if (end === 'done') await writeLeaf(client, tenantId, null, requestId, leaf)
      return end
    })
  }

  /** Writes the leaf unless the operation has one of its kind already; of many at once, one writes it. */
  async leafOnce(tenantId: string, operationId: string, requestId: string, leaf: LeafRow): Promise<boolean> {
    return await inTransaction(this.#app, tenantId, async (client) => {
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `exo once ${operationId} ${leaf.kind}`,
      ])
      const { rowCount } = await client.query(
        'select from audit_leaves where tenant_id = $1 and operation_id = $2 and kind = $3 limit 1',
        [tenantId, operationId, leaf.kind],
      )
      if (rowCount !== 0) return false
      await writeLeaf(client, tenantId, operationId, requestId, leaf)
      return true
    })
  }

  async leaf(tenantId: string, operationId: string | null, requestId: string | null, leaf: LeafRow): Promise<void> {
    await inTransaction(this.#app, tenantId, async (client) => {
      await writeLeaf(client, tenantId, operationId, requestId, leaf)
    })
  }

  async now(): Promise<string> {
    const { rows } = await this.#app.query<{ now: string }>('select iso(clock_timestamp()) as now')
    return rows[0]?.now ?? ''
  }

  /** Committed when this returns: guards that read after it see the stop. Draining is the second half. */
  async stop(document: {
    tenant_id: string
    selectors: { kind: string; value: string | null }[]
    hold: string | null
    reason: string
    changed_by: string
    leaf_hash: string
    request_id: string
    leaves: LeafRow[]
  }): Promise<{ epoch: number }> {
    const { rows } = await this.#stop.query<{ stop_switch: { epoch: number } }>('select stop_switch($1)', [
      JSON.stringify(document),
    ])
    const [row] = rows
    if (row === undefined) throw new Error('stop_switch answered no row')
    return row.stop_switch
  }

  /** Waits until nobody holds the fence of the scope, then says what may still land. */
  async drain(tenantId: string, epoch: number): Promise<JsonObject> {
    const { rows } = await this.#stop.query<{ drain_switch: JsonObject }>('select drain_switch($1, $2)', [
      tenantId,
      epoch,
    ])
    return rows[0]?.drain_switch ?? {}
  }

  async checkStop(): Promise<void> {
    await this.#stop.query('select 1')
  }

  /** Writes the leaf when the statement changed its row. */
  async #changesOne(
    tenantId: string,
    requestId: string,
    leaf: LeafRow,
    text: string,
    values: unknown[],
  ): Promise<boolean> {
    return await inTransaction(this.#app, tenantId, async (client) => {
      const { rowCount } = await client.query(text, values)
      if (rowCount === 1) await writeLeaf(client, tenantId, null, requestId, leaf)
      return rowCount === 1
    })
  }

  async #withLeaf(
    tenantId: string,
    requestId: string,
    leaf: LeafRow,
    write: (client: pg.PoolClient) => Promise<void>,
  ): Promise<void> {
    await inTransaction(this.#app, tenantId, async (client) => {
      await write(client)
      await writeLeaf(client, tenantId, null, requestId, leaf)
    })
  }
}

/** One leaf in the transaction of what it tells of. */
export async function writeLeaf(
  client: pg.PoolClient,
  tenantId: string,
  operationId: string | null,
  requestId: string | null,
  leaf: LeafRow,
): Promise<void> {
  await client.query('select write_leaves($1, $2, $3, jsonb_build_array($4::jsonb))', [
    tenantId,
    operationId,
    requestId,
    JSON.stringify(leaf),
  ])
}
