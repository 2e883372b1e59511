import { expect, test } from 'vitest'
import { trainPrefsPut } from '../../actions/train-prefs-put.ts'
import { ACTIONS } from '../../actions/registry.ts'
import { GOVERNING_ACTIONS } from '../../domain/governs.ts'

test('opting the tenant in governs, and opting out is not its to do', () => {
  expect(trainPrefsPut).toMatchObject({ governs: true, standing: false, class: 'contained' })
  expect(GOVERNING_ACTIONS).toContain(trainPrefsPut.name)
  expect(ACTIONS.get(trainPrefsPut.name)).toBe(trainPrefsPut)
  expect(trainPrefsPut.input.safeParse(trainPrefsPut.example).success).toBe(true)
  expect(trainPrefsPut.input.safeParse({ opt_out: true }).success).toBe(false)
})

test('people are shown what was said before, and that nothing said is a no', () => {
  const before = { opt_out: true, changed_by: 'p_admin', changed_at: '2026-01-01T00:00:00.000000Z' }
  const shown = (view: object | null) => trainPrefsPut.preview({ opt_out: false }, view as never, null).fields[0]?.value
  expect(shown(null)).toBe('nobody has said anything: opted out')
  expect(shown(before)).toContain('p_admin')
})
