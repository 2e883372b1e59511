/** An operation of the load, for tests: done at once and without anything to tell, unless they say otherwise. */
import type { Done } from './load.ts'

export function aDone(more: Pick<Done, 'sort' | 'status'> & Partial<Done>): Done {
  return {
    id: 'op_1',
    name: 'c-1',
    path: null,
    inputs: null,
    items: null,
    key: null,
    voters: 2,
    code: null,
    reason: null,
    askedAt: 0,
    endedAt: 0,
    ...more,
  }
}
