/** One sealed bundle for every way an operation can end, each made by a real run. */
import { Deployment } from './deployment.ts'
import { currentFacts } from './facts.ts'
import { type FactsOf, now, type Operation } from './memory-rows.ts'
import { ACTIONS, type RegisteredAction } from '../../../actions/registry.ts'
import type { Facts } from '../../../domain/facts.ts'
import type { Intent, Plan } from '../../../domain/plan.ts'
import { quorumTree } from '../../../domain/approval.ts'
import type { OperationInput } from '../../../domain/steps.ts'
import { makeKey, openSigner } from '../../../stores/jose-keys.ts'

/** What each gate blocks on, as a change of good facts. */
export const BLOCKING: Readonly<Record<string, (facts: Facts) => void>> = {
  kill_switch: (facts) => stop(facts),
  firearms: (facts) => void facts.firearms.license_types.push('lt_missing'),
  strategy_lock: (facts) => void (facts.strategy_lock.locks = []),
  three_wise: (facts) => {
    for (const lock of facts.strategy_lock.locks) if (lock.three_wise !== null) lock.three_wise.verdict = 'REJECT'
  },
  budget: (facts) => {
    if (facts.budget.policy !== null) facts.budget.policy.threshold = '1'
  },
  kpi: (facts) => {
    for (const corridor of facts.kpi.corridors) corridor.measurement = null
  },
  temperature: (facts) => {
    if (facts.temperature !== null) facts.temperature.ceilings = { error_rate: '1' }
  },
  audit: (facts) => void (facts.audit.self_check.ok = false),
}

function stop(facts: Facts): void {
  for (const row of facts.switches) if (row.scope === 'tenant' && row.selector.kind === 'all') row.state = 'stopped'
}

const ASKED: Partial<Plan> = { standing: false }
const FAST: Partial<Plan> = { fast_path: true }

export interface Evidence {
  deployment: Deployment
  /** Sealed bundles by the way they ended. */
  bundles: ReadonlyMap<string, Uint8Array>
}

export async function makeEvidence(): Promise<Evidence> {
  const deployment = await Deployment.start()
  try {
    for (const name of ['ann', 'bob', 'cyd']) deployment.addVoter(name)
    // One after the other where order in the log matters, side by side otherwise.
    const own = await selfSigned(deployment)
    const made = await Promise.all(
      Object.entries(ENDS).map(async ([name, end]) => [name, await end(deployment)] as const),
    )
    return { deployment, bundles: new Map([...own, ...made]) }
  } catch (error) {
    await deployment.close()
    throw error
  }
}

type End = (deployment: Deployment) => Promise<Uint8Array>

const ENDS: Readonly<Record<string, End>> = {
  'executed by votes': async (d) => await voted(d, ['ann', 'bob'], { approval: { quorum: 2, tree: quorumTree(2) } }),
  'executed by one vote': async (d) => await voted(d, ['ann'], {}),
  'executed by a vote that has its row': async (d) => {
    const input = await asked(d, {})
    const ann = await d.vote(input, 'p_ann')
    await d.admit(input, ann)
    await d.decide(input, ann)
    return await d.sealed(input)
  },
  'executed by a grant at once': async (d) => await d.sealed(await d.propose({ plan: FAST })),
  'executed by a grant': async (d) => await d.sealed(await d.propose({})),
  ...Object.fromEntries(
    Object.entries(BLOCKING).map(([gate, change]): [string, End] => [
      `blocked by ${gate}`,
      async (d) => await d.sealed(await d.propose({ facts: (operation) => currentFacts(d, operation, change) })),
    ]),
  ),
  'blocked at once': async (d) =>
    await d.sealed(await d.propose({ plan: FAST, facts: (op) => currentFacts(d, op, stop) })),
  'blocked by a stop after votes': async (d) => await voted(d, ['ann'], { facts: stoppedLater(d) }),
  'blocked as its version is gone': async (d) => await d.sealed(await d.propose({ intent: { action_version: 2 } })),
  'failed as the one who voted armed it': async (d) => await voted(d, ['ann'], { facts: armedBy(d, 'ann') }),
  'failed in the guard as the one who voted armed it': async (d) =>
    await voted(d, ['ann'], { facts: armedBy(d, 'ann', true) }),
  'executed though one who voted armed it': async (d) => {
    d.addVoter('oda', { role: 'owner' })
    return await voted(d, ['ann', 'oda'], {
      facts: armedBy(d, 'ann', true),
      approval: { tree: quorumTree(1, 'owner') },
    })
  },
  'blocked in the guard as its version is gone': async (d) => {
    const input = await d.propose({ intent: tenantOf('t_late'), plan: ASKED, facts: goneLater(d, 'tenant.create') })
    await d.untilPending(input)
    await d.decide(input, await d.vote(input, 'p_ann'))
    return await d.sealed(input)
  },
  denied: async (d) => {
    const input = await asked(d, {})
    await d.decide(input, await d.vote(input, 'p_ann', { decision: 'deny', reason: 'not today' }))
    return await d.sealed(input)
  },
  'denied after one approval': async (d) => {
    const input = await asked(d, { approval: { quorum: 2, tree: quorumTree(2) } })
    await d.decide(input, await d.vote(input, 'p_ann'))
    await d.decide(input, await d.vote(input, 'p_bob', { decision: 'deny', reason: 'no' }))
    return await d.sealed(input)
  },
  'denied after a vote that was read before it was heard': async (d) => {
    const input = await asked(d, { approval: { quorum: 3, tree: quorumTree(3) } })
    const [ann, bob] = [await d.vote(input, 'p_ann'), await d.vote(input, 'p_bob')]
    await d.admit(input, bob)
    // Both signals come while the run looks at ann's, so that it hears them together.
    const told = d.rows.holdBack(ann)
    await d.decide(input, ann)
    await told.asked
    await d.decide(input, bob)
    await d.decide(input, await d.vote(input, 'p_cyd', { decision: 'deny', reason: 'no' }))
    told.answer()
    return await d.sealed(input)
  },
  expired: async (d) => await d.sealed(await asked(d, { approval: { expires_in_seconds: 1 } })),
  cancelled: async (d) => {
    const input = await asked(d, {})
    d.rows.of(input.operation_id).operation.cancel = { by: 'p_ann', kind: 'user', reason: 'changed my mind', at: now() }
    await d.wake(input)
    return await d.sealed(input)
  },
  failed: async (d) =>
    await d.sealed(await d.propose({ intent: { action: 'note.remove', input: { note_id: 'n_absent' } } })),
  'failed in the guard': async (d) => await d.sealed(await d.propose({ facts: brokenLater(d) })),
  'failed in the guard at once': async (d) => await d.sealed(await d.propose({ plan: FAST, facts: brokenLater(d) })),
  'told a target once': async (d) => await voted(d, ['ann'], telling('ok')),
  'unknown after telling a target once': async (d) => await voted(d, ['ann'], telling('lost')),
  'ended from outside while a target was told': async (d) => {
    const input = await asked(d, telling('late'))
    await d.decide(input, await d.vote(input, 'p_ann'))
    return await d.terminated(input, 'after its claim')
  },
  'ended from outside': async (d) => await d.terminated(await asked(d, {})),
  'executed control operation of the platform': async (d) => {
    d.addVoter('pat', { platform_role: 'platform_operator', role: null })
    const input = await d.propose({
      tenant: 't_system',
      intent: await enrolmentOf('p_quinn'),
      approval: { excluded_persons: ['person_quinn'], tree: quorumTree(1, 'platform') },
    })
    await d.untilPending(input)
    await d.decide(input, await d.vote(input, 'p_pat'))
    return await d.sealed(input)
  },
  proposed: async (d) =>
    await d.sealed(await d.propose({ plan: FAST, intent: { run: 'propose' }, approval: { required: false } })),
  'executed after refused votes and noise': async (d) => {
    const input = await asked(d, { approval: { quorum: 2, tree: quorumTree(2) } })
    const first = await d.vote(input, 'p_ann')
    await d.decide(input, first)
    await d.decide(input, first)
    await d.decide(input, await d.vote(input, 'p_ann'))
    await d.decide(input, 'no.vote.atall')
    await d.client.workflow.getHandle(`${input.tenant_id}/${input.operation_id}`).signal('other', { a: 1 })
    await d.decide(input, await d.vote(input, 'p_bob'))
    return await d.sealed(input)
  },
}

type Asking = {
  intent?: Partial<Intent>
  plan?: Partial<Plan>
  approval?: Partial<Plan['approval']>
  facts?: FactsOf
}

/** A request to a target that keeps no keys. */
function telling(path: string): Asking {
  const origin = 'https://target.example'
  const asked = { action: 'http.post', class: 'irreversible', target: `${origin}/${path}` } as const
  return {
    intent: { ...asked, input: { body: { order: 17 } }, preconditions: { idempotency_header: null } },
    plan: { ...ASKED, effect_kind: 'blind', view: { kind: 'egress', tenant_id: 't_a', origin } },
  }
}

async function asked(d: Deployment, asking: Asking): Promise<OperationInput> {
  const input = await d.propose({ plan: ASKED, ...asking })
  await d.untilPending(input)
  return input
}

async function voted(d: Deployment, voters: string[], asking: Asking): Promise<Uint8Array> {
  const input = await asked(d, asking)
  for (const name of voters) await d.decide(input, await d.vote(input, `p_${name}`))
  return await d.sealed(input)
}

const stoppedLater =
  (d: Deployment): FactsOf =>
  (operation: Operation, guard: boolean) =>
    currentFacts(d, operation, guard ? stop : undefined)

const brokenLater =
  (d: Deployment): FactsOf =>
  (operation: Operation, guard: boolean) => {
    if (guard) throw new TypeError('a bug')
    return currentFacts(d, operation)
  }

/** A grant that a person issued after they voted; `late` while the run is between its last pass and the guard. */
const armedBy =
  (d: Deployment, name: string, late = false): FactsOf =>
  (operation: Operation, guard: boolean) =>
    currentFacts(d, operation, (facts) => {
      const issued = late ? guard : d.rows.of(operation.intent.operation_id).votes.length > 0
      if (issued) for (const grant of facts.firearms.grants) grant.granted_by_person = `person_${name}`
    })

/** A registry that loses the action while its run is between its last pass and the guard. */
const goneLater =
  (d: Deployment, action: string): FactsOf =>
  (operation: Operation, guard: boolean) => {
    if (guard) (ACTIONS as Map<string, RegisteredAction>).delete(action)
    return currentFacts(d, operation)
  }

const tenantOf = (id: string): Partial<Intent> => ({
  action: 'tenant.create',
  class: 'contained',
  input: { id, name: 'Too late', members: [{ name: 'owner', kind: 'user', role: 'owner' }] },
  estimated_cost: '0',
})

async function enrolmentOf(principal_id: string): Promise<Partial<Intent>> {
  const { privateJwk } = await makeKey('operator')
  const input = { public_jwk: { kty: 'OKP', crv: 'Ed25519', x: privateJwk.x ?? '' } }
  return { action: 'operator_key.create', class: 'contained', principal_id, input, estimated_cost: '0' }
}

/** A person enrols a key, which takes another person's vote, and then must sign with it. */
async function selfSigned(d: Deployment): Promise<[string, Uint8Array][]> {
  d.addVoter('dee')
  const { privateJwk } = await makeKey('operator')
  const public_jwk = { kty: 'OKP', crv: 'Ed25519', x: privateJwk.x ?? '' }
  const enrolment = await d.propose({
    intent: {
      action: 'operator_key.create',
      class: 'contained',
      principal_id: 'p_dee',
      input: { public_jwk },
      estimated_cost: '0',
    },
    approval: { excluded_persons: ['person_dee'] },
  })
  await d.untilPending(enrolment)
  await d.decide(enrolment, await d.vote(enrolment, 'p_ann'))
  const enrolled = await d.sealed(enrolment)
  const [kid = ''] = d.rows.keys.keys()
  const own = await openSigner({ ...privateJwk, kid })
  const input = await asked(d, { approval: { assurance: 'self_signed' } })
  await d.decide(input, await d.vote(input, 'p_dee', {}, own))
  return [
    ['executed control operation', enrolled],
    ["executed by a person's own signature", await d.sealed(input)],
  ]
}
