/**
 * What must hold after all of it, asked of the witnesses: the targets, the notes' own trigger, the object store and the link to
 * it, who followed, and the rows. Shares no code with the product. Answers what does not hold, in words.
 */
import { findWrong, type Seen } from './effects.ts'
import type { Done } from './load.ts'
import type { Window } from './stops.ts'
import type { Put } from './store-watch.ts'
import { findContradictions } from '../support/contradictions.ts'
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
    ...(await findContradictions(witnesses.owner, witnesses.tenantId)),
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
