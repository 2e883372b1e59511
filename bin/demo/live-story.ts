/** The live half: a system that does nothing until people open it, and then only what they allowed. */
import { type Answer, type DemoStage, people, type Person } from './stage.ts'
import type { Deployment } from '../deployment.ts'

const running = (scope: string) => ({ scope, selector: { kind: 'all', value: null }, state: 'running' })
const note = (text: string) => ({ action: 'note.append', input: { notebook: 'inbox', text } })
const DAY_MS = 86_400_000
const wait = { prefer: 'wait=10' }

export async function openSystem(stage: DemoStage, deployment: Deployment): Promise<void> {
  const { agent, platform, platform2, owner, operator } = people(deployment)
  stage.chapter('A fresh system blocks')
  const first = await agent.call('POST', '/operations', note('too early'), wait)
  stage.claim(
    first.status === 403 && first.body.error.code === 'kill_switch.blocked' && first.body.error.details.unset === true,
    `an agent proposes to append a note and is blocked: ${first.body.error?.code}`,
    'no switch was ever set, and an absent switch is a stop',
  )

  stage.chapter('People open it; loosening takes a second person')
  const global = await platform.call('PUT', '/policy', {
    base_version: 0,
    reason: 'open the platform for the demo',
    policy: { kill_switches: [running('global')] },
  })
  stage.claim(global.status === 202, 'a platform operator asks to run; it waits', 'nobody loosens a control alone')
  const own = await platform.vote(global.body, 'approve', 'my own proposal')
  stage.claim(own.body.error?.code === 'approval.self', 'they may not approve it themselves: approval.self', '')
  const opened = await platform2.vote(global.body, 'approve', 'agreed')
  stage.claim(
    opened.body.operation?.status === 'executed',
    'the other platform operator approves; the platform runs',
    '',
  )
  const policy = await owner.call('PUT', '/policy', {
    base_version: 0,
    reason: 'open the tenant; notes need no metrics',
    policy: {
      kill_switches: [running('tenant')],
      not_required: ['budget', 'kpi', 'temperature'].map((gate) => ({
        gate,
        class: 'reversible',
        until: new Date(Date.now() + 180 * DAY_MS).toISOString(),
        reason: 'nothing about notes is measured',
      })),
    },
  })
  const changed = await operator.vote(policy.body, 'approve', 'read the diff')
  stage.claim(
    changed.body.operation?.status === 'executed',
    `the tenant's owner proposes one document, an operator approves its diff of ${policy.body.preview?.fields.length} lines`,
    '',
  )
}

/** Plays the scenes; answers the operations whose evidence is worth verifying, by what they ended as. */
export async function liveStory(stage: DemoStage, deployment: Deployment): Promise<Map<string, string>> {
  const all = people(deployment)
  const { agent, owner, operator, operator2, stranger } = all
  const kept = new Map<string, string>()
  const ask = async (text: string, more: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    await agent.call('POST', '/operations', { ...note(text), ...more }, { ...wait, ...headers })

  stage.chapter('Propose, deny, approve, execute')
  const proposed = await ask('only asking', { run: 'propose' })
  stage.claim(
    proposed.status === 201 && proposed.body.status === 'proposed',
    'a proposal alone runs all eight gates and ends',
    'run=propose needs nobody and does nothing',
  )
  kept.set('proposed', proposed.body.id)
  const denied = await ask('please')
  stage.claim(
    denied.status === 202 && denied.body.status === 'pending_approval',
    'a note waits for a person',
    'no answer would be a denial',
  )
  const no = await operator.vote(denied.body, 'deny', 'not today')
  stage.claim(
    no.body.operation?.status === 'denied',
    'an operator denies it, with a reason; nothing happened',
    `notes in the notebook: ${await notes(operator)}`,
  )
  kept.set('denied', denied.body.id)
  const asked = await ask('the kettle is on', {}, { 'idempotency-key': 'demo-1' })
  const yes = await operator.vote(asked.body, 'approve', 'fine')
  stage.claim(
    yes.body.operation?.status === 'executed' && (await notes(operator)) === 1,
    'the next one is approved and executed: one note',
    `satisfied by ${yes.body.operation?.approval.satisfied_by}, effect ${yes.body.operation?.effect?.state}`,
  )
  kept.set('executed', asked.body.id)
  const again = await ask('the kettle is on', {}, { 'idempotency-key': 'demo-1' })
  stage.claim(
    again.status === 200 && again.body.id === asked.body.id && (await notes(operator)) === 1,
    'the same key again answers the same operation: still one note',
    'twice is once, for ever',
  )
  const other = await ask('another text', {}, { 'idempotency-key': 'demo-1' })
  stage.claim(other.status === 409, `the same key with another text: ${other.body.error?.code}`, '')

  stage.chapter('Stop while something is pending')
  const pending = await ask('caught by the stop')
  const stop = await operator.call('PUT', '/kill-switches', { scope: 'tenant', state: 'stopped', reason: 'drill' })
  stage.claim(
    stop.status === 200 && stop.body.drain?.state === 'drained',
    `an operator stops the tenant alone, at once: epoch ${stop.body.epoch}, drained`,
    'tightening takes one person; it needs PostgreSQL and nothing else',
  )
  const late = await operator2.vote(pending.body, 'approve', 'approved too late')
  stage.claim(
    late.body.operation?.status === 'blocked' && late.body.operation?.error?.code === 'kill_switch.blocked',
    'an approval after the stop executes nothing: the gates ran again and blocked',
    '',
  )
  kept.set('blocked', pending.body.id)
  const resume = await operator.call('PUT', '/kill-switches', {
    scope: 'tenant',
    state: 'running',
    reason: 'drill over',
  })
  const resumed = await operator2.vote(resume.body, 'approve', 'drill over')
  stage.claim(
    resume.status === 202 && resumed.body.operation?.status === 'executed',
    'resuming waits for a second person, and gets one',
    '',
  )

  stage.chapter('Late, forged, swapped, foreign')
  const short = await ask('nobody looks', { approval: { expires_in: 1 } })
  const expired = await untilEnded(operator, short.body.id)
  stage.claim(
    expired === 'expired',
    'nobody voted within its second: expired',
    'silence is a denial, by the database clock',
  )
  kept.set('expired', short.body.id)
  const target = await ask('attacked')
  const forged = await operator.call('POST', `/operations/${target.body.id}/decisions`, {
    decision: 'approve',
    intent_hash: target.body.intent_hash,
    reason: 'x',
    vote: forge(yes.body.operation.id),
  })
  stage.claim(
    forged.body.error?.code === 'approval.vote_invalid',
    `a forged vote: ${forged.body.error?.code}, check ${forged.body.error?.details.check}`,
    '',
  )
  const swapped = await operator.vote(
    { id: target.body.id, intent_hash: asked.body.intent_hash },
    'approve',
    'for another input',
  )
  stage.claim(
    swapped.status === 409,
    `a vote for another input: ${swapped.body.error?.code}`,
    'people approve bytes, not titles',
  )
  const foreign = await stranger.vote(target.body, 'approve', 'from next door')
  stage.claim(
    foreign.status === 404,
    `another tenant's operator: ${foreign.body.error?.code}`,
    'foreign and absent answer alike',
  )
  const cancelled = await agent.call('POST', `/operations/${target.body.id}/cancel`, { reason: 'never mind' })
  stage.claim(cancelled.body.status === 'cancelled', 'the agent cancels it; a committed row the guard obeys', '')
  kept.set('cancelled', target.body.id)

  stage.chapter('A standing grant, within limits')
  await grant(owner, operator)
  const first = await ask('granted 1')
  const second = await ask('granted 2')
  const third = await ask('granted 3')
  stage.claim(
    first.body.status === 'executed' && second.body.status === 'executed' && third.body.status === 'pending_approval',
    'a grant for two notes replaces votes twice; the third waits for people again',
    `satisfied by ${first.body.approval?.satisfied_by} ${first.body.approval?.license_id}`,
  )
  kept.set('granted', first.body.id)
  await operator.vote(third.body, 'deny', 'the grant is spent')
  const undo = await agent.call('POST', `/operations/${asked.body.id}/undo`, { reason: 'wrong notebook' }, wait)
  const undone = await operator.vote(undo.body, 'approve', 'take it back')
  stage.claim(
    undone.body.operation?.status === 'executed' && (await notes(operator)) === 2,
    'the first note is undone by an operation of its own',
    '',
  )
  return kept
}

async function grant(owner: Person, operator: Person): Promise<void> {
  const { body } = await owner.call('GET', '/policy')
  const put = await owner.call('PUT', '/policy', {
    base_version: body.version,
    reason: 'the agent may append two notes by itself',
    policy: {
      license_types: [{ id: 'lt_notes', name: 'Notes' }],
      grants: [
        {
          principal_id: 'p_demo_agent',
          license_type: 'lt_notes',
          actions: ['note.append'],
          expires_at: '2090-01-01T00:00:00Z',
          standing: { max_count: 2, max_amount: '0' },
        },
      ],
    },
  })
  await operator.vote(put.body, 'approve', 'two is fine')
}

async function notes(reader: Person): Promise<number> {
  return (await reader.call('GET', '/notes?notebook=inbox')).body.items.length
}

async function untilEnded(reader: Person, id: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const { body } = await reader.call('GET', `/operations/${id}`)
    if (!['evaluating', 'pending_approval', 'executing'].includes(body.status)) return body.status
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return 'still waiting'
}

/** A vote nobody signed. */
function forge(operationId: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'EdDSA', kid: 'attest-0000', typ: 'exo-vote+jwt' })}.${part({ operation_id: operationId })}.${'A'.repeat(86)}`
}
