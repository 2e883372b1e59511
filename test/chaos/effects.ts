/** What became of one operation, as its witnesses saw it, beside what it says of itself. Shares no code with the product. */
import { bytesOf, type Done, type Sort, textOf } from './load.ts'
import type { Put } from './store-watch.ts'
import type { Received } from '../support/receiver.ts'
import type { Effect } from '../support/world.ts'

/** What every operation of the load left with the witnesses, by what it can be found by. */
export interface Seen {
  notes: ReadonlyMap<string, readonly Effect[]>
  keyed: ReadonlyMap<string, readonly Received[]>
  blind: ReadonlyMap<string, readonly Received[]>
  /** What lies in the object store, and who was seen to put anything there, by keys without the tenant's prefix. */
  store: ReadonlyMap<string, Buffer>
  puts: ReadonlyMap<string, readonly Put[]>
  terminated: ReadonlySet<string>
}

/** How many people have to say yes. A standing grant is enough for the first; nobody who may vote is told of the last. */
const PEOPLE: Record<Sort, number> = {
  'note by grant': 0,
  'note by vote': 1,
  batch: 1,
  object: 1,
  raw: 1,
  keyed: 2,
  blind: 2,
  refused: Number.POSITIVE_INFINITY,
}

/** Nothing was begun for an operation that ended so. */
const UNTOUCHED = ['blocked', 'denied', 'expired', 'cancelled', 'refused']
/** Answers of 4xx that ask to come again say nothing of what was applied. */
const COME_AGAIN = [408, 409, 425, 429]

/** The target said yes, whoever heard it. */
export function isApplied({ answered }: Received): boolean {
  return answered !== null && answered >= 200 && answered < 300
}

const isRefused = ({ answered }: Received) =>
  answered !== null && answered >= 400 && answered < 500 && !COME_AGAIN.includes(answered)

/** What does not hold of it, in words. */
export function findWrong(seen: Seen, done: Done): string[] {
  const wrong = [...effectOf(seen, done), ...endOf(seen, done), ...authorityOf(done)]
  const { sort, id, name, status } = done
  return wrong.map((said) => `${sort} ${name} ${id} ${status}: ${said}`)
}

/** Ends that nothing in this load comes to, but for what was done to its run or what its target said. */
function endOf(seen: Seen, { sort, id, status, code, items }: Done): string[] {
  if (status === 'refused') return [`it was refused before there was an operation: ${code}`]
  const isTerminated = seen.terminated.has(id ?? '')
  // Inside the database it is always known what was done, unless nobody is left who would say it.
  if (status === 'unknown' && !isTerminated && (sort === 'batch' || sort.startsWith('note')))
    return [`${code}, for which there was no reason`]
  if (status !== 'failed') return []
  if (code === 'run.terminated' && isTerminated) return []
  // Stopped before the first of its inputs; that nothing was done the witness says.
  if (code === 'kill_switch.blocked' && sort === 'batch' && items === null) return []
  const sent = sort === 'keyed' || sort === 'blind' ? (seen[sort].get(id ?? '') ?? []) : []
  return code === 'effect.failed' && sent.some(isRefused) ? [] : [`${code}, for which there was no reason`]
}

/** Nothing is begun that too few people have said yes to, whether or not they were told that it counts. */
function authorityOf({ sort, status, voters }: Done): string[] {
  const isBegun = status === 'executed' || status === 'unknown'
  return isBegun && voters < PEOPLE[sort] ? [`${voters} people had said yes to it`] : []
}

function effectOf(seen: Seen, done: Done): string[] {
  switch (done.sort) {
    case 'note by grant':
    case 'note by vote':
    case 'refused':
      return noteOf(seen, done)
    case 'object':
      return objectOf(seen, `objects/${done.name}`, done)
    case 'raw':
      return rawOf(seen, done)
    case 'batch':
      return batchOf(seen, done)
    case 'keyed':
      return keyedOf(seen.keyed.get(done.id ?? '') ?? [], done)
    case 'blind':
      return blindOf(seen.blind.get(done.id ?? '') ?? [], done)
  }
}

function noteOf({ notes }: Seen, { name, id, status }: Done): string[] {
  const written = notes.get(name) ?? []
  const wrong = written.length === (status === 'executed' ? 1 : 0) ? [] : [`${written.length} notes`]
  if (written.some(({ operation_id }) => operation_id !== id)) wrong.push('a note of another operation')
  return wrong
}

/** Each input by itself: done once where it says so, in their order, and not at all otherwise. */
function batchOf({ notes }: Seen, { name, id, status, inputs, items }: Done): string[] {
  const wrong: string[] = []
  const written = Array.from({ length: inputs ?? 0 }, (_, i) => notes.get(textOf(name, i + 1)) ?? [])
  const places = written.flat().map(({ n }) => n)
  if (places.some((n, i) => i > 0 && n < (places[i - 1] ?? 0))) wrong.push('out of order')
  if (written.flat().some(({ operation_id }) => operation_id !== id)) wrong.push('notes of another operation')
  if (status === 'executed' && items?.length !== inputs) wrong.push(`${items?.length} outcomes of ${inputs}`)
  for (const [i, { length }] of written.entries()) {
    const item = status === 'executed' ? items?.find(({ n }) => n === i + 1) : undefined
    const most = item?.state === 'committed' || status === 'unknown' ? 1 : 0
    const least = status === 'unknown' ? 0 : most
    if (length > most || length < least) wrong.push(`input ${i + 1} ${item?.state}: ${length} notes`)
  }
  return wrong
}

/** Of an upload nothing lies where assets lie before it is registered, and then what was uploaded. */
function rawOf(seen: Seen, done: Done): string[] {
  const { key, status } = done
  if (key === null) return status === 'executed' ? ['registered without a ticket'] : []
  const short = key.replace(/^tenants\/[^/]+\/[^/]+\//, '')
  const beside = [...seen.store.keys()].filter((each) => each !== short && each.startsWith(short.replace(/[^/]+$/, '')))
  return [...objectOf(seen, short, done), ...beside.map((each) => `${each} lies beside it`)]
}

function objectOf({ store, puts }: Seen, key: string, { name, status }: Done): string[] {
  const bytes = bytesOf(name)
  const wrong: string[] = []
  const there = store.get(key) ?? null
  const seen = puts.get(key) ?? []
  if (there !== null && !there.equals(bytes)) wrong.push(`other bytes lie there: ${there.subarray(0, 60)}`)
  if (status === 'executed' && there === null) wrong.push('nothing is there')
  if (status !== 'executed' && status !== 'unknown' && there !== null) wrong.push('an object is there')
  if (there !== null && seen.length === 0) wrong.push('an object that nobody was seen to put')
  if (UNTOUCHED.includes(status) && seen.length > 0) wrong.push(`put ${seen.length} times`)
  if (seen.filter(({ created }) => created).length > 1) wrong.push('created twice')
  if (seen.some(({ onlyIfAbsent }) => !onlyIfAbsent)) wrong.push('put without the condition')
  return wrong
}

function keyedOf(sent: readonly Received[], done: Done): string[] {
  const wrong = answersOf(sent, done)
  if (new Set(sent.map(({ headers }) => headers['idempotency-key'])).size > 1) wrong.push('two keys')
  if (new Set(sent.map(({ body }) => body)).size > 1) wrong.push('two bodies')
  return wrong
}

function blindOf(sent: readonly Received[], done: Done): string[] {
  const wrong = answersOf(sent, done)
  if (sent.length > 1) wrong.push(`sent ${sent.length} times`)
  return wrong
}

/** Only what the target applied is executed, and nothing that it applied has failed. */
function answersOf(sent: readonly Received[], { status }: Done): string[] {
  const wrong: string[] = []
  const applied = sent.filter(isApplied).length
  if (status === 'executed' && applied === 0) wrong.push(`the target applied none of ${sent.length} requests`)
  if (status === 'failed' && applied > 0) wrong.push('the target applied it')
  if (status === 'failed' && !sent.some(isRefused) && sent.length > 0)
    wrong.push('the target was told and did not refuse')
  if (UNTOUCHED.includes(status) && sent.length > 0) wrong.push(`sent ${sent.length} times`)
  return wrong
}
