/** Notes: written inside the guard's transaction, read by anybody who may read the tenant. */
import type pg from 'pg'
import { readAs } from './pool.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import type { NotesPort, NotesReader } from '../../domain/ports.ts'

export class NotesStore implements NotesPort {
  readonly #client: pg.PoolClient
  readonly #tenantId: string
  readonly #operationId: string
  readonly #later: (statement: pg.QueryConfig) => void
  /** `later` takes a statement that nobody waits for: it goes out with the end. */
  constructor(
    client: pg.PoolClient,
    tenantId: string,
    operationId: string,
    later: (statement: pg.QueryConfig) => void,
  ) {
    this.#client = client
    this.#tenantId = tenantId
    this.#operationId = operationId
    this.#later = later
  }

  append(note: { id: string; notebook: string; text: string; labels: JsonObject }): void {
    this.#later({
      name: 'note_append',
      text: `insert into notes (tenant_id, id, notebook, text, labels, operation_id) values ($1, $2, $3, $4, $5, $6)`,
      values: [this.#tenantId, note.id, note.notebook, note.text, JSON.stringify(note.labels), this.#operationId],
    })
  }

  async remove(id: string): Promise<boolean> {
    return await this.#change('update notes set removed_at = clock_timestamp() where removed_at is null', id)
  }

  async restore(id: string): Promise<boolean> {
    return await this.#change('update notes set removed_at = null where removed_at is not null', id)
  }

  async #change(update: string, id: string): Promise<boolean> {
    const { rowCount } = await this.#client.query(`${update} and tenant_id = $1 and id = $2`, [this.#tenantId, id])
    return rowCount === 1
  }
}

export class NotesReading implements NotesReader {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async list(tenantId: string, notebook: string, limit: number): Promise<Json[]> {
    return (await this.page(tenantId, notebook, null, limit)).map((row) => row.note)
  }

  /** Newest first, before the given ordinal. */
  async page(
    tenantId: string,
    notebook: string,
    before: string | null,
    limit: number,
  ): Promise<{ ordinal: string; note: Json }[]> {
    return await readAs(
      this.#pool,
      tenantId,
      `select ordinal::text, jsonb_build_object('id', id, 'notebook', notebook, 'text', text, 'labels', labels,
         'operation_id', operation_id, 'created_at', iso(created_at)) as note
       from notes where tenant_id = $1 and notebook = $2 and removed_at is null and ($3::bigint is null or ordinal < $3::bigint)
       order by notes.ordinal desc limit $4`,
      [tenantId, notebook, before, limit],
    )
  }
}
