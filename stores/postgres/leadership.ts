/** One leader among many processes: a session that holds an advisory lock. Losing the session is losing the lead. */
import pg from 'pg'

export class Leadership {
  readonly #url: string
  readonly #name: string
  #client: pg.Client | null = null
  constructor(url: string, name: string) {
    this.#url = url
    this.#name = name
  }

  /** True while this process leads; tries to become leader otherwise. */
  async held(): Promise<boolean> {
    if (this.#client !== null) return true
    const client = new pg.Client({ connectionString: this.#url, application_name: `exo ${this.#name} leader` })
    client.on('error', () => {
      this.#client = null
    })
    client.on('end', () => {
      if (this.#client === client) this.#client = null
    })
    try {
      await client.connect()
      const { rows } = await client.query<{ got: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as got',
        [`exo leader ${this.#name}`],
      )
      if (rows[0]?.got === true) {
        this.#client = client
        return true
      }
      await client.end()
      return false
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
  }

  async release(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.end()
  }
}
