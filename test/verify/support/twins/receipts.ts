/** An insider's lies in the receipt: decision hash, signature and seal made right, so that only the rules are left. */
import { type Kit, rehash } from './kit.ts'
import { type Places, setPlaces } from './places.ts'
import { type Twin, twinsOf } from './twin.ts'
import type { JsonObject } from '../../../../domain/canonical.ts'
import { intentHash, planHash } from '../../../../domain/plan.ts'
import type { Receipt } from '../../../../domain/receipt.ts'

type Row = readonly [name: string, noticed: string, lie: Places | Twin['make']]

const told = (from: string, rows: readonly Row[]) =>
  twinsOf(
    from,
    rows.map(([name, noticed, lie]) => [name, noticed, typeof lie === 'function' ? lie : saying(lie)] as const),
  )

const saying = (places: Places) => (kit: Kit) => kit.rereceipt((receipt) => setPlaces(receipt, places))

/** As `saying`, with every hash of what it says made right as well. */
const hashed = (places: Places) => (kit: Kit) =>
  kit.rereceipt((receipt: Receipt) => {
    setPlaces(receipt, places)
    for (const pass of receipt.passes) rehash(pass as { facts: JsonObject; facts_hash: string })
    setPlaces(receipt, { intent_hash: intentHash(receipt.intent), plan_hash: planHash(receipt.plan) })
  })

const keysSwapped = (change: 'receipt' | 'seal', by: 'receipt' | 'seal') => (kit: Kit) => {
  kit.keys = { ...kit.keys, [change]: kit.keys[by] }
  return kit.rereceipt(() => undefined)
}

const ZEROS = '0'.repeat(64)
const FUTURE = '2030-01-01T00:00:00.000000Z'
const NOBODY = { votes: [], voters: [] }
const GONE = { status: 'blocked', error_code: 'action.version_unavailable' }
const EXECUTED = { status: 'executed', error_code: null }
const budget = 'passes[-1].verdicts[4]'
const grant = 'passes[-1].facts.firearms.grants[0]'

export const receiptTwins = [
  ...told('executed by votes', [
    [
      'a verdict turned to block',
      'decisions.passes',
      { [`${budget}.decision`]: 'block', [`${budget}.code`]: 'budget.unavailable' },
    ],
    [
      'a blocking verdict and executed',
      'causal.outcome',
      { [`${budget}.decision`]: 'block', [`${budget}.code`]: 'budget.unavailable' },
    ],
    ['a verdict called banana', 'decisions.passes', { [`${budget}.decision`]: 'banana' }],
    ['a verdict left out', 'decisions.passes', { 'passes[-1].verdicts': [] }],
    ['other evidence', 'decisions.passes', { [`${budget}.evidence`]: {} }],
    ['facts changed, their hash left', 'decisions.hashes', { 'passes[-1].facts.waivers': [] }],
    ['facts changed, their hash made right', 'record.end', hashed({ 'passes[-1].facts.waivers': [] })],
    [
      'facts under which a gate blocks',
      'decisions.passes',
      hashed({ 'passes[-1].facts.switches[1].state': 'stopped' }),
    ],
    ['facts of another time', 'causal.times', hashed({ 'passes[-1].facts.now': FUTURE })],
    [
      'the guard pass left out',
      'causal.effect',
      (kit) => kit.rereceipt((receipt) => setPlaces(receipt, { passes: receipt.passes.slice(0, -1) })),
    ],
    [
      'passes in another order',
      'decisions.passes',
      (kit) => kit.rereceipt((receipt) => setPlaces(receipt, { passes: receipt.passes.toReversed() })),
    ],
    [
      'a pass held twice',
      'decisions.passes',
      (kit) => kit.rereceipt(({ passes }) => void (passes as unknown[]).push(passes.at(-1))),
    ],
    ['the intent changed, its hash left', 'decisions.hashes', { 'intent.input.text': 'other' }],
    ['the intent changed, its hash made right', 'record.start', hashed({ 'intent.input.text': 'other' })],
    [
      'the plan asks one person fewer',
      'record.start',
      hashed({ 'plan.approval.quorum': 1, 'plan.approval.tree': { permission: 'decide' } }),
    ],
    ['the plan asks nobody', 'causal.outcome', hashed({ 'plan.approval.required': false })],
    [
      'the tree asks fewer than the quorum',
      'causal.approval',
      hashed({ 'plan.approval.tree': { permission: 'decide' } }),
    ],
    ['the plan of another chain', 'decisions.passes', hashed({ 'plan.chain_version': 99, 'code.chain': 99 })],
    ['another bundle of code', 'replay.code', { 'code.bundle': 'a'.repeat(64) }],
    ['another SDK', 'structure.tasks', { 'code.sdk': '1.23.0' }],
    ['another tenant', 'structure.history', { tenant_id: 't_b' }],
    ['another operation', 'structure.history', { operation_id: 'op_other' }],
    ['approved by nobody', 'causal.approval', NOBODY],
    [
      'approved by one where two must',
      'causal.approval',
      (kit) => kit.rereceipt(({ votes, voters }) => void [(votes as string[]).pop(), (voters as unknown[]).pop()]),
    ],
    [
      'one person counted twice',
      'causal.approval',
      { 'voters[1].person_id': 'person_ann', 'voters[0].person_id': 'person_ann' },
    ],
    [
      'one vote counted twice',
      'record.votes',
      (kit) =>
        kit.rereceipt((receipt) =>
          setPlaces(receipt, { 'votes[1]': receipt.votes[0], 'voters[1]': receipt.voters[0] }),
        ),
    ],
    ["the requester's person among the voters", 'causal.approval', { 'voters[0].person_id': 'person_owner' }],
    [
      'a voter who issued the grant that arms it',
      'causal.approval',
      hashed({ [`${grant}.granted_by_person`]: 'person_ann' }),
    ],
    ["the issuer's person among the voters", 'causal.approval', { 'voters[0].person_id': 'person_admin' }],
    ['a voter without the permission', 'causal.approval', { 'voters[0].permissions': ['read'] }],
    ['a denial among the votes', 'causal.outcome', { 'voters[0].decision': 'deny' }],
    ['a vote after the effect', 'causal.times', { 'voters[1].at': FUTURE }],
    ['approved after the deadline', 'causal.approval', { 'approval.expires_at': '2026-01-01T00:00:00.000Z' }],
    [
      'approved by a grant that does not stand',
      'causal.approval',
      { ...NOBODY, 'approval.satisfied_by': 'license', 'approval.license_id': 'gr_1' },
    ],
    ['nothing had to be approved', 'causal.approval', { 'approval.satisfied_by': 'none_required' }],
    ['an effect with other input', 'causal.effect', { 'effect.input_sha256': ZEROS }],
    ['an effect with another output', 'causal.effect', { 'effect.output_sha256': ZEROS }],
    ['an effect with another result', 'causal.effect', { 'effect.result': { note_id: 'n_other' } }],
    ['an effect of another key', 'causal.effect', { 'effect.key': 'other' }],
    ['an effect of another kind', 'causal.effect', { 'effect.kind': 'blind' }],
    ['an effect done twice', 'causal.effect', { 'effect.attempts': 2 }],
    ['executed without an effect', 'causal.outcome', { effect: null }],
    ['executed, though the effect failed', 'causal.effect', { 'effect.state': 'failed' }],
    ['settled at another price', 'causal.settlement', { 'settlement.settled': '0.01' }],
    ['released what was settled', 'causal.settlement', { 'settlement.released': '2.5' }],
    ['ended at another time', 'leaves.words', { ended_at: FUTURE }],
    ['another status', 'record.end', { status: 'failed', error_code: 'effect.failed' }],
    ['executed with a code', 'causal.outcome', { error_code: 'effect.failed' }],
    ['a leaf left out', 'leaves.story', (kit) => kit.rereceipt(({ leaves }) => void (leaves as string[]).splice(1, 1))],
    [
      'a leaf named twice',
      'leaves.story',
      (kit) => kit.rereceipt(({ leaves }) => void (leaves as string[]).push(leaves[0] ?? '')),
    ],
    ['a leaf nobody has', 'log.inclusion', { 'leaves[0]': ZEROS }],
    ['a receipt of another version', 'decisions.hashes', { v: 2 }],
    ['a receipt signed with the seal key', 'signatures.receipt', keysSwapped('receipt', 'seal')],
    ['a seal signed with the receipt key', 'signatures.seal', keysSwapped('seal', 'receipt')],
    [
      'sealed for another tenant',
      'signatures.seal',
      (kit) => kit.reseal((seal) => setPlaces(seal, { tenant_id: 't_b' })),
    ],
    [
      'sealed for other builds',
      'signatures.seal',
      (kit) => kit.reseal((seal) => setPlaces(seal, { build_ids: ['x'] })),
    ],
    [
      'sealed over fewer leaves',
      'log.inclusion',
      (kit) => kit.reseal((seal) => setPlaces(seal, { leaves: seal.leaves.slice(1) })),
    ],
  ]),
  ...told('executed by a grant at once', [
    ['the grant was revoked', 'causal.approval', hashed({ [`${grant}.revoked`]: true })],
    ['the grant had run out', 'causal.approval', hashed({ [`${grant}.expires_at`]: '2026-01-01T00:00:00Z' })],
    ['the grant was used up', 'causal.approval', hashed({ [`${grant}.used`]: { count: 10, amount: '10' } })],
    ['the grant was too small', 'causal.approval', hashed({ [`${grant}.standing.max_amount`]: '12' })],
    ["the grant was another principal's", 'causal.approval', hashed({ [`${grant}.principal_id`]: 'p_zed' })],
    ['the grant was for another action', 'causal.approval', hashed({ [`${grant}.actions`]: ['note.remove'] })],
    ['the grant did not stand in for votes', 'causal.approval', hashed({ [`${grant}.standing`]: null })],
    ['another grant', 'causal.approval', { 'approval.license_id': 'gr_2' }],
    ['a change of controls by a grant', 'causal.approval', hashed({ 'plan.governs': true })],
    ['an action that allows no grants', 'causal.approval', hashed({ 'plan.standing': false })],
  ]),
  ...told('blocked by budget', [
    ['blocked with another code', 'causal.outcome', { error_code: 'kill_switch.blocked' }],
    ['blocked, but executed', 'causal.outcome', EXECUTED],
    ['blocked by no gate, as if the version were gone', 'causal.outcome', GONE],
    ['blocked, but settled', 'causal.settlement', { 'settlement.settled': '2.5' }],
    ['blocked where nothing blocks', 'decisions.passes', { [`${budget}.decision`]: 'allow', [`${budget}.code`]: null }],
  ]),
  ...told('blocked as its version is gone', [
    ['blocked by a gate that allowed it', 'causal.outcome', { error_code: 'kill_switch.blocked' }],
    ['blocked, but executed', 'causal.outcome', EXECUTED],
  ]),
  ...told('denied', [
    ['denied, called blocked as if the version were gone', 'causal.outcome', GONE],
    ['denied, but executed', 'causal.outcome', EXECUTED],
    ['denied by nobody', 'causal.outcome', NOBODY],
    ['the denial turned', 'signatures.votes', { 'voters[0].decision': 'approve' }],
  ]),
  ...told('expired', [
    ['expired, but executed', 'causal.outcome', EXECUTED],
    ['expired before the deadline', 'causal.outcome', { 'approval.expires_at': '2099-01-01T00:00:00.000Z' }],
  ]),
  ...told('cancelled', [['cancelled with another code', 'causal.outcome', { error_code: 'approval.denied' }]]),
  ...told('proposed', [['proposed, but executed', 'causal.outcome', { status: 'executed' }]]),
  ...told('ended from outside', [
    ['ended from outside, but executed', 'causal.outcome', EXECUTED],
    ['ended from outside, called a failure of its own', 'structure.history', { error_code: 'internal.error' }],
  ]),
  ...told('failed', [
    ['a failed effect called ended from outside', 'causal.effect', { error_code: 'run.terminated' }],
    ['failed, but settled', 'causal.settlement', { 'settlement.settled': '2.5' }],
  ]),
]
