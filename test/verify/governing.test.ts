/** What a verifier believes of a change of controls, over the facts that its guard read. */
import { expect, test } from 'vitest'
import type { Receipt } from '../../domain/receipt.ts'
import { GOVERNING_ACTIONS } from '../../domain/governs.ts'
import { ensureGoverning, GOVERNING } from '../../verify/governing.ts'
import { Divergence } from '../../verify/report.ts'

const ACTIVE = { status: 'active', membership: 'active' }
const PLACES = { surface: 'active', app: 'active' }

const receipt = (facts: object, { governs = true, state = 'committed', action = 'policy.put' } = {}) =>
  ({
    plan: { governs },
    intent: { action, project_id: null, surface_id: 's_main', app_id: 'a_main' },
    passes: [{ pass: 'guard', facts: { v: 2, principal: ACTIVE, places: PLACES, ...facts } }],
    effect: { state },
  }) as unknown as Receipt

test('the verifier knows the actions that the registry may let govern, and no others', () => {
  expect([...GOVERNING].sort()).toEqual([...GOVERNING_ACTIONS].sort())
})

test.each<[string, Receipt]>([
  ['by a member, from where there is something', receipt({})],
  ['before facts told of places', receipt({ v: 1, places: undefined })],
  [
    'that was refused since a place was ended',
    receipt({ places: { ...PLACES, app: 'inactive' } }, { state: 'failed' }),
  ],
  ['that is none: gates asked then', receipt({ principal: null }, { governs: false, action: 'http.post' })],
])('one %s is believed', (_what, given) => {
  expect(() => ensureGoverning(given)).not.toThrow()
})

test.each<[string, Receipt]>([
  ['by somebody who was revoked', receipt({ principal: { ...ACTIVE, status: 'revoked' } })],
  ['by somebody who is no member', receipt({ principal: { ...ACTIVE, membership: 'none' } })],
  ['by nobody', receipt({ principal: null })],
  ['from a surface that was ended', receipt({ places: { ...PLACES, surface: 'inactive' } })],
  ['from an app of which nothing was read', receipt({ places: { surface: 'active' } })],
  ['over facts of no version', receipt({ v: undefined })],
  ['by an action that may change none', receipt({}, { action: 'http.post' })],
  ['by such an action that failed', receipt({}, { action: 'http.post', state: 'failed' })],
])('one %s is not', (_what, given) => {
  expect(() => ensureGoverning(given)).toThrow(Divergence)
})
