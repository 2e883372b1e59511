/** Which budget holds: the order in which the facts function reads them, told to callers. */
import { expect, test } from 'vitest'
import { budgetFor } from '../../domain/budget-scope.ts'

const row = (threshold: string, scope: object) => ({ scope, threshold, window_days: 7 })
const cap = (daily_cap: string, scope: object) => ({ scope: { action: 'a.b', ...scope }, daily_cap, window_days: 7 })
const EVERY = [
  row('1', {}),
  row('2', { app_id: 'a_main' }),
  row('3', { surface_id: 's_main' }),
  row('4', { surface_id: 's_main', app_id: 'a_main' }),
  cap('5', {}),
  cap('6', { surface_id: 's_main' }),
]

test.each([
  [{ surface_id: 's_main', app_id: 'a_main' }, '4'],
  [{ surface_id: 's_main', app_id: 'a_x' }, '3'],
  [{ surface_id: 's_x', app_id: 'a_main' }, '2'],
  [{ surface_id: 's_x', app_id: 'a_x' }, '1'],
])('in %j it is %s', (place, threshold) => {
  expect(budgetFor(EVERY, place)).toMatchObject({ threshold, cap: null })
})

test('a cap is of its action, the most specific one, with or without a threshold', () => {
  const place = { surface_id: 's_main', app_id: 'a_main', action: 'a.b' }
  expect(budgetFor(EVERY, place)).toMatchObject({ threshold: '4', cap: { daily_cap: '6' } })
  expect(budgetFor([cap('5', {})], place)).toEqual({ cap: cap('5', {}) })
  expect(budgetFor([cap('5', {})], { ...place, action: 'c.d' })).toBeNull()
  expect(budgetFor([row('3', { surface_id: 's_main' })], { surface_id: 's_x' })).toBeNull()
})
