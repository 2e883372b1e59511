/**
 * Operations of several inputs: as many outcomes as inputs, in their order, nothing after the first that was blocked, and
 * exactly the committed ones settled.
 */
import { ensure } from './report.ts'
import { count, listOf, micros, nullable, object, oneOf, text, withMembers } from './shape.ts'
import type { Receipt } from '../domain/receipt.ts'

const MOST_ITEMS = 500
const STATES = ['committed', 'failed', 'blocked'] as const

const planned = withMembers({ items: count, unit_cost: text })
const inputs = withMembers({ items: listOf(object) })
const outcomes = withMembers({
  items: listOf(withMembers({ n: count, state: oneOf(...STATES), code: nullable(text) })),
  committed: count,
  failed: count,
  blocked: count,
})

/** What it came to, in words; null for an operation of one input. */
export function ensureBatch({ plan, intent, effect, settlement, status }: Receipt): string | null {
  if (plan.batch === undefined) return null
  const batch = planned(plan.batch, 'plan.batch')
  const asked = inputs(intent.input, 'intent.input').items.length
  ensure(asked === batch.items && asked >= 1 && asked <= MOST_ITEMS, `${asked} inputs, the plan says ${batch.items}`)
  ensure(plan.effect_kind === 'transactional' && !plan.governs && !plan.standing, 'a batch of what takes one input')
  const unit = micros(batch.unit_cost)
  const cost = micros(intent.estimated_cost)
  ensure(cost === unit * BigInt(asked), 'the estimate is not that of every input')
  const [settled, released] = [micros(settlement.settled), micros(settlement.released)]
  if (effect?.state !== 'committed') {
    ensure(settled === 0n, 'settled although nothing was committed')
    ensure(released === (effect?.state === 'failed' ? cost : 0n), 'released another amount than was held')
    return `nothing committed of ${asked}`
  }
  const { items, ...told } = outcomes(effect.result, 'effect.result')
  ensure(items.length === asked, `${items.length} outcomes of ${asked} inputs`)
  const firstBlocked = items.findIndex(({ state }) => state === 'blocked')
  items.forEach(({ n, state, code }, index) => {
    ensure(n === index + 1, `outcome ${index + 1} is of input ${n}`)
    ensure((state === 'committed') === (code === null), `outcome ${n} is ${state} with code ${code}`)
    ensure(firstBlocked < 0 || index < firstBlocked || state === 'blocked', `outcome ${n} comes after a block`)
  })
  for (const state of STATES)
    ensure(told[state] === items.filter((item) => item.state === state).length, `another number of ${state} items`)
  ensure(told.committed > 0 && status === 'executed', 'executed without an item')
  ensure(settled === unit * BigInt(told.committed), 'settled another amount than the committed items cost')
  ensure(released === cost - settled, 'released another amount than the other items would have cost')
  return `${told.committed} of ${asked} committed, settled ${settlement.settled}`
}
