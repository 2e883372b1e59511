/**
 * An operation's passes, votes, guard transaction and end. Two pools stand behind it: role `guard` for ordinary
 * actions, role `control` for those that govern; each can write only what its actions may change.
 */
import type pg from 'pg'
import { ControlsStore } from './controls.ts'
import { NotesStore } from './notes.ts'
import { rollBack } from './pool.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { LeafRow } from '../../domain/leaf.ts'
import { LIMITS } from '../../domain/limits.ts'
import type {
  EndDocument,
  Fence,
  GuardTransaction,
  OperationRows,
  PassRow,
  PendingDocument,
} from '../../domain/operation-rows.ts'
import type { TransactionPorts } from '../../domain/ports.ts'

const COMMIT = { text: 'commit' }
/** Gives the locks of a session back. */
const GIVE_BACK = { text: 'select pg_advisory_unlock_all(); set idle_session_timeout = 0' }

type Told = Awaited<ReturnType<OperationRows['endOperation']>>

export class OperationStore implements OperationRows {
  readonly #guard: pg.Pool
  readonly #control: pg.Pool
  readonly #fences: pg.Pool
  readonly #leaseMs: number
  /** `fences` is a pool of its own, so that nobody waits for the pool whose locks they hold. */
  constructor(guard: pg.Pool, control: pg.Pool, fences: pg.Pool, leaseMs: number = LIMITS.leaseMs) {
    this.#guard = guard
    this.#control = control
    this.#fences = fences
    this.#leaseMs = leaseMs
  }

  async readPass(tenantId: string, operationId: string): Promise<PassRow> {
    const { rows } = await this.#guard.query<{ read_pass: PassRow }>({
      name: 'read_pass',
      text: 'select read_pass($1, $2, false)',
      values: [tenantId, operationId],
    })
    return only(rows).read_pass
  }

  async readClaimed(tenantId: string, operationId: string): Promise<PassRow> {
    return await readClaimed(this.#guard, tenantId, operationId)
  }

  async markPending(document: PendingDocument): Promise<{ status: string; expires_at?: string }> {
    const { rows } = await this.#guard.query<{ mark_pending: Awaited<ReturnType<OperationRows['markPending']>> }>(
      calling('mark_pending', document),
    )
    return only(rows).mark_pending
  }

  async endOperation(document: EndDocument): Promise<{ ended: boolean; status: string; row?: JsonObject }> {
    const { rows } = await this.#guard.query<{ end_told: Told }>(calling('end_told', kept(document)))
    return only(rows).end_told
  }

  /**
   * Two round trips where an effect only writes: the locks and the reading come with `begin`; what is written, the end and
   * the commit go together. After a statement that fails, PostgreSQL refuses the rest and turns the commit into a rollback.
   */
  async guarded<T>(
    tenantId: string,
    operationId: string,
    governs: boolean,
    work: (transaction: GuardTransaction) => Promise<T>,
  ): Promise<T> {
    const client = await (governs ? this.#control : this.#guard).connect()
    let broken: Error | undefined
    try {
      const begin = `begin; select fence(${client.escapeLiteral(tenantId)})`
      return await transactionOf(client, begin, tenantId, operationId, work)
    } catch (error) {
      broken = await rollBack(client, error)
      throw error
    } finally {
      client.release(broken)
    }
  }

  /**
   * The session holds the locks, so they outlive the claim's commit. The server ends a session that is silent for longer than
   * the lease while it holds them: a process that is paused or gone keeps no stop waiting.
   */
  async fenced<T>(tenantId: string, operationId: string, work: (fence: Fence) => Promise<T>): Promise<T> {
    const client = await this.#fences.connect()
    let holds = true
    let isGiven = false
    const lost = () => {
      holds = false
    }
    client.once('error', lost)
    client.once('end', lost)
    let broken: Error | undefined
    try {
      return await work({
        guarded: async (inside) => {
          isGiven = false
          const ms = Math.ceil(this.#leaseMs)
          // By itself: as a part of the transaction it would be taken back with it.
          const bound = { text: `set idle_session_timeout = ${ms}; set idle_in_transaction_session_timeout = ${ms}` }
          const begin = `select hold_fence(${client.escapeLiteral(tenantId)}); begin`
          return await transactionOf(client, begin, tenantId, operationId, inside, bound)
        },
        dispatchAgain: async (leaseMs, tried) => {
          const values = [tenantId, operationId, leaseMs, tried]
          const { rows } = await client.query<{ again: boolean }>('select dispatch_again($1, $2, $3, $4) again', values)
          return only(rows).again
        },
        readClaimed: async (tenant, operation) => await readClaimed(client, tenant, operation),
        // Whoever ends it has nothing left to do under the locks.
        endOperation: async (document) => {
          const [told] = await allOf<{ end_told: Told }>(
            inOnePacket(client, [calling('end_told', kept(document)), GIVE_BACK]),
          )
          isGiven = true
          return only(told?.rows ?? []).end_told
        },
        holds: () => holds,
      })
    } catch (error) {
      broken = await rollBack(client, error)
      throw error
    } finally {
      broken ??= holds ? (isGiven ? undefined : await letGo(client)) : new Error('the fence was lost')
      client.off('error', lost)
      client.off('end', lost)
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
}

async function readClaimed(on: pg.Pool | pg.PoolClient, tenantId: string, operationId: string): Promise<PassRow> {
  const { rows } = await on.query<{ read_pass: PassRow }>({
    name: 'read_claimed',
    text: 'select read_pass($1, $2, false, false)',
    values: [tenantId, operationId],
  })
  return only(rows).read_pass
}

/** The call of a database function that takes one document, planned once for a connection. */
function calling(name: 'mark_pending' | 'claim_effect' | 'end_told' | 'end_now', document: object): pg.QueryConfig {
  return { name, text: `select ${name}($1)`, values: [JSON.stringify(document)] }
}

function only<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined) throw new Error('a database function answered no row')
  return row
}

/** A transaction over the row that it reads first; nothing happened unless the work settles it. */
async function transactionOf<T>(
  client: pg.PoolClient,
  begin: string,
  tenantId: string,
  operationId: string,
  work: (transaction: GuardTransaction) => Promise<T>,
  first?: pg.QueryConfig,
): Promise<T> {
  const text = (value: string) => client.escapeLiteral(value)
  const read = { text: `${begin}; select read_pass(${text(tenantId)}, ${text(operationId)}, true)` }
  const answers = (await allOf(inOnePacket(client, first === undefined ? [read] : [first, read]))).at(-1)
  const row = only((answers as unknown as pg.QueryResult<{ read_pass: PassRow }>[]).at(-1)?.rows ?? []).read_pass
  const unsent: pg.QueryConfig[] = []
  const later = (statement: pg.QueryConfig) => {
    unsent.push(statement)
  }
  const together = async <T extends pg.QueryResultRow>(...last: pg.QueryConfig[]) =>
    await allOf<T>(inOnePacket(client, [...unsent.splice(0), ...last]))
  const ports: TransactionPorts = {
    notes: new NotesStore(client, tenantId, operationId, later),
    controls: new ControlsStore(client, tenantId, operationId),
  }
  let settled = false
  const answer = await work({
    row,
    ports,
    end: async (document) => {
      settled = true
      const told = await together<{ end_now: JsonObject }>(calling('end_now', kept(document)), COMMIT)
      return only(told.at(-2)?.rows ?? []).end_now
    },
    claim: async (document) => {
      settled = true
      await together(calling('claim_effect', document), COMMIT)
    },
    attempt: async (work) => {
      await client.query('savepoint item')
      try {
        const result = await work()
        await together({ text: 'release savepoint item' })
        return { result }
      } catch (thrown) {
        unsent.length = 0
        await client.query('rollback to savepoint item')
        return { thrown }
      }
    },
    keep: async (operation, items) => {
      settled = true
      await together({ text: 'select keep_items($1)', values: [JSON.stringify({ ...operation, items })] }, COMMIT)
    },
  })
  if (!settled) await client.query('rollback')
  return answer
}

/** Gives the locks back; answers why the session must not be used again, if so. */
async function letGo(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query(GIVE_BACK)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error('the fence could not be given back', { cause: error })
  }
}

/** Statements that nobody waits for one by one wake the server once. */
function inOnePacket(client: pg.PoolClient, statements: readonly pg.QueryConfig[]): Promise<pg.QueryResult>[] {
  const { stream } = client.connection
  stream.cork()
  try {
    return statements.map((statement) => client.query(statement))
  } finally {
    stream.uncork()
  }
}

/** Waits for all of them, and throws what the first that failed threw: what fails after it only says that it did. */
async function allOf<T extends pg.QueryResultRow>(
  sent: readonly Promise<pg.QueryResult>[],
): Promise<pg.QueryResult<T>[]> {
  const answers: pg.QueryResult<T>[] = []
  for (const each of await Promise.allSettled(sent)) {
    if (each.status === 'rejected') throw each.reason
    answers.push(each.value)
  }
  return answers
}

function kept({ receipt: _payloadOfJws, ...document }: EndDocument): Omit<EndDocument, 'receipt'> {
  return document
}
