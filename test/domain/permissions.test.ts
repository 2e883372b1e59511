import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GOVERNING_ACTIONS } from '../../domain/governs.ts'
import {
  effectivePermissions,
  expandPermission,
  PERMISSIONS,
  ROLE_PERMISSIONS,
  ROLES,
} from '../../domain/permissions.ts'

describe('roles', () => {
  test.each<[(typeof ROLES)[number], string[], string[]]>([
    ['viewer', ['read'], ['audit:read', 'execute:observe', 'decide']],
    ['auditor', ['read', 'audit:read'], ['execute:observe', 'decide', 'stop']],
    [
      'member',
      ['read', 'execute:observe', 'execute:reversible'],
      ['execute:contained', 'decide', 'stop', 'audit:read'],
    ],
    [
      'operator',
      ['execute:irreversible', 'decide', 'stop', 'resume', 'audit:read'],
      ['configure:kpi', 'identity:write'],
    ],
    ['admin', ['decide', 'configure:firearms', 'configure:egress'], ['identity:write', 'measure']],
    ['owner', ['decide', 'configure:budget', 'identity:write'], ['measure', 'budget:record']],
  ])('%s', (role, has, lacks) => {
    for (const permission of has) expect(ROLE_PERMISSIONS[role]).toContain(permission)
    for (const permission of lacks) expect(ROLE_PERMISSIONS[role]).not.toContain(permission)
  })
})

test.each<[string, number]>([
  ['execute:*', 4],
  ['configure:*', 9],
  ['identity:*', 1],
  ['decide', 1],
  ['*', 0],
  [':*', 0],
  ['execute:', 0],
  ['Decide', 0],
  ['', 0],
])('%j stands for %i permissions', (written, count) => {
  expect(expandPermission(written)).toHaveLength(count)
})

describe('what a credential may do', () => {
  const some = fc.subarray([...PERMISSIONS, 'execute:*', 'configure:*', 'nonsense'] as string[])
  const who = fc.record({
    kind: fc.constantFrom('agent', 'service', 'user' as const),
    role: fc.constantFrom(...ROLES),
    membership: some,
    key: fc.option(some),
  })

  test('only people decide', () => {
    fc.assert(
      fc.property(who, ({ kind, role, membership, key }) => {
        return kind === 'user' || !effectivePermissions(kind, role, membership, key).includes('decide')
      }),
    )
  })

  test('a key narrows and never widens, a membership adds', () => {
    fc.assert(
      fc.property(who, ({ kind, role, membership, key }) => {
        const whole = effectivePermissions(kind, role, membership, null)
        const narrowed = effectivePermissions(kind, role, membership, key)
        expect(narrowed.every((permission) => whole.includes(permission))).toBe(true)
        const plain = effectivePermissions(kind, role, [], null)
        expect(plain.every((permission) => whole.includes(permission))).toBe(true)
      }),
    )
    expect(effectivePermissions('user', 'owner', [], [])).toEqual([])
    expect(effectivePermissions('service', 'member', ['measure'], ['measure', 'stop'])).toEqual(['measure'])
  })
})

test('the list of governing actions is closed', () => {
  expect(Object.isFrozen(GOVERNING_ACTIONS)).toBe(true)
  expect([...GOVERNING_ACTIONS].toSorted()).toEqual([
    'api_key.create',
    'budget_policy.put',
    'egress_target.put',
    'feature_flags.put',
    'feature_flags.put_global',
    'grant.put',
    'kill_switch.resume',
    'kpi_corridor.put',
    'kpi_definition.create',
    'license_policy.put',
    'license_type.create',
    'membership.put',
    'operation.resolve',
    'operator_key.create',
    'policy.put',
    'principal.create',
    'rate_limit.put',
    'strategy_lock.approve',
    'strategy_lock_policy.put',
    'temperature.put',
    'tenant.create',
    'train_prefs.put',
  ])
})
