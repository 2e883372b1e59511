/** Stopped switches for what is no operation, so that no guard looks: observing, and tickets for uploads. */
import type { SwitchItem } from './control-row-ports.ts'
import type { Ctx } from './request.ts'
import { ExoError } from '../domain/errors.ts'

/**
 * Refuses what a stopped row names. What would change something is stopped by the rows for everything as well, whose absence
 * is a stop; what only looks passes those.
 */
export async function refuseStopped(
  c: Ctx,
  what: { action: string; class: string },
  { changes }: { changes: boolean },
): Promise<void> {
  const { tenant_id } = c.get('caller')
  const switches = await c.get('ports').reading.switches(tenant_id)
  const matches = ({ selector }: SwitchItem) =>
    (changes && selector.kind === 'all') ||
    (selector.kind === 'action' && selector.value === what.action) ||
    (selector.kind === 'class' && selector.value === what.class)
  const stopped = switches.find((row) => row.state === 'stopped' && matches(row))
  if (stopped !== undefined) {
    const { scope, selector, epoch, reason } = stopped
    throw new ExoError('kill_switch.blocked', undefined, { scope, selector, epoch, reason, unset: false })
  }
  if (!changes) return
  const isSet = (scope: string) => switches.some((row) => row.scope === scope && row.selector.kind === 'all')
  const unset = ['global', 'tenant'].find((scope) => !isSet(scope))
  if (unset !== undefined)
    throw new ExoError('kill_switch.blocked', undefined, {
      scope: unset,
      selector: { kind: 'all', value: null },
      epoch: 0,
      reason: null,
      unset: true,
    })
}
