/** What holds of every action there is. */
import { expect, test } from 'vitest'
import { ACTIONS } from '../../actions/registry.ts'

const all = [...ACTIONS.values()]
const undoOf = (action: (typeof all)[number]) => ('undo' in action ? action.undo : undefined)

test.each(all.filter((action) => action.class === 'reversible'))('$name is reversible, and has an undo', (action) => {
  const undone = ACTIONS.get(undoOf(action)?.action ?? '')
  expect(undone?.class).toBe('reversible')
})

test.each(all.filter((action) => action.class !== 'reversible'))('$name is not, and has none', (action) => {
  expect(undoOf(action)).toBeUndefined()
})
