/**
 * An operation's passes, votes, guard transaction and end. Two pools stand behind it: role `guard` for ordinary
 * actions, role `control` for those that govern; each can write only what its actions may change.
 */
import type pg from 'pg'
import { ControlsStore } from './controls.ts'
import { NotesStore } from './notes.ts'
import { rollBack } from './pool.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import type {
  EndDocument,
  GuardTransaction,
  OperationRows,
  PassRow,
  PendingDocument,
} from '../../domain/operation-rows.ts'
import type { TransactionPorts } from '../../domain/ports.ts'

export class OperationStore implements OperationRows {
  readonly #guard: pg.Pool
  readonly #control: pg.Pool
  constructor(guard: pg.Pool, control: pg.Pool) {
    this.#guard = guard
    this.#control = control
  }

  async readPass(tenantId: string, operationId: string): Promise<PassRow> {
    const { rows } = await this.#guard.query<{ read_pass: PassRow }>({
      name: 'read_pass',
      text: 'select read_pass($1, $2, false)',
      values: [tenantId, operationId],
    })
    return only(rows).read_pass
  }

  async markPending(document: PendingDocument): Promise<{ status: string; expires_at?: string }> {
    return await this.#call('mark_pending', document)
  }

  async endOperation(document: EndDocument): Promise<{ ended: boolean; status: string }> {
    return await this.#call('end_operation', document)
  }

  /**
   * The guard's transaction: the fence's shared locks first, then, in a statement that starts after them, the row and
   * fresh facts. `work` decides; it commits only if `work` returns true, else nothing happened.
   */
  async guarded(
    tenantId: string,
    operationId: string,
    governs: boolean,
    work: (transaction: GuardTransaction) => Promise<'commit' | 'rollback'>,
  ): Promise<void> {
    const client = await (governs ? this.#control : this.#guard).connect()
    let broken: Error | undefined
    try {
      const text = (value: string) => client.escapeLiteral(value)
      const answers = (await client.query(
        `begin; select fence(${text(tenantId)}); select read_pass(${text(tenantId)}, ${text(operationId)}, true)`,
      )) as unknown as pg.QueryResult<{ read_pass: PassRow }>[]
      const row = only(answers[2]?.rows ?? []).read_pass
      const ports: TransactionPorts = {
        notes: new NotesStore(client, tenantId, operationId),
        controls: new ControlsStore(client, tenantId, operationId),
      }
      let ended = false
      const verdict = await work({
        row,
        ports,
        end: async (document) => {
          const { ended: did } = only(
            (
              await client.query<{ end_operation: { ended: boolean } }>({
                name: 'end_operation',
                text: 'select end_operation($1)',
                values: [JSON.stringify(document)],
              })
            ).rows,
          ).end_operation
          ended = did
        },
      })
      await client.query(verdict === 'commit' && ended ? 'commit' : 'rollback')
    } catch (error) {
      broken = await rollBack(client, error)
      throw error
    } finally {
      client.release(broken)
    }
  }

  async raiseAlarm(tenantId: string, operationId: string | null, leaf: LeafRow): Promise<void> {
    await this.#guard.query(
      `select set_config('app.tenant', $1, true), write_leaves($1, $2, null, jsonb_build_array($3::jsonb))`,
      [tenantId, operationId, JSON.stringify(leaf)],
    )
  }

  async tenantExists(tenantId: string): Promise<boolean> {
    const { rows } = await this.#guard.query('select from tenants where id = $1', [tenantId])
    return rows.length > 0
  }

  async databaseTime(): Promise<string> {
    const { rows } = await this.#guard.query<{ iso: string }>('select iso(clock_timestamp())')
    return only(rows).iso
  }

  async #call<T>(name: 'mark_pending' | 'end_operation', document: object): Promise<T> {
    const { rows } = await this.#guard.query<Record<string, T>>({
      name,
      text: `select ${name}($1)`,
      values: [JSON.stringify(document)],
    })
    return only(rows)[name] as T
  }
}

function only<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined) throw new Error('a database function answered no row')
  return row
}
