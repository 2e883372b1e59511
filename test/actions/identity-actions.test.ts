/** The actions that say who may come in: what people are shown of them, and what is refused before anybody is asked. */
import { describe, expect, test } from 'vitest'
import { apiKeyCreate, type PrincipalView } from '../../actions/api-key-create.ts'
import type { PlanContext } from '../../actions/define.ts'
import { membershipPut } from '../../actions/membership-put.ts'
import { principalCreate } from '../../actions/principal-create.ts'
import { ACTIONS } from '../../actions/registry.ts'
import { tenantCreate } from '../../actions/tenant-create.ts'
import type { Json } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { GOVERNING_ACTIONS } from '../../domain/governs.ts'
import { PERMISSIONS, ROLE_PERMISSIONS } from '../../domain/permissions.ts'

const ISSUER = 'https://issuer.example'
const principal = (change: Partial<PrincipalView> = {}): PrincipalView => ({
  id: 'p_reporter',
  kind: 'agent',
  name: 'Reporter',
  person_id: 'u_ada',
  status: 'active',
  platform: false,
  role: 'member',
  permissions: [],
  membership: 'active',
  last_owner: false,
  ...change,
})
const context = (change: Partial<PlanContext> = {}): PlanContext => ({
  target: null,
  tenant_id: 't_a',
  operation_id: 'op_1',
  principal_id: 'p_owner',
  person_id: 'u_owner',
  mode: 'saas',
  now: '2026-01-01T00:00:00.000000Z',
  issuers: [ISSUER],
  permissions: [...ROLE_PERMISSIONS.owner],
  holds: [],
  view: principal() as unknown as Json,
  describeAction: () => null,
  deriveKey: (name) => ({ id: `id of ${name}`, secret_sha256: 'aa' }),
  ...change,
})
const key = { principal_id: 'p_reporter', expires_at: '2030-01-01T00:00:00Z' }
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof ExoError) return error.code
    throw error
  }
  return 'planned'
}

describe.each([apiKeyCreate, membershipPut, principalCreate, tenantCreate])('$name', (action) => {
  test('governs, is never covered by a standing grant, and its example is an input of it', () => {
    expect(action).toMatchObject({ governs: true, standing: false, class: 'contained' })
    expect(GOVERNING_ACTIONS).toContain(action.name)
    expect(ACTIONS.get(action.name)).toBe(action)
    expect(action.input.safeParse(action.example).success).toBe(true)
  })

  test('has a preview whose fields are texts, with and without somebody to show', () => {
    for (const view of [null, principal() as unknown as Json])
      for (const { label, value } of action.preview(action.example, view, null).fields)
        expect([typeof label, typeof value]).toEqual(['string', 'string'])
  })
})

describe('api_key.create', () => {
  test('takes what a principal may do from its rows, and shows it', () => {
    const shown = (change: Partial<PrincipalView>) =>
      apiKeyCreate
        .preview(key, principal(change) as unknown as Json, null)
        .fields.find(({ label }) => label === 'principal')?.value
    expect(shown({})).toBe('agent Reporter, member, who may do execute:observe, execute:reversible, read')
    expect(shown({ role: 'viewer' })).not.toBe(shown({}))
    for (const gone of [{ status: 'revoked' }, { membership: 'revoked' }, { role: null, membership: null }])
      expect(shown(gone)).toMatch(/who may do nothing$/)
  })

  test.each<[string, Partial<PlanContext>, object, string]>([
    ['for anybody’s agent by an owner', {}, {}, 'planned'],
    ['for one’s own agent', { person_id: 'u_ada', permissions: ['read'] }, {}, 'planned'],
    ['for somebody’s agent without identity:write', { permissions: ['read'] }, {}, 'auth.insufficient_role'],
    ['for nobody, without identity:write', { view: null, permissions: ['read'] }, {}, 'auth.insufficient_role'],
    ['for nobody', { view: null }, {}, 'resource.not_found'],
    ['for one who was revoked', { view: principal({ status: 'revoked' }) as unknown as Json }, {}, 'validation.error'],
    [
      'for one who is no member',
      { view: principal({ role: null, membership: null }) as unknown as Json },
      {},
      'validation.error',
    ],
    ['for the tenant it is asked in', {}, { tenants: ['t_a'] }, 'planned'],
    ['for another tenant', {}, { tenants: ['t_b'] }, 'validation.error'],
    ['until now', {}, { expires_at: '2026-01-01T00:00:00Z' }, 'validation.error'],
  ])('%s is %s', (_title, change, input, code) => {
    expect(codeOf(() => apiKeyCreate.plan?.({ ...key, ...input }, context(change)))).toBe(code)
  })

  test('never carries decide for another user, whatever is asked and whatever they may do', () => {
    const operator = principal({ kind: 'user', role: 'operator', person_id: 'u_op' }) as unknown as Json
    for (const permission of PERMISSIONS) {
      const asked = () => apiKeyCreate.plan?.({ ...key, permissions: [permission] }, context({ view: operator }))
      const may = ROLE_PERMISSIONS.operator.includes(permission) && permission !== 'decide'
      expect([permission, codeOf(asked)]).toEqual([permission, may ? 'planned' : 'validation.error'])
    }
    expect(apiKeyCreate.plan?.(key, context({ view: operator }))?.preconditions).toMatchObject({
      permissions: ROLE_PERMISSIONS.operator.filter((each) => each !== 'decide').toSorted(),
    })
  })
})

describe('principal.create', () => {
  const user = { kind: 'user', name: 'Ada' }
  test.each<[string, object, Partial<PlanContext>, string]>([
    ['a user', user, { view: null }, 'planned'],
    ['an agent without an owner outside lab', { kind: 'agent', name: 'x' }, { view: null }, 'validation.error'],
    ['an agent without an owner in lab', { kind: 'agent', name: 'x' }, { view: null, mode: 'lab' }, 'planned'],
    ['an agent of nobody here', { kind: 'agent', name: 'x', person_id: 'u_x' }, { view: null }, 'validation.error'],
    ['an agent of somebody here', { kind: 'agent', name: 'x', person_id: 'u_x' }, { view: { id: 'u_x' } }, 'planned'],
    ['a subject of a known issuer', { ...user, oidc: { issuer: ISSUER, sub: 's' } }, { view: null }, 'planned'],
    [
      'a subject of another issuer',
      { ...user, oidc: { issuer: `${ISSUER}/`, sub: 's' } },
      { view: null },
      'validation.error',
    ],
    ['an operator of the platform', user, { tenant_id: 't_system', view: { platform: true } }, 'planned'],
    ['an agent of the platform', { kind: 'agent', name: 'x' }, { tenant_id: 't_system' }, 'validation.error'],
    ['an operator who is somebody', { ...user, person_id: 'u_x' }, { tenant_id: 't_system' }, 'validation.error'],
  ])('of %s', (_title, input, change, code) => {
    expect(codeOf(() => principalCreate.plan?.(principalCreate.input.parse(input), context(change)))).toBe(code)
  })
})

test('membership.put leaves the tenant its last owner', () => {
  const last = principal({ kind: 'user', role: 'owner', last_owner: true }) as unknown as Json
  const plan = (role: string) => () =>
    membershipPut.plan?.({ principal_id: 'p_reporter', role }, context({ view: last }))
  expect([codeOf(plan('admin')), codeOf(plan('owner'))]).toEqual(['resource.required', 'planned'])
})

test('tenant.create takes subjects of known issuers, for new members', () => {
  const member = { name: 'owner', kind: 'user', role: 'owner' }
  const body = (change: object) => ({ id: 't_new', name: 'New', members: [{ ...member, ...change }] })
  const plan = (issuer: string) =>
    tenantCreate.plan?.(
      tenantCreate.input.parse(body({ oidc: { issuer, sub: 's' } })),
      context({ tenant_id: 't_system', view: null }),
    )
  expect(codeOf(() => plan(ISSUER))).toBe('planned')
  expect(codeOf(() => plan('https://else.example'))).toBe('validation.error')
  const known = body({ name: undefined, principal_id: 'p_known', oidc: { issuer: ISSUER, sub: 's' } })
  expect(tenantCreate.input.safeParse(known).success).toBe(false)
  expect(
    tenantCreate.preview(tenantCreate.input.parse(body({ oidc: { issuer: ISSUER, sub: 's' } })), null, null).fields[1]
      ?.value,
  ).toBe(`user, owner, s at ${ISSUER}`)
})
