/** Single controls as one table: what people are shown, who must vote, and what is refused before anybody is asked. */
import { describe, expect, test } from 'vitest'
import type { ControlView } from '../../actions/control-action.ts'
import type { EffectfulAction, PlanAddition, PlanContext } from '../../actions/define.ts'
import { ROW_RULES } from '../../actions/policy-rows.ts'
import { policyPut } from '../../actions/policy-put.ts'
import { findEffectful } from '../../actions/registry.ts'
import { CONTROL_ACTIONS } from '../../actions/single-controls.ts'
import { quorumTree } from '../../domain/approval.ts'
import type { Json, JsonObject } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { GOVERNING_ACTIONS } from '../../domain/governs.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { EffectContext, RowPut, TransactionPorts } from '../../domain/ports.ts'
import { CONTROL_SECTIONS } from '../../domain/policy.ts'
import { PERMISSIONS } from '../../domain/permissions.ts'

const view = (change: Partial<ControlView> = {}): Json =>
  ({
    row: null,
    rows: 0,
    grantees: {
      p_reporter: { kind: 'agent', name: 'Reporter', person_id: 'u_ada', status: 'active', membership: 'active' },
    },
    license_types: ['lt_deploy'],
    ...change,
  }) as unknown as Json
const context = (change: Partial<PlanContext> = {}): PlanContext => ({
  target: null,
  tenant_id: 't_a',
  operation_id: 'op_1',
  principal_id: 'p_owner',
  person_id: 'u_owner',
  mode: 'lab',
  now: '2026-01-01T00:00:00.000000Z',
  issuers: [],
  permissions: [],
  holds: [],
  view: view(),
  describeAction: (name) =>
    name.startsWith('no.')
      ? null
      : { standing: name !== 'http.post', governs: false, quorum: name === 'big.thing' ? 2 : 1 },
  deriveKey: () => ({ id: '', secret_sha256: '' }),
  ...change,
})
const named = (name: string): EffectfulAction<unknown> => {
  const found = CONTROL_ACTIONS.find((action) => action.name === name)
  if (found === undefined) throw new Error(`no control ${name}`)
  return found
}
const plan = (name: string, input: object, change: Partial<PlanContext> = {}): PlanAddition => {
  const { example, plan: planned } = named(name)
  const addition = planned?.({ ...(example as object), ...input }, context(change))
  if (addition === undefined) throw new Error('nothing planned')
  return addition
}
const refusal = (work: () => unknown): ExoError | null => {
  try {
    work()
  } catch (error) {
    if (error instanceof ExoError) return error
    throw error
  }
  return null
}

describe.each(CONTROL_ACTIONS.map((action) => [action.name, action] as const))('%s', (name, action) => {
  const input = action.input.parse(action.example) as JsonObject
  const global = name.endsWith('_global')
  const tenant_id = global ? 't_system' : 't_a'

  test('is on the closed list, in the registry, and never covered by a standing grant', () => {
    expect(GOVERNING_ACTIONS).toContain(name)
    expect(findEffectful(name, action.version)).toBe(action)
    expect(action).toMatchObject({ governs: true, standing: false, class: 'contained' })
  })

  test('asks for one vote and the right to configure, and names what the row was', () => {
    const row = (action.view?.(input, tenant_id, null)['key'] ?? {}) as JsonObject
    const creates = name.endsWith('.create')
    const planned = action.plan?.(input, context({ tenant_id, view: view({ row: creates ? null : row }) }))
    expect(planned?.tree).toEqual(quorumTree(1, global ? 'platform' : undefined))
    expect(planned?.preconditions).toEqual({ was: creates ? null : row })
    if (!global) expect(PERMISSIONS).toContain(planned?.required?.[0])
  })

  test('is refused in a document that is not its own', () => {
    const other = global ? 't_a' : 't_system'
    expect(refusal(() => action.plan?.(input, context({ tenant_id: other })))?.code).toBe('auth.insufficient_role')
  })

  test('shows every member that the row will have, with what is gone and what is new', () => {
    const was = { gone: 'yes', nested: { a: 1 } }
    for (const seen of [null, view(), view({ row: was })]) {
      const { title, fields } = action.preview(input, seen, null)
      expect(title).toBe(action.title)
      for (const { label, value } of fields) expect([typeof label, typeof value]).toEqual(['string', 'string'])
      expect(JSON.stringify(fields).length).toBeLessThan(LIMITS.previewBytes)
    }
  })

  test('writes the row under its key over what it was, tells both, and fails when it became another', async () => {
    if (action.effect.kind !== 'transactional') throw new Error('not this kind')
    const put: RowPut[] = []
    const ports = (stands: JsonObject | null) =>
      ({
        controls: {
          putRow: async (asked: RowPut) => {
            put.push(asked)
            return stands === null ? null : { row: stands }
          },
        },
      }) as unknown as TransactionPorts
    const effect = {
      operation_id: 'op_1',
      tenant_id,
      requested_by: 'p_owner',
      preconditions: { was: null },
    } as unknown as EffectContext
    await action.effect.perform(ports({ global: {}, tenant: {} }), effect, input)
    const [first] = put
    expect(first?.was).toBeNull()
    expect(Object.keys(first?.key ?? {})).toEqual(ROW_RULES[first?.section ?? 'egress'].key)
    for (const [member, value] of Object.entries(first?.key ?? {})) expect(first?.row?.[member]).toEqual(value)
    expect(action.effect.tells?.({ ...effect, view: null }, input)).toEqual({ before: null, after: first?.row })
    await expect(action.effect.perform(ports(null), effect, input)).rejects.toMatchObject({
      code: 'effect.precondition_failed',
    })
  })
})

test('every section that is put row by row has its control', async () => {
  const sections = new Set(CONTROL_ACTIONS.map(({ view: look, example }) => look?.(example, 't_a', null)['section']))
  expect([...sections].toSorted()).toEqual([...CONTROL_SECTIONS].toSorted())
})

describe('a grant', () => {
  const code = (input: object, change: Partial<PlanContext> = {}) =>
    refusal(() => plan('grant.put', input, change))?.code
  const ada = (change: object) => view({ grantees: { p_reporter: { ...ADA, ...change } } })
  const ADA = { kind: 'agent', name: 'Reporter', person_id: 'u_ada', status: 'active', membership: 'active' }

  test.each<[string, object, Partial<PlanContext>]>([
    ['to the principal that asks', { principal_id: 'p_owner' }, {}],
    ['to an agent of whoever asks', {}, { person_id: 'u_ada' }],
    ['to whom an agent of theirs asks for', {}, { principal_id: 'p_other_agent', person_id: 'u_ada' }],
  ])('%s is none', (_what, input, change) => {
    expect(code(input, change)).toBe('firearms.self_grant')
  })

  test.each<[string, Json]>([
    ['nobody', view({ grantees: {} })],
    ['who was revoked', ada({ status: 'revoked' })],
    ['who left the tenant', ada({ membership: 'revoked' })],
  ])('to %s is refused', (_what, seen) => {
    expect(code({}, { view: seen })).toBe('validation.error')
  })

  test('to an agent without an owner is granted by anybody who may', () => {
    expect(code({}, { view: ada({ person_id: null }), person_id: null })).toBeUndefined()
  })

  test('that stands takes as many people as the strongest of its actions, and never its holder', () => {
    const { tree, excluded } = plan('grant.put', { actions: ['note.append', 'big.thing'] })
    expect([tree, excluded]).toEqual([quorumTree(2), ['u_ada']])
    expect(plan('grant.put', { actions: ['big.thing'], standing: null }).tree).toEqual(quorumTree(1))
    expect(code({ actions: ['http.post'] })).toBe('validation.error')
    expect(code({ actions: ['http.post'], standing: null })).toBeUndefined()
  })

  test('of an unknown type, over an unknown action, or under an id that names none is refused', () => {
    expect(code({ license_type: 'lt_other' })).toBe('validation.error')
    expect(code({ actions: ['no.such'] })).toBe('validation.error')
    expect(code({ id: 'gr_absent' })).toBe('resource.not_found')
  })

  test('gets its id from the operation, the same at every try', () => {
    const { effect, example } = named('grant.put')
    const tell = (operation_id: string) => {
      if (effect.kind !== 'transactional') throw new Error('not this kind')
      const told = effect.tells?.({ operation_id, preconditions: {}, view: null }, example)
      return ((told?.after ?? {}) as JsonObject)['id']
    }
    expect(tell('op_1')).toMatch(/^gr_[0-9a-f]{24}$/)
    expect(tell('op_1')).toBe(tell('op_1'))
    expect(tell('op_2')).not.toBe(tell('op_1'))
  })
})

describe('grants in the whole document', () => {
  const grant = { ...(named('grant.put').example as JsonObject), id: 'gr_a' }
  const written = (grants: JsonObject[], held: JsonObject[], person_id: string) =>
    policyPut.plan?.(
      { base_version: 3, policy: { grants } },
      context({
        person_id,
        view: { version: 3, epoch: 0, policy: { grants: held }, grantees: (view() as JsonObject)['grantees'] ?? null },
      }),
    )

  test('that stay as they are may be one’s own, and ask for nothing', () => {
    const kept = { ...grant, expires_at: '2030-01-31T00:00:00.000000Z', project_id: null, surface_id: null }
    expect(written([grant], [kept], 'u_ada')).toMatchObject({ tree: quorumTree(1), excluded: [] })
  })

  test('that are new or changed are nobody’s own, and take the strongest vote', () => {
    for (const held of [[], [{ ...grant, expires_at: '2031-01-31T00:00:00Z' }]]) {
      expect(refusal(() => written([grant], held, 'u_ada'))?.details).toEqual({ path: '/policy/grants/0/principal_id' })
      expect(written([{ ...grant, actions: ['big.thing'] }], held, 'u_owner')).toMatchObject({
        tree: quorumTree(2),
        excluded: ['u_ada'],
      })
    }
  })

  test('twice under one id are refused, and so is any other row that is there twice', () => {
    const errors = (policy: JsonObject) =>
      refusal(() =>
        policyPut.plan?.(
          { base_version: 0, policy },
          context({ view: { version: 0, epoch: 0, policy: {}, grantees: {} } }),
        ),
      )?.details
    const target = { origin: 'https://a.example', methods: ['POST'], idempotency_header: null }
    expect(errors({ egress: [target, { ...target, idempotency_header: 'Key' }] })).toEqual({
      errors: [{ path: '/policy/egress', message: 'two rows speak of the same thing' }],
    })
  })
})

test('the whole document asks for the permissions of what it changes, one emptied and one made anew included', () => {
  const type = { id: 'lt_a', name: 'A' }
  const held = { license_types: [type], budget: [], kpi: { definitions: [], corridors: [] }, feature_flags: {} }
  const required = (policy: JsonObject) =>
    policyPut.plan?.(
      { base_version: 0, policy: policy as never },
      context({ view: { version: 0, epoch: 0, policy: held, grantees: {} } }),
    ).required
  expect(required(held)).toEqual([])
  expect(required({ ...held, license_types: [] })).toEqual(['configure:firearms'])
  expect(required({ license_types: [type], temperature: [] })).toEqual(['configure:temperature'])
  expect(required({ ...held, license_types: [{ ...type, name: 'B' }] })).toEqual(['configure:firearms'])
})

test('a section that is full takes no new row, and changes of those that are there', () => {
  const full = { rows: LIMITS.controlRows }
  expect(refusal(() => plan('budget_policy.put', {}, { view: view(full) }))?.code).toBe('validation.error')
  expect(plan('budget_policy.put', {}, { view: view({ ...full, row: { scope: {} } }) }).preconditions).toEqual({
    was: { scope: {} },
  })
})

test('an origin of our own networks is for the lab', () => {
  const origin = 'http://127.0.0.1:8080'
  expect(plan('egress_target.put', { origin }).required).toEqual(['configure:egress'])
  for (const mode of ['saas', 'enterprise'] as const) {
    expect(refusal(() => plan('egress_target.put', { origin }, { mode }))?.code).toBe('validation.error')
    expect(refusal(() => plan('egress_target.put', { origin: 'https://10.0.0.1' }, { mode }))?.code).toBe(
      'validation.error',
    )
  }
})
