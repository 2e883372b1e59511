/** What rows of a tenant must never say once everything has ended. Shares no code with the product. */
import type { Database } from './database.ts'

/** Rows that contradict each other, in words. Each query answers what must not be there. */
export async function findContradictions(owner: Pick<Database, 'within'>, tenantId: string): Promise<string[]> {
  const never: Record<string, string> = {
    'operations that did not end': 'select id from operations where tenant_id = $1 and ended_at is null',
    'ends without a receipt':
      'select o.id from operations o left join receipts r on r.tenant_id = o.tenant_id and r.operation_id = o.id where o.tenant_id = $1 and o.ended_at is not null and r.operation_id is null',
    'claims without an outcome': `select operation_id as id from claims where tenant_id = $1 and state in ('claimed', 'dispatched')`,
    'claims that say otherwise than their operation': `select o.id from operations o join claims c on c.tenant_id = o.tenant_id and c.operation_id = o.id
       where o.tenant_id = $1 and (o.status, c.state) not in (('executed', 'committed'), ('failed', 'failed'), ('unknown', 'unknown'))`,
    'effects without an intent before them': `select operation_id as id from claims c where tenant_id = $1 and not exists (select from audit_leaves l
       where l.tenant_id = $1 and l.operation_id = c.operation_id and l.kind = 'effect.intent')`,
    'money still reserved': `select b.operation_id as id from budget_entries b join operations o on o.tenant_id = b.tenant_id and o.id = b.operation_id
       where b.tenant_id = $1 and b.state = 'reserved' and o.status <> 'unknown'`,
    'money settled for what was not done': `select b.operation_id as id from budget_entries b join operations o on o.tenant_id = b.tenant_id and o.id = b.operation_id
       where b.tenant_id = $1 and b.state = 'settled' and o.status <> 'executed'`,
    'money not settled for what was done': `select o.id from operations o where o.tenant_id = $1 and o.status = 'executed'
       and (o.intent ->> 'estimated_cost')::numeric > 0 and not exists (select from budget_entries b
         where b.tenant_id = $1 and b.operation_id = o.id and b.source = 'operation' and b.state = 'settled')`,
    'money not held for what nobody knows': `select o.id from operations o where o.tenant_id = $1 and o.status = 'unknown'
       and (o.intent ->> 'estimated_cost')::numeric > 0 and not exists (select from budget_entries b
         where b.tenant_id = $1 and b.operation_id = o.id and b.source = 'operation' and b.state = 'reserved')`,
    'grants that count otherwise than they were used': `select g.id from license_grants g where g.tenant_id = $1
       and (g.used_count, g.used_amount) <> (select count(*), coalesce(sum(b.amount), 0) from claims c
         left join budget_entries b on b.tenant_id = c.tenant_id and b.operation_id = c.operation_id and b.source = 'operation'
         where c.tenant_id = $1 and c.grant_id = g.id and c.state <> 'failed')`,
    'operations with two ends': `select operation_id as id from audit_leaves where tenant_id = $1 and kind in ('operation.closed', 'operation.blocked',
       'operation.denied', 'operation.expired', 'operation.cancelled', 'operation.proposed') group by 1 having count(*) > 1`,
    'assets registered twice': `select intent #>> '{input,asset_id}' as id from operations where tenant_id = $1 and status = 'executed'
       and intent ->> 'action' = 'raw.register' group by 1 having count(*) > 1`,
    'leaves without a place': 'select id::text from audit_leaves where tenant_id = $1 and seq is null',
    'gaps in the log': `select 'log' as id from audit_heads h where tenant_id = $1 and size <> (select count(distinct seq) from audit_leaves where tenant_id = $1)`,
  }
  const wrong: string[] = []
  for (const [what, statement] of Object.entries(never)) {
    const found = await owner.within<{ id: string }>(tenantId, statement, [tenantId])
    if (found.length > 0) wrong.push(`${what}: ${found.length}, such as ${found[0]?.id}`)
  }
  return wrong
}
