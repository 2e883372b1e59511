/** What a verifier believes of the outcomes of several inputs. */
import { expect, test } from 'vitest'
import type { Receipt } from '../../domain/receipt.ts'
import { ensureBatch } from '../../verify/batch.ts'
import { Divergence } from '../../verify/report.ts'

type Items = { n: number; state: string; code: string | null }[]
const COMMITTED = { state: 'committed', code: null }
const SOUND: Items = [
  { n: 1, ...COMMITTED },
  { n: 2, state: 'failed', code: 'effect.failed' },
  { n: 3, ...COMMITTED },
  { n: 4, state: 'blocked', code: 'kill_switch.blocked' },
]
const receipt = (items: Items = SOUND, more: object = {}, settled = '1', released = '1') =>
  ({
    status: 'executed',
    plan: { batch: { items: 4, unit_cost: '0.5' }, effect_kind: 'transactional', governs: false, standing: false },
    intent: { input: { items: [{}, {}, {}, {}] }, estimated_cost: '2' },
    effect: { state: 'committed', result: { items, committed: 2, failed: 1, blocked: 1, ...more } },
    settlement: { settled, released },
  }) as unknown as Receipt

test('outcomes that fit the inputs are believed', () => {
  expect(ensureBatch(receipt())).toContain('2 of 4 committed')
})

test.each([
  ['an outcome left out', receipt(SOUND.slice(0, 3))],
  ['two in another order', receipt([SOUND[1], SOUND[0], SOUND[2], SOUND[3]] as Items)],
  ['one twice', receipt([SOUND[0], SOUND[0], SOUND[2], SOUND[3]] as Items)],
  ['another number of them', receipt(SOUND, { committed: 3 })],
  ['a refusal without a code', receipt(SOUND.map((each) => ({ ...each, code: null })))],
  ['something done after a block', receipt([SOUND[0], { n: 2, state: 'blocked', code: 'x' }, SOUND[2], SOUND[3]] as Items)], // biome-ignore format: one case
  ['more settled than was done', receipt(SOUND, {}, '2', '0')],
  ['less released than was held', receipt(SOUND, {}, '1', '0.5')],
  ['another estimate', { ...receipt(), intent: { ...receipt().intent, estimated_cost: '1' } } as Receipt],
  ['inputs that are not those of the plan', { ...receipt(), intent: { ...receipt().intent, input: { items: [{}] } } }],
  ['a grant in stead of votes', { ...receipt(), plan: { ...receipt().plan, standing: true } }],
])('%s is not', (_what, given) => {
  expect(() => ensureBatch(given as Receipt)).toThrow(Divergence)
})
