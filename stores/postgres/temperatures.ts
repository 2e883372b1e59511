/** A surface's temperature: what a decision would read now, and what decisions read. Nothing is written here. */
import type pg from 'pg'
import { readAs } from './pool.ts'
import type { Facts } from '../../domain/facts.ts'

type TemperatureFacts = NonNullable<Facts['temperature']>

export interface PastTemperature {
  ordinal: string
  operation_id: string
  pass: string
  at: string
  facts: TemperatureFacts
}

export class TemperatureStore {
  readonly #pool: pg.Pool
  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async current(tenantId: string, surfaceId: string): Promise<{ at: string; facts: TemperatureFacts | null }> {
    const rows = await readAs<{ at: string; facts: TemperatureFacts | null }>(
      this.#pool,
      tenantId,
      'select iso(clock_timestamp()) as at, temperature_of($1, $2) as facts',
      [tenantId, surfaceId],
    )
    const [row] = rows
    if (row === undefined) throw new Error('the temperature answered no row')
    return row
  }

  /** Newest first. */
  async history(tenantId: string, surfaceId: string, before: string | null, limit: number): Promise<PastTemperature[]> {
    return await readAs<PastTemperature>(
      this.#pool,
      tenantId,
      `select ordinal::text, operation_id, pass, iso(at) as at, facts from temperature_readings
       where tenant_id = $1 and surface_id = $2 and ($3::bigint is null or ordinal < $3::bigint)
       order by temperature_readings.ordinal desc limit $4`,
      [tenantId, surfaceId, before, limit],
    )
  }
}
