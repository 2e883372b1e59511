/**
 * What must hold after all of it, asked of the witnesses: the targets, the notes' own trigger, the object store and the link to
 * it, who followed, and the rows. Shares no code with the product. Answers what does not hold, in words.
 */
import { findWrong, type Seen } from './effects.ts'
import type { Done } from './load.ts'
import type { Window } from './stops.ts'
import type { Put } from './store-watch.ts'
import type { Database } from '../support/database.ts'
import type { Received, Receiver } from '../support/receiver.ts'
import type { Effect } from '../support/world.ts'

export interface Witnesses {
  tenantId: string
  done: readonly Done[]
  notes: readonly Effect[]
  keyed: Pick<Receiver, 'received'>
  blind: Pick<Receiver, 'received'>
  /** What lies in the object store, by its keys, and who was seen to put anything there. */
  store: ReadonlyMap<string, Buffer>
  puts: readonly Put[]
  /** Operations whose run was terminated by hand. */
  terminated: ReadonlySet<string>
  windows: readonly Window[]
  /** What followers were told had ended, by each of them. */
  heard: readonly (readonly string[])[]
  owner: Database
}

export async function findFaults(witnesses: Witnesses): Promise<string[]> {
  const { done, notes, windows } = witnesses
  const seen: Seen = {
    notes: Map.groupBy(notes, ({ text }) => text),
    keyed: byOperation(witnesses.keyed),
    blind: byOperation(witnesses.blind),
    store: new Map([...witnesses.store].map(([key, bytes]) => [shortKey(witnesses, key), bytes])),
    puts: Map.groupBy(effectPuts(witnesses), ({ key }) => shortKey(witnesses, key)),
    terminated: witnesses.terminated,
  }
  return [
    ...done.filter(({ status }) => status === 'stuck').map(inWords),
    ...done.flatMap((each) => findWrong(seen, each)),
    ...ofNobody(witnesses, seen),
    ...windows.flatMap((window) => findLate(witnesses, window)),
    ...findUnheard(witnesses),
    ...(await rows(witnesses)),
  ]
}

function inWords({ name, sort, path, id, askedAt }: Done): string {
  return `${name} did not end: ${sort} ${path ?? ''} ${id}, asked for at ${new Date(askedAt).toISOString()}`
}

function byOperation({ received }: Pick<Receiver, 'received'>): Map<string, Received[]> {
  return Map.groupBy(received, ({ headers }) => String(headers['x-exo-operation-id']))
}

function shortKey({ tenantId }: Pick<Witnesses, 'tenantId'>, key: string): string {
  return key.replace(`tenants/${tenantId}/dev/`, '')
}

/** Of objects that are effects; bundles and copies of the log are none. */
function effectPuts({ puts }: Pick<Witnesses, 'puts'>): Put[] {
  return puts.filter(({ key }) => /^tenants\/[^/]+\/[^/]+\/(objects|raw)\//.test(key))
}

/** What the witnesses saw and nobody in the load asked for. */
function ofNobody({ done, tenantId }: Witnesses, { notes, store, keyed, blind }: Seen): string[] {
  const ids = new Set(done.map(({ id }) => id))
  const keys = new Set(done.flatMap(({ name, key }) => [`objects/${name}`, shortKey({ tenantId }, key ?? '')]))
  return [
    ...[...store.keys()].filter((key) => /^(objects|raw)\//.test(key) && !keys.has(key)),
    ...[...keyed.keys(), ...blind.keys()].filter((id) => !ids.has(id)),
    ...[...notes].filter(([, all]) => all.some(({ operation_id }) => !ids.has(operation_id))).map(([text]) => text),
  ].map((each) => `${each}: nobody asked for it`)
}

/** After an acknowledged stop nothing starts: no request is sent, no object is begun, no note written. */
export function findLate(
  witnesses: Pick<Witnesses, 'tenantId' | 'keyed' | 'blind' | 'puts'>,
  { from, to, notes }: Window,
): string[] {
  const { keyed, blind } = witnesses
  const requests = [...keyed.received, ...blind.received].map(({ path, at }) => ({ what: path, at }))
  const objects = effectPuts(witnesses).map(({ key, at }) => ({ what: shortKey(witnesses, key), at }))
  const late = [...requests, ...objects]
    .filter(({ at }) => at > from && at < to)
    .map(({ what, at }) => `${what} came ${at - from} ms after an acknowledged stop`)
  if (notes !== null && notes[0] !== notes[1])
    late.push(`${notes[1] - notes[0]} notes were written after an acknowledged stop`)
  return late
}

/** Whoever follows is told of every end once, whichever of the processes they follow and however often it dies. */
function findUnheard({ done, heard }: Witnesses): string[] {
  return heard.flatMap((ids, n) => {
    const times = Map.groupBy(ids, (id) => id)
    const missed = done.filter(({ id, status }) => id !== null && status !== 'stuck' && !times.has(id))
    const twice = [...times].filter(([, { length }]) => length > 1)
    return [
      ...missed.map(({ id, status }) => `follower ${n + 1} was not told that ${id} ended ${status}`),
      ...twice.map(([id, { length }]) => `follower ${n + 1} was told ${length} times that ${id} ended`),
    ]
  })
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
