/**
 * The world's own memory of what was done to it. Shares no code with the product: a table and a trigger, put in place
 * through the owner's connection, that no role of a running process can touch. The trigger is deferred to the commit, so
 * that `at` is when the effect became real and an effect that was rolled back was never there.
 */
import pg from 'pg'

export interface Effect {
  n: number
  what: 'INSERT' | 'DELETE'
  tenant_id: string
  operation_id: string
  note_id: string
  text: string
  at: string
}

const INSTALL = `
create schema world;
create table world.effects (
  n bigint generated always as identity primary key,
  what text not null,
  tenant_id text not null,
  operation_id text not null,
  note_id text not null,
  text text not null,
  at timestamptz not null default clock_timestamp()
);
create function world.record() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare seen record;
begin
  if tg_op = 'DELETE' then seen := old; else seen := new; end if;
  insert into world.effects (what, tenant_id, operation_id, note_id, text)
    values (tg_op, seen.tenant_id, seen.operation_id, seen.id, seen.text);
  return null;
end $$;
create constraint trigger world_records after insert or update or delete on public.notes
  deferrable initially deferred for each row execute function world.record();
revoke all on schema world from public;
revoke all on all tables in schema world from public;
revoke all on all functions in schema world from public;
`

export class World {
  readonly #pool: pg.Pool

  private constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 3, connectionTimeoutMillis: 5_000 })
    // The tests kill the server it looks at.
    this.#pool.on('error', () => undefined)
  }

  static async install(ownerUrl: string): Promise<World> {
    const world = new World(ownerUrl)
    await world.#pool.query(INSTALL)
    return world
  }

  /** Everything that was done, in the order it was recorded. */
  async effects(): Promise<Effect[]> {
    const { rows } = await this.#pool.query<Effect>(
      'select n::int, what, tenant_id, operation_id, note_id, text, at::text from world.effects order by n',
    )
    return rows
  }

  async count(): Promise<number> {
    const { rows } = await this.#pool.query<{ count: number }>('select count(*)::int as count from world.effects')
    return rows[0]?.count ?? 0
  }

  /** How many effects became real after this instant of the database's clock, given to the microsecond. */
  async since(instant: string): Promise<number> {
    const { rows } = await this.#pool.query<{ count: number }>(
      'select count(*)::int as count from world.effects where at > $1::timestamptz',
      [instant],
    )
    return rows[0]?.count ?? 0
  }

  /** How many effects became real between two instants, the first excluded. */
  async between(from: string, to: string): Promise<number> {
    const { rows } = await this.#pool.query<{ count: number }>(
      'select count(*)::int as count from world.effects where at > $1::timestamptz and at <= $2::timestamptz',
      [from, to],
    )
    return rows[0]?.count ?? 0
  }

  /** The database's clock and what is visible at that instant, in one statement. */
  async now(): Promise<{ at: string; count: number }> {
    const { rows } = await this.#pool.query<{ at: string; count: number }>(
      'select (select count(*)::int from world.effects) as count, clock_timestamp()::text as at',
    )
    const [row] = rows
    if (row === undefined) throw new Error('the world does not answer')
    return row
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}
