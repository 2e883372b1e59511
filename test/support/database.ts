/** Direct connections for tests: as a role, inside one transaction, with a tenant set or none. */
import pg from 'pg'

export class Database {
  readonly #pool: pg.Pool
  constructor(url: string, max = 2) {
    this.#pool = new pg.Pool({ connectionString: url, max, connectionTimeoutMillis: 5_000 })
    // A test that kills the server expects its idle connections to break.
    this.#pool.on('error', () => undefined)
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query<Row>(text, values)).rows
  }

  /** One transaction with `app.tenant` set: row-level security is forced for every role, the owner included. */
  async within<Row extends pg.QueryResultRow>(tenantId: string, text: string, values: unknown[] = []): Promise<Row[]> {
    return await this.transaction(async (client) => {
      await client.query(`select set_config('app.tenant', $1, true)`, [tenantId])
      return (await client.query<Row>(text, values)).rows
    })
  }

  async transaction<T>(work: (client: pg.PoolClient) => Promise<T>, end: 'commit' | 'rollback' = 'commit'): Promise<T> {
    const client = await this.#pool.connect()
    let broken = false
    try {
      await client.query('begin')
      const result = await work(client)
      await client.query(end)
      return result
    } catch (error) {
      await client.query('rollback').catch(() => {
        broken = true
      })
      throw error
    } finally {
      client.release(broken)
    }
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }
}
