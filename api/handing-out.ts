/**
 * Secrets of new API keys: derived again from the operation that made them, so that none is stored, and told to whoever
 * asked for them, the first time only. A leaf says that they were handed out.
 */
import { createHash } from 'node:crypto'
import { deriveApiKey } from './planning.ts'
import type { Ctx } from './request.ts'
import { recordLeaf } from './routes/controls.ts'

/** The key of this name of an executed operation, or null when keys of it were told before. */
export async function handOut(c: Ctx, operationId: string): Promise<((name: string) => string) | null> {
  const { secret, records } = c.get('ports')
  const { tenant_id, principal } = c.get('caller')
  const handed = { handed_out: createHash('sha256').update(operationId).digest('hex'), to: principal.id }
  if (!(await records.leafOnce(tenant_id, operationId, c.get('requestId'), recordLeaf(c, handed)))) return null
  return (name) => {
    const { id, secret: half } = deriveApiKey(secret, operationId, name)
    return `exo_${id}_${half}`
  }
}
