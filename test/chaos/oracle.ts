/**
 * What must hold after all of it, asked of the witnesses: the targets, the notes' own trigger, the object store through the
 * API, and the rows. Shares no code with the product. Answers what does not hold, in words.
 */
import type { Done } from './load.ts'
import type { Window } from './stops.ts'
import type { Database } from '../support/database.ts'
import type { Receiver } from '../support/receiver.ts'
import type { Effect } from '../support/world.ts'

export interface Witnesses {
  tenantId: string
  done: readonly Done[]
  notes: readonly Effect[]
  keyed: Receiver
  blind: Receiver
  /** The text under a name, or null. */
  objectAt(name: string): Promise<string | null>
  windows: readonly Window[]
  /** What followers were told had ended, by each of them. */
  heard: readonly (readonly string[])[]
  owner: Database
}

export async function findFaults(witnesses: Witnesses): Promise<string[]> {
  const { done, windows, keyed, blind, heard } = witnesses
  const wrong = done.filter(({ status }) => status === 'stuck').map(({ name }) => `${name} did not end`)
  for (const each of done) wrong.push(...(await effectsOf(witnesses, each)))
  for (const { from, to, notes: seen } of windows) {
    const late = [...keyed.received, ...blind.received].filter(({ at }) => at > from && at < to)
    for (const { path, at } of late) wrong.push(`${path} came ${at - from} ms after an acknowledged stop`)
    if (seen !== null && seen[0] !== seen[1])
      wrong.push(`${seen[1] - seen[0]} notes were written after an acknowledged stop`)
  }
  for (const [n, ids] of heard.entries()) {
    const times = Map.groupBy(ids, (id) => id)
    const missed = done.filter(({ id, status }) => id !== null && status !== 'stuck' && !times.has(id))
    for (const { id, status } of missed) wrong.push(`follower ${n + 1} was not told that ${id} ended ${status}`)
    for (const [id, { length }] of times)
      if (length > 1) wrong.push(`follower ${n + 1} was told of ${id} ${length} times`)
  }
  wrong.push(...(await rows(witnesses)))
  return wrong
}

/** How often the world saw this operation, and what it says of itself. */
async function effectsOf(
  { notes, keyed, blind, objectAt }: Witnesses,
  { sort, id, name, status }: Done,
): Promise<string[]> {
  const what = `${sort} ${name} ${id} ${status}`
  const wrong: string[] = []
  const expect = (holds: boolean, said: string) => {
    if (!holds) wrong.push(`${what}: ${said}`)
  }
  const sent = (receiver: Receiver) => receiver.received.filter(({ headers }) => headers['x-exo-operation-id'] === id)
  switch (sort) {
    case 'note by grant':
    case 'note by vote':
    case 'refused': {
      const seen = notes.filter(({ text }) => text === name).length
      expect(seen === (status === 'executed' ? 1 : 0), `${seen} notes`)
      break
    }
    case 'object': {
      const text = id === null ? null : await objectAt(name)
      if (status === 'executed') expect(text === `text of ${name}`, `the object holds ${text}`)
      else if (status !== 'unknown') expect(text === null, 'an object is there')
      break
    }
    case 'keyed': {
      const requests = sent(keyed)
      expect(new Set(requests.map(({ headers }) => headers['idempotency-key'])).size < 2, 'two keys')
      expect(new Set(requests.map(({ body }) => body)).size < 2, 'two bodies')
      if (status === 'executed') expect(requests.length > 0, 'executed, but nothing arrived')
      if (['blocked', 'denied', 'expired', 'cancelled'].includes(status)) expect(requests.length === 0, 'sent')
      break
    }
    case 'blind': {
      const requests = sent(blind)
      expect(requests.length < 2, `sent ${requests.length} times`)
      if (status === 'executed') expect(requests.length === 1, 'executed, but nothing arrived')
      if (['blocked', 'denied', 'expired', 'cancelled'].includes(status)) expect(requests.length === 0, 'sent')
      break
    }
  }
  return wrong
}

/** Rows that contradict each other. Each query answers what must not be there. */
async function rows({ owner, tenantId }: Witnesses): Promise<string[]> {
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
    'operations with two ends': `select operation_id as id from audit_leaves where tenant_id = $1 and kind in ('operation.closed', 'operation.blocked',
       'operation.denied', 'operation.expired', 'operation.cancelled', 'operation.proposed') group by 1 having count(*) > 1`,
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
