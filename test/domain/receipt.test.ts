import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { makePass } from '../../domain/gates/chain.ts'
import { intentHash, planHash } from '../../domain/plan.ts'
import { type DecisionInput, decisionHash } from '../../domain/receipt.ts'
import { anIntent, aPlan, goodFacts } from '../support/domain.ts'

const facts = () => JSON.parse(JSON.stringify(goodFacts())) as JsonObject
const decision = (change: Partial<DecisionInput> = {}): DecisionInput => ({
  intent_hash: intentHash(anIntent()),
  plan_hash: planHash(aPlan()),
  passes: [makePass('propose', aPlan(), anIntent(), facts()), makePass('guard', aPlan(), anIntent(), facts())],
  votes: ['e30.e30.AA', 'e30.e30.AQ'],
  status: 'executed',
  error_code: null,
  ...change,
})

describe('the decision hash', () => {
  test('is the same for the same decision', () => {
    expect(decisionHash(decision())).toBe(decisionHash(decision()))
    expect(decisionHash(decision())).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each<[string, Partial<DecisionInput>]>([
    ['intent', { intent_hash: intentHash(anIntent({ input: { text: 'other' } })) }],
    ['plan', { plan_hash: planHash(aPlan({ lease_ms: 1 })) }],
    ['passes', { passes: decision().passes.slice(1) }],
    ['order of passes', { passes: decision().passes.toReversed() }],
    ['facts', { passes: [makePass('propose', aPlan(), anIntent(), { ...facts(), v: 2 })] }],
    ['votes', { votes: ['e30.e30.AA'] }],
    ['order of votes', { votes: decision().votes.toReversed() }],
    ['status', { status: 'unknown' }],
    ['code', { error_code: 'effect.unknown' }],
  ])('is another for another %s', (_what, change) => {
    expect(decisionHash(decision(change))).not.toBe(decisionHash(decision()))
  })

  test('covers facts by their hash, so that a bundle without them can be checked', () => {
    const bare = decision().passes.map((pass) => ({ ...pass, facts: {} }))
    expect(decisionHash(decision({ passes: bare }))).toBe(decisionHash(decision()))
  })
})

test.each([
  'tenant_id',
  'operation_id',
  'run',
  'principal_id',
  'action',
  'target',
  'input',
  'preconditions',
  'estimated_cost',
  'idempotency_key',
] as const)('the intent hash covers %s', (key) => {
  const changed = { ...anIntent(), [key]: key === 'input' || key === 'preconditions' ? { changed: true } : 'changed' }
  expect(intentHash(changed)).not.toBe(intentHash(anIntent()))
})
