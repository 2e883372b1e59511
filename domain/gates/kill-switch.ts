/**
 * Kill switch: running only when both the global and the tenant's `all` rows say `running` and no stopped row matches.
 * An absent `all` row is a stop. Global is reported before tenant.
 */
import { allow, block, type Gate } from './gate.ts'
import type { Fact } from '../facts.ts'
import type { Intent, Plan } from '../plan.ts'

const SCOPES = ['global', 'tenant'] as const
const KINDS = ['all', 'action', 'provider', 'class'] as const

export const killSwitch: Gate = {
  name: 'kill_switch',
  version: 1,
  evaluate(plan, intent, facts) {
    const rows = facts.get('switches').list().map(readRow)
    const epochs: Record<string, number> = {}
    for (const scope of SCOPES)
      for (const kind of KINDS) {
        const matching = rows.filter((row) => row.scope === scope && row.kind === kind && matches(row, plan, intent))
        if (kind === 'all' && matching.length === 0)
          return block('kill_switch', 'kill_switch.blocked', {
            scope,
            selector: { kind: 'all', value: null },
            epoch: 0,
            reason: null,
            unset: true,
          })
        for (const row of matching) {
          if (row.state !== 'running')
            return block('kill_switch', 'kill_switch.blocked', {
              scope,
              selector: { kind, value: row.value },
              epoch: row.epoch,
              reason: row.reason,
              unset: false,
            })
          epochs[`${scope}:${kind}`] = row.epoch
        }
      }
    return allow('kill_switch', { epochs })
  },
}

function readRow(row: Fact) {
  const selector = row.get('selector')
  return {
    scope: row.get('scope').oneOf(...SCOPES),
    kind: selector.get('kind').oneOf(...KINDS),
    value: selector.get('value').stringOrNull(),
    state: row.get('state').oneOf('running', 'stopped'),
    epoch: row.get('epoch').count(),
    reason: row.get('reason').stringOrNull(),
  }
}

function matches(row: ReturnType<typeof readRow>, plan: Plan, intent: Intent): boolean {
  switch (row.kind) {
    case 'all':
      return true
    case 'action':
      return row.value === intent.action
    case 'provider':
      return plan.provider !== null && row.value === plan.provider
    case 'class':
      return row.value === plan.class
  }
}
