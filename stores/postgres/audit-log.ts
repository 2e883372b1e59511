/** Reading the log: pages of leaves, heads, and proofs from stored nodes. Proofs are made, never stored. */
import type pg from 'pg'
import { inTransaction } from './pool.ts'
import type { Json } from '../../domain/canonical.ts'
import type { LeafKind } from '../../domain/leaf.ts'
import {
  consistencyCoords,
  consistencyProof,
  inclusionCoords,
  inclusionProof,
  type NodeCoord,
  type ReadNode,
} from '../../domain/log/merkle.ts'

export interface Head {
  size: number
  root: string
  checkpoint: string
}

export interface LeafItem {
  seq: number
  leaf_hash: string
  /** Base64 of the exact bytes. */
  entry: string
  leaf: Json
}

export interface LeafFilter {
  operation_id?: string | undefined
  request_id?: string | undefined
  kind?: string | undefined
}

export class AuditLog {
  readonly #pool: pg.Pool
  readonly #admitted: 'its tenant' | 'every tenant'
  /** Row-level security admits role `sequencer` to every tenant's log, so its reads need no transaction around them. */
  constructor(pool: pg.Pool, admitted: 'its tenant' | 'every tenant' = 'its tenant') {
    this.#pool = pool
    this.#admitted = admitted
  }

  async head(tenantId: string): Promise<Head | null> {
    return await this.#read(tenantId, (client) => readHead(client, tenantId))
  }

  /** How far the logs of several tenants have come, in one round trip. */
  async sizes(tenantIds: readonly string[]): Promise<Record<string, number>> {
    const { rows } = await this.#pool.query<{ log_sizes: Record<string, number> }>('select log_sizes($1)', [tenantIds])
    return rows[0]?.log_sizes ?? {}
  }

  /** Indexed leaves from `from` up to but not with `below`, oldest first. */
  async page(tenantId: string, from: number, below: number, limit: number, filter: LeafFilter): Promise<LeafItem[]> {
    return await this.#read(tenantId, async (client) => {
      const { rows } = await client.query<{ seq: string; leaf_hash: string; entry: string }>(
        `select seq::text, encode(leaf_hash, 'hex') as leaf_hash, encode(entry, 'base64') as entry from audit_leaves
         where tenant_id = $1 and seq >= $2 and seq < $3 and ($4::text is null or operation_id = $4)
           and ($5::text is null or request_id = $5) and ($6::text is null or kind = $6)
         order by audit_leaves.seq limit $7`,
        [tenantId, from, below, filter.operation_id ?? null, filter.request_id ?? null, filter.kind ?? null, limit],
      )
      return rows.map(toItem)
    })
  }

  /** Leaves by hash, with their positions; those without a position yet are left out. */
  async byHash(tenantId: string, hashes: readonly string[]): Promise<LeafItem[]> {
    return await this.#read(tenantId, async (client) => {
      const { rows } = await client.query<{ seq: string; leaf_hash: string; entry: string }>(
        `select seq::text, encode(leaf_hash, 'hex') as leaf_hash, encode(entry, 'base64') as entry from audit_leaves
         where tenant_id = $1 and seq is not null and leaf_hash = any (array(select decode(h, 'hex') from unnest($2::text[]) h))
         order by audit_leaves.seq`,
        [tenantId, hashes],
      )
      return rows.map(toItem)
    })
  }

  /** Leaves of an operation of these kinds or with these hashes; `waiting` have no position yet. */
  async byOperation(
    tenantId: string,
    operationId: string,
    { kinds, hashes = [] }: { kinds: readonly LeafKind[]; hashes?: readonly string[] },
  ): Promise<{ items: LeafItem[]; waiting: number }> {
    return await this.#read(tenantId, async (client) => {
      const { rows } = await client.query<{ seq: string | null; leaf_hash: string; entry: string }>(
        `select seq::text, encode(leaf_hash, 'hex') as leaf_hash, encode(entry, 'base64') as entry from audit_leaves
         where tenant_id = $1 and operation_id = $2
           and (kind = any ($3) or leaf_hash = any (array(select decode(h, 'hex') from unnest($4::text[]) h)))
         order by audit_leaves.seq`,
        [tenantId, operationId, kinds, hashes],
      )
      const indexed = rows.filter((row) => row.seq !== null) as { seq: string; leaf_hash: string; entry: string }[]
      return { items: indexed.map(toItem), waiting: rows.length - indexed.length }
    })
  }

  async inclusion(tenantId: string, positions: readonly number[], size: number): Promise<Map<number, string[]>> {
    const coords = positions.flatMap((position) => inclusionCoords(position, size))
    const node = await this.#nodes(tenantId, coords)
    return new Map(positions.map((position) => [position, inclusionProof(position, size, node).map(hex)]))
  }

  async consistency(tenantId: string, from: number, to: number): Promise<string[]> {
    const node = await this.#nodes(tenantId, consistencyCoords(from, to))
    return consistencyProof(from, to, node).map(hex)
  }

  /** The root of an earlier size, recomputed from stored nodes. */
  async rootAt(tenantId: string, coords: NodeCoord[]): Promise<Uint8Array[]> {
    const node = await this.#nodes(tenantId, coords)
    return coords.map(({ level, index }) => node(level, index))
  }

  async #read<T>(tenantId: string, work: (client: Pick<pg.ClientBase, 'query'>) => Promise<T>): Promise<T> {
    return this.#admitted === 'every tenant' ? await work(this.#pool) : await inTransaction(this.#pool, tenantId, work)
  }

  async #nodes(tenantId: string, coords: readonly NodeCoord[]): Promise<ReadNode> {
    const read =
      coords.length === 0 ? [] : await this.#read(tenantId, async (client) => await readNodes(client, tenantId, coords))
    const known = new Map(coords.map((at, n) => [`${at.level}/${at.index}`, read[n] ?? null]))
    return (level, index) => {
      const hash = known.get(`${level}/${index}`)
      if (hash == null) throw new Error(`audit node ${level}/${index} of ${tenantId} is absent`)
      return hash
    }
  }
}

export async function readHead(client: Pick<pg.ClientBase, 'query'>, tenantId: string): Promise<Head | null> {
  const { rows } = await client.query<{ size: string; root: string; checkpoint: string }>(
    `select size::text, encode(root, 'hex') as root, checkpoint from audit_heads where tenant_id = $1`,
    [tenantId],
  )
  const [row] = rows
  return row === undefined ? null : { ...row, size: Number(row.size) }
}

/** The nodes at these places, in their order; null where there is none. */
export async function readNodes(
  client: Pick<pg.ClientBase, 'query'>,
  tenantId: string,
  coords: readonly NodeCoord[],
): Promise<(Uint8Array | null)[]> {
  const { rows } = await client.query<{ hash: Buffer | null }>(
    // A subquery for a value stays a look at the key for each, whatever the planner believes of the table.
    `select (select n.hash from audit_nodes n where n.tenant_id = $1 and n.level = w.level and n.index = w.index) as hash
     from unnest($2::smallint[], $3::bigint[]) with ordinality as w (level, index, n_th) order by w.n_th`,
    [tenantId, coords.map(({ level }) => level), coords.map(({ index }) => index)],
  )
  return rows.map(({ hash }) => (hash === null ? null : new Uint8Array(hash)))
}

function toItem(row: { seq: string; leaf_hash: string; entry: string }): LeafItem {
  const entry = row.entry.replaceAll('\n', '')
  return {
    seq: Number(row.seq),
    leaf_hash: row.leaf_hash,
    entry,
    leaf: JSON.parse(Buffer.from(entry, 'base64').toString('utf8')) as Json,
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
