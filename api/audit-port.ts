/** What the API is handed of the log: pages, heads and stored nodes, read under role `auditor`. */
import type { Json } from '../domain/canonical.ts'

export interface LeafItem {
  seq: number
  leaf_hash: string
  entry: string
  leaf: Json
}

export interface AuditPort {
  head(tenantId: string): Promise<{ size: number; root: string; checkpoint: string } | null>
  page(
    tenantId: string,
    from: number,
    below: number,
    limit: number,
    filter: { operation_id?: string | undefined; request_id?: string | undefined; kind?: string | undefined },
  ): Promise<LeafItem[]>
  inclusion(tenantId: string, positions: readonly number[], size: number): Promise<Map<number, string[]>>
  consistency(tenantId: string, from: number, to: number): Promise<string[]>
  rootAt(tenantId: string, coords: { level: number; index: number }[]): Promise<Uint8Array[]>
}
