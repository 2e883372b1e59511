/**
 * Pools by role. A pool's role decides what its connections may touch; the tenant is set inside each transaction, since
 * a pooled session must not carry one over.
 */
import pg from 'pg'

export interface PoolOptions {
  url: string
  max: number
  /** Statements and transactions die by themselves, so that a hung one cannot hold the fence. */
  statementTimeoutMs: number
  applicationName: string
  /** Told at each round trip: statements sent while others are on their way are part of the same one. */
  onRoundTrip?: () => void
  /** Statements are sent without waiting for the answers of those before them; the server keeps their order. */
  pipeline?: boolean
  /** Plans made once for a connection and never again for the values at hand: all its statements find few rows by key. */
  planOnce?: boolean
}

export function openPool(options: PoolOptions, onError: (error: Error) => void): pg.Pool {
  const told = options.onRoundTrip
  class CountingClient extends pg.Client {
    #open = 0
    async #count(answered: Promise<unknown>): Promise<void> {
      await Promise.allSettled([answered])
      this.#open--
    }
    // The overloads of the base class are passed through untouched.
    override query(...asked: unknown[]): never {
      if (this.#open++ === 0) told?.()
      const answered = super.query(...(asked as Parameters<pg.Client['query']>)) as unknown
      if (answered instanceof Promise) void this.#count(answered)
      else this.#open--
      return answered as never
    }
  }
  const settings = {
    statement_timeout: options.statementTimeoutMs,
    transaction_timeout: options.statementTimeoutMs * 2,
    idle_in_transaction_session_timeout: options.statementTimeoutMs,
    ...(options.planOnce === true ? { plan_cache_mode: 'force_generic_plan' } : {}),
  }
  const pool = new pg.Pool({
    Client: CountingClient,
    connectionString: options.url,
    pipeline: options.pipeline ?? false,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    // A server that hangs does not time its statements out: then this side gives up, shortly after it should have.
    query_timeout: options.statementTimeoutMs + 1_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  })
  // Without listeners, a server that goes away would end the process: under an idle connection, and under one that is
  // held between two statements, whose next statement then fails by itself.
  pool.on('error', onError)
  pool.on('connect', (client) => {
    client.on('error', () => undefined)
  })
  return pool
}

/** Runs `work` in one transaction with the tenant set; rolls back and rethrows on any error. */
export async function inTransaction<T>(
  pool: pg.Pool,
  tenantId: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(`begin; select set_config('app.tenant', ${client.escapeLiteral(tenantId)}, true)`)
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    broken = await rollBack(client, error)
    throw error
  } finally {
    client.release(broken)
  }
}

/** Rolls back after an error; answers why the connection must not be used again, if so. */
export async function rollBack(client: pg.PoolClient, error: unknown): Promise<Error | undefined> {
  // A connection that did not answer once is not asked again: nobody waits twice.
  if (error instanceof Error && /read timeout/i.test(error.message)) return error
  try {
    await client.query('rollback')
    return undefined
  } catch (rollback) {
    return rollback instanceof Error ? rollback : new Error('the rollback failed', { cause: rollback })
  }
}

/** One read with the tenant set, in one round trip of two statements. */
export async function readAs<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  tenantId: string,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  return await inTransaction(pool, tenantId, async (client) => (await client.query<Row>(text, values)).rows)
}
