/** Votes that a process has just admitted are told to its run without asking the database again, once each. */
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { sha256TextHex } from '../../domain/hash.ts'
import { FreshVotes, VoteStore } from '../../stores/postgres/votes.ts'
import { aVote } from '../support/domain.ts'

/** Nobody listens there: whoever asks is refused. */
const nobody = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:9/none', connectionTimeoutMillis: 500 })
afterAll(() => nobody.end())

test('is told once, to who asks for these bytes of this operation', async () => {
  const fresh = new FreshVotes()
  const store = new VoteStore(nobody, fresh)
  const vote = aVote('ada')
  fresh.add('t_one', 'op_one', sha256TextHex(vote.jws), vote)
  await expect(store.known('t_one', 'op_two', vote.jws)).rejects.toThrow('ECONNREFUSED')
  await expect(store.known('t_two', 'op_one', vote.jws)).rejects.toThrow('ECONNREFUSED')
  await expect(store.known('t_one', 'op_one', `${vote.jws}x`)).rejects.toThrow('ECONNREFUSED')
  expect(await store.known('t_one', 'op_one', vote.jws)).toEqual(vote)
  await expect(store.known('t_one', 'op_one', vote.jws)).rejects.toThrow('ECONNREFUSED')
})

test('forgets the oldest beyond its measure, whose rows are asked for then', () => {
  const fresh = new FreshVotes(2)
  for (const name of ['ada', 'bob', 'eve']) fresh.add('t_one', 'op_one', name, aVote(name))
  expect(['ada', 'bob', 'eve'].map((name) => fresh.take('t_one', 'op_one', name)?.by ?? null)).toEqual([
    null,
    aVote('bob').by,
    aVote('eve').by,
  ])
})
