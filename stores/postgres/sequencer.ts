/**
 * The one writer of indices. Leaves committed anywhere get the next dense index of their tenant's tree, and the new
 * head is signed in the same transaction; each step is conditional on the old size, so two sequencers cannot fork it.
 */
import { createPrivateKey, sign } from 'node:crypto'
import type pg from 'pg'
import { readHead, readNodes } from './audit-log.ts'
import { inTransaction } from './pool.ts'
import type { CrashPoint } from '../../domain/crash-points.ts'
import { appendLeaves, frontierCoords, rootOfFrontier } from '../../domain/log/merkle.ts'
import {
  checkpointBody,
  joinNote,
  noteSignatureLine,
  noteVerifierKey,
  openNote,
  parseCheckpointBody,
} from '../../domain/log/note.ts'

const BATCH = 2_000

export interface NoteKey {
  /** Name in the note and the origin's first part: the deployment id. */
  deployment: string
  publicKey: Uint8Array
  privateJwk: { kty: string; crv: string; x: string; d: string }
}

export class Sequencer {
  readonly #pool: pg.Pool
  readonly #name: string
  readonly #deployment: string
  readonly #publicKey: Uint8Array
  readonly #privateKey: ReturnType<typeof createPrivateKey>
  readonly #crashPoint: (name: CrashPoint) => void

  constructor(pool: pg.Pool, key: NoteKey, crashPoint: (name: CrashPoint) => void) {
    this.#crashPoint = crashPoint
    this.#pool = pool
    this.#deployment = key.deployment
    this.#name = key.deployment
    this.#publicKey = key.publicKey
    this.#privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' })
  }

  get verifierKey(): string {
    return noteVerifierKey(this.#name, this.#publicKey)
  }

  /** Tenants with leaves that wait for an index. */
  async waiting(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ tenant_id: string }>(
      'select distinct tenant_id from audit_leaves where seq is null limit 500',
    )
    return rows.map((row) => row.tenant_id)
  }

  /** Indexes one batch of a tenant's leaves; answers how many. */
  async index(tenantId: string): Promise<number> {
    return await inTransaction(this.#pool, tenantId, async (client) => {
      const { rows: heads } = await client.query<{ size: string; frontier: Buffer[] }>(
        'select size::text, frontier from audit_heads where tenant_id = $1 for update',
        [tenantId],
      )
      const size = Number(heads[0]?.size ?? 0)
      const { rows: leaves } = await client.query<{ id: string; leaf_hash: Buffer }>(
        'select id::text, leaf_hash from audit_leaves where tenant_id = $1 and seq is null order by audit_leaves.id limit $2',
        [tenantId, BATCH],
      )
      if (leaves.length === 0) return 0
      const frontier = (heads[0]?.frontier ?? []).map((hash) => new Uint8Array(hash))
      const grown = appendLeaves(
        size,
        frontier,
        leaves.map((leaf) => new Uint8Array(leaf.leaf_hash)),
      )
      await client.query(
        `update audit_leaves l set seq = w.seq from unnest($2::bigint[], $3::bigint[]) as w (id, seq)
         where l.id = w.id and l.tenant_id = $1 and l.seq is null`,
        [tenantId, leaves.map((leaf) => leaf.id), leaves.map((_leaf, offset) => size + offset)],
      )
      await client.query(
        `insert into audit_nodes (tenant_id, level, index, hash)
         select $1, * from unnest($2::smallint[], $3::bigint[], $4::bytea[])`,
        [
          tenantId,
          grown.nodes.map((node) => node.level),
          grown.nodes.map((node) => node.index),
          grown.nodes.map((node) => Buffer.from(node.hash)),
        ],
      )
      this.#crashPoint('U1')
      const { rowCount } = await client.query(
        `insert into audit_heads as h (tenant_id, size, root, frontier, checkpoint) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id) do update set size = excluded.size, root = excluded.root, frontier = excluded.frontier,
           checkpoint = excluded.checkpoint, signed_at = clock_timestamp()
         where h.size = $6`,
        [
          tenantId,
          grown.size,
          Buffer.from(grown.root),
          grown.frontier.map((hash) => Buffer.from(hash)),
          this.#checkpoint(tenantId, grown.size, grown.root),
          size,
        ],
      )
      if (rowCount !== 1) throw new Error(`the head of ${tenantId} moved under the sequencer`)
      this.#crashPoint('U2')
      return leaves.length
    })
  }

  /** Checkpoints of which no copy lies outside the database, whoever signed them, of tenants that follow this one. */
  async unmirrored(after: string, limit: number): Promise<{ tenant_id: string; size: number; checkpoint: string }[]> {
    const { rows } = await this.#pool.query<{ tenant_id: string; size: number; checkpoint: string }>(
      'select tenant_id, size::float8 as size, checkpoint from audit_heads where mirrored_size < size and tenant_id > $1 order by tenant_id limit $2',
      [after, limit],
    )
    return rows
  }

  /** Said by whoever put it last: an older copy over a newer one is put right with the next turn. */
  async wasMirrored(tenantId: string, size: number): Promise<void> {
    await this.#pool.query('update audit_heads set mirrored_size = $2 where tenant_id = $1', [tenantId, size])
  }

  /** Says that the sequencer is alive and whether what it stored still agrees with itself. */
  async beat(selfCheck: boolean | null): Promise<void> {
    await this.#pool.query(
      `insert into audit_sequencer as s (alive_at, self_check_ok, self_check_at)
       values (clock_timestamp(), coalesce($1, false), clock_timestamp())
       on conflict (singleton) do update set alive_at = excluded.alive_at,
         self_check_ok = coalesce($1, s.self_check_ok),
         self_check_at = case when $1 is null then s.self_check_at else excluded.self_check_at end`,
      [selfCheck],
    )
  }

  /** Recomputes the heads' roots from stored nodes and opens their notes. */
  async selfCheck(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ tenant_id: string }>(
      'select tenant_id from audit_heads order by signed_at desc limit 20',
    )
    for (const { tenant_id } of rows) if (!(await this.#headAgrees(tenant_id))) return false
    return true
  }

  async #headAgrees(tenantId: string): Promise<boolean> {
    return await inTransaction(this.#pool, tenantId, async (client) => {
      const head = await readHead(client, tenantId)
      if (head === null) return true
      const coords = frontierCoords(head.size)
      const nodes = (await readNodes(client, tenantId, coords)).filter((node) => node !== null)
      if (nodes.length !== coords.length) return false
      const root = Buffer.from(rootOfFrontier(nodes)).toString('hex')
      const { body } = openNote(head.checkpoint, [this.verifierKey])
      const signed = parseCheckpointBody(body)
      return root === head.root && signed.size === head.size && Buffer.from(signed.root).toString('hex') === root
    })
  }

  #checkpoint(tenantId: string, size: number, root: Uint8Array): string {
    const body = checkpointBody({ origin: `${this.#deployment}/${tenantId}`, size, root })
    const signature = sign(null, Buffer.from(body), this.#privateKey)
    return joinNote(body, [noteSignatureLine(this.#name, this.#publicKey, new Uint8Array(signature))])
  }
}
