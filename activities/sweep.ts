/**
 * Takes away what was uploaded and never registered, well after its ticket, a bounded number each round. The ticket is closed
 * first: from then on nobody can register it, so that nothing goes which somebody still counts on. Assets lie elsewhere
 * and are never touched.
 */
import { type LeafRow, leafRow, makeLeaf } from '../domain/leaf.ts'
import { LIMITS } from '../domain/limits.ts'

interface Ticket {
  tenant_id: string
  asset_id: string
}

export interface SweepTools {
  uploads: {
    /** Open tickets that ended this long ago; none whose registration is under way or has an end nobody knows. */
    over(seconds: number, limit: number): Promise<Ticket[]>
    /** Closes it with the leaf, unless somebody came before. */
    close(ticket: Ticket, leaf: (closedAs: string, at: string) => LeafRow): Promise<void>
    uncleared(limit: number): Promise<Ticket[]>
    cleared(tickets: readonly Ticket[]): Promise<void>
  }
  staging: { clearStaged(tenantId: string, assetId: string, timeoutMs: number): Promise<void> }
}

const AT_MOST = 50
const CLEAR_WITHIN_MS = 5_000

/** Answers how many uploads are gone. What the store did not take away comes again in the next round. */
export async function sweepUploads({ uploads, staging }: SweepTools): Promise<number> {
  for (const ticket of await uploads.over(LIMITS.uploadKeptSeconds, AT_MOST))
    await uploads.close(ticket, (closedAs, at) => closingLeaf(ticket, closedAs, at))
  const left = await uploads.uncleared(AT_MOST)
  const done = await Promise.allSettled(
    left.map(({ tenant_id, asset_id }) => staging.clearStaged(tenant_id, asset_id, CLEAR_WITHIN_MS)),
  )
  const gone = left.filter((_, index) => done[index]?.status === 'fulfilled')
  if (gone.length > 0) await uploads.cleared(gone)
  return gone.length
}

function closingLeaf({ tenant_id, asset_id }: Ticket, closed_as: string, at: string): LeafRow {
  return leafRow(
    makeLeaf({
      kind: 'record.written',
      tenant_id,
      at,
      actor: { principal_id: null, kind: 'system' },
      reason: 'the time to register the upload is over',
      after: { asset_id, closed_as },
    }),
  )
}
