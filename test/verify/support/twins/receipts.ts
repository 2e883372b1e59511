/** An insider's lies in the receipt: decision hash, signature and seal made right, so that only the rules are left. */
import { type Kit, rehash } from './kit.ts'
import { twinsOf } from './twin.ts'
import type { JsonObject } from '../../../../domain/canonical.ts'
import { planHash, intentHash } from '../../../../domain/plan.ts'
import type { Receipt } from '../../../../domain/receipt.ts'

type Writable = { -readonly [K in keyof Receipt]: Receipt[K] }
const told = (edit: (receipt: Writable) => void) => (kit: Kit) => kit.rereceipt((receipt) => edit(receipt))

const guard = (receipt: Receipt) =>
  receipt.passes[receipt.passes.length - 1] as unknown as {
    facts: JsonObject
    facts_hash: string
    verdicts: JsonObject[]
  }
const effect = (receipt: Receipt) => receipt.effect as unknown as JsonObject
const facts = (edit: (facts: never) => void) =>
  told((receipt) => {
    edit(guard(receipt).facts as never)
    rehash(guard(receipt))
  })

export const receiptTwins = [
  ...twinsOf('executed by votes', [
    [
      'a verdict turned to block, executed all the same',
      'decisions.passes',
      told(
        (receipt) =>
          void Object.assign(guard(receipt).verdicts[4] ?? {}, {
            decision: 'block',
            code: 'budget.threshold_exceeded',
          }),
      ),
    ],
    [
      'a verdict called banana',
      'decisions.passes',
      told((receipt) => void Object.assign(guard(receipt).verdicts[0] ?? {}, { decision: 'banana' })),
    ],
    ['a verdict left out', 'decisions.passes', told((receipt) => void guard(receipt).verdicts.pop())],
    [
      'other evidence',
      'decisions.passes',
      told((receipt) => void Object.assign(guard(receipt).verdicts[0] ?? {}, { evidence: { epochs: {} } })),
    ],
    ['facts changed, hash left', 'decisions.hashes', told((receipt) => void (guard(receipt).facts['waivers'] = []))],
    ['facts changed, hash made right', 'record.end', facts((given: JsonObject) => void (given['waivers'] = []))],
    [
      'facts under which a gate blocks',
      'decisions.passes',
      facts((given: { switches: JsonObject[] }) => void Object.assign(given.switches[1] ?? {}, { state: 'stopped' })),
    ],
    [
      'facts of another time',
      'causal.times',
      facts((given: JsonObject) => void (given['now'] = '2030-01-01T00:00:00.000000Z')),
    ],
    [
      'the guard pass left out',
      'causal.effect',
      told((receipt) => void (receipt.passes = receipt.passes.slice(0, -1))),
    ],
    [
      'passes in another order',
      'decisions.passes',
      told((receipt) => void (receipt.passes = receipt.passes.toReversed())),
    ],
    [
      'a pass held twice',
      'decisions.passes',
      told((receipt) => void (receipt.passes = [...receipt.passes, ...receipt.passes.slice(-1)])),
    ],
    [
      'the intent changed, hash left',
      'decisions.hashes',
      told((receipt) => void (receipt.intent.input['text'] = 'other')),
    ],
    [
      'the intent changed, hash made right',
      'record.start',
      told((receipt) => {
        receipt.intent.input['text'] = 'other'
        receipt.intent_hash = intentHash(receipt.intent)
      }),
    ],
    [
      'the plan asks one person fewer',
      'record.start',
      told((receipt) => {
        receipt.plan.approval.quorum = 1
        receipt.plan.approval.tree = { permission: 'decide' }
        receipt.plan_hash = planHash(receipt.plan)
      }),
    ],
    [
      'the plan asks nobody',
      'causal.outcome',
      told((receipt) => {
        receipt.plan.approval.required = false
        receipt.plan_hash = planHash(receipt.plan)
      }),
    ],
    [
      'the plan of another chain',
      'decisions.passes',
      told((receipt) => {
        receipt.plan.chain_version = 99
        receipt.code.chain = 99
        receipt.plan_hash = planHash(receipt.plan)
      }),
    ],
    ['another bundle of code', 'replay.code', told((receipt) => void (receipt.code.bundle = 'a'.repeat(64)))],
    ['another SDK', 'structure.tasks', told((receipt) => void (receipt.code.sdk = '1.23.0'))],
    ['another tenant', 'structure.history', told((receipt) => void (receipt.tenant_id = 't_b'))],
    ['another operation', 'structure.history', told((receipt) => void (receipt.operation_id = 'op_other'))],
    [
      'approved by nobody',
      'causal.approval',
      told((receipt) => {
        receipt.votes = []
        receipt.voters = []
      }),
    ],
    [
      'approved by one where two must',
      'causal.approval',
      told((receipt) => {
        receipt.votes = receipt.votes.slice(1)
        receipt.voters = receipt.voters.slice(1)
      }),
    ],
    [
      'one person counted twice',
      'causal.approval',
      told((receipt) => void Object.assign(receipt.voters[1] ?? {}, { person_id: receipt.voters[0]?.person_id })),
    ],
    [
      'one vote counted twice',
      'record.votes',
      told((receipt) => {
        receipt.votes = [receipt.votes[0] ?? '', receipt.votes[0] ?? '']
        receipt.voters = [
          receipt.voters[0] ?? receipt.voters[1],
          receipt.voters[0] ?? receipt.voters[1],
        ] as Receipt['voters']
      }),
    ],
    [
      "the requester's person among the voters",
      'causal.approval',
      told((receipt) => void Object.assign(receipt.voters[0] ?? {}, { person_id: 'person_owner' })),
    ],
    [
      'a voter without the permission',
      'causal.approval',
      told((receipt) => void Object.assign(receipt.voters[0] ?? {}, { permissions: ['read'] })),
    ],
    [
      'a denial among the votes',
      'causal.outcome',
      told((receipt) => void Object.assign(receipt.voters[0] ?? {}, { decision: 'deny' })),
    ],
    [
      'a vote after the effect',
      'causal.times',
      told((receipt) => void Object.assign(receipt.voters[1] ?? {}, { at: '2030-01-01T00:00:00.000000Z' })),
    ],
    [
      'approved after the deadline',
      'causal.approval',
      told((receipt) => void (receipt.approval.expires_at = '2026-01-01T00:00:00.000Z')),
    ],
    [
      'approved by a grant it is not',
      'causal.approval',
      told((receipt) => {
        Object.assign(receipt.approval, { satisfied_by: 'license', license_id: 'gr_1' })
        receipt.votes = []
        receipt.voters = []
      }),
    ],
    [
      'nothing had to be approved',
      'causal.approval',
      told((receipt) => void (receipt.approval.satisfied_by = 'none_required')),
    ],
    [
      'an effect with other input',
      'causal.effect',
      told((receipt) => void (effect(receipt)['input_sha256'] = 'b'.repeat(64))),
    ],
    [
      'an effect with another output',
      'causal.effect',
      told((receipt) => void (effect(receipt)['output_sha256'] = 'b'.repeat(64))),
    ],
    [
      'an effect with another result',
      'causal.effect',
      told((receipt) => void (effect(receipt)['result'] = { note_id: 'n_other' })),
    ],
    ['an effect of another key', 'causal.effect', told((receipt) => void (effect(receipt)['key'] = 'other'))],
    ['an effect of another kind', 'causal.effect', told((receipt) => void (effect(receipt)['kind'] = 'blind'))],
    ['an effect done twice', 'causal.effect', told((receipt) => void (effect(receipt)['attempts'] = 2))],
    ['no effect, executed all the same', 'causal.outcome', told((receipt) => void (receipt.effect = null))],
    [
      'the effect failed, executed all the same',
      'causal.effect',
      told((receipt) => void (effect(receipt)['state'] = 'failed')),
    ],
    ['settled at another price', 'causal.settlement', told((receipt) => void (receipt.settlement.settled = '0.01'))],
    ['released what was settled', 'causal.settlement', told((receipt) => void (receipt.settlement.released = '2.5'))],
    [
      'ended at another time',
      'leaves.words',
      told((receipt) => void (receipt.ended_at = '2027-01-01T00:00:00.000000Z')),
    ],
    [
      'another status',
      'record.end',
      told((receipt) => {
        receipt.status = 'failed'
        receipt.error_code = 'effect.failed'
      }),
    ],
    [
      'an executed operation with a code',
      'causal.outcome',
      told((receipt) => void (receipt.error_code = 'effect.failed')),
    ],
    [
      'a leaf left out',
      'leaves.story',
      told((receipt) => void (receipt.leaves = receipt.leaves.filter((_leaf, index) => index !== 1))),
    ],
    [
      'a leaf named twice',
      'leaves.story',
      told((receipt) => void (receipt.leaves = [...receipt.leaves, ...receipt.leaves.slice(-1)])),
    ],
    [
      'a leaf nobody has',
      'log.inclusion',
      told((receipt) => void (receipt.leaves = [...receipt.leaves, 'c'.repeat(64)])),
    ],
    ['a receipt of another version', 'decisions.hashes', told((receipt) => void ((receipt as { v: number }).v = 2))],
    [
      'signed with the seal key',
      'signatures.receipt',
      (kit) => {
        kit.keys = { ...kit.keys, receipt: kit.keys.seal }
        return kit.rereceipt(() => undefined)
      },
    ],
    [
      'sealed with the receipt key',
      'signatures.seal',
      (kit) => {
        kit.keys = { ...kit.keys, seal: kit.keys.receipt }
        return kit.reseal()
      },
    ],
    ['sealed for another tenant', 'signatures.seal', (kit) => kit.reseal((seal) => void (seal.tenant_id = 't_b'))],
    [
      'sealed for other builds',
      'signatures.seal',
      (kit) => kit.reseal((seal) => void ((seal as unknown as { build_ids: string[] }).build_ids = ['x'])),
    ],
    [
      'sealed over fewer leaves',
      'log.inclusion',
      (kit) => kit.reseal((seal) => void ((seal as unknown as { leaves: unknown[] }).leaves = seal.leaves.slice(1))),
    ],
  ]),
  ...twinsOf('executed by a grant at once', [
    [
      'the grant was revoked',
      'causal.approval',
      facts(
        (given: { firearms: { grants: JsonObject[] } }) =>
          void Object.assign(given.firearms.grants[0] ?? {}, { revoked: true }),
      ),
    ],
    [
      'the grant was used up',
      'causal.approval',
      facts(
        (given: { firearms: { grants: JsonObject[] } }) =>
          void Object.assign(given.firearms.grants[0] ?? {}, { used: { count: 10, amount: '10' } }),
      ),
    ],
    [
      'the grant was too small',
      'causal.approval',
      facts(
        (given: { firearms: { grants: JsonObject[] } }) =>
          void Object.assign(given.firearms.grants[0] ?? {}, {
            standing: { max_count: 10, max_amount: '12', targets: null },
          }),
      ),
    ],
    ['another grant', 'causal.approval', told((receipt) => void (receipt.approval.license_id = 'gr_2'))],
    [
      'a change of controls by a grant',
      'causal.approval',
      told((receipt) => {
        receipt.plan.governs = true
        receipt.plan_hash = planHash(receipt.plan)
      }),
    ],
  ]),
  ...twinsOf('blocked by budget', [
    [
      'blocked with another code',
      'causal.outcome',
      told((receipt) => void (receipt.error_code = 'kill_switch.blocked')),
    ],
    [
      'blocked, but executed',
      'causal.outcome',
      told((receipt) => {
        receipt.status = 'executed'
        receipt.error_code = null
      }),
    ],
    ['blocked, but settled', 'causal.settlement', told((receipt) => void (receipt.settlement.settled = '2.5'))],
    [
      'blocked where nothing blocks',
      'decisions.passes',
      told((receipt) => {
        Object.assign(guard(receipt).verdicts[4] ?? {}, { decision: 'allow', code: null })
      }),
    ],
  ]),
  ...twinsOf('denied', [
    [
      'denied, but executed',
      'causal.outcome',
      told((receipt) => {
        receipt.status = 'executed'
        receipt.error_code = null
      }),
    ],
    [
      'denied by nobody',
      'causal.outcome',
      told((receipt) => {
        receipt.votes = []
        receipt.voters = []
      }),
    ],
    [
      'the denial turned',
      'signatures.votes',
      told((receipt) => void Object.assign(receipt.voters[0] ?? {}, { decision: 'approve' })),
    ],
  ]),
  ...twinsOf('expired', [
    [
      'expired, but executed',
      'causal.outcome',
      told((receipt) => {
        receipt.status = 'executed'
        receipt.error_code = null
      }),
    ],
    [
      'expired before the deadline',
      'causal.outcome',
      told((receipt) => void (receipt.approval.expires_at = '2099-01-01T00:00:00.000Z')),
    ],
  ]),
  ...twinsOf('cancelled', [
    [
      'cancelled by nobody',
      'causal.outcome',
      (kit) =>
        kit.rereceipt((receipt) => {
          receipt.error_code = 'approval.denied'
        }),
    ],
  ]),
  ...twinsOf('proposed', [
    ['proposed, but executed', 'causal.outcome', told((receipt) => void (receipt.status = 'executed'))],
  ]),
  ...twinsOf('failed', [
    ['failed, but settled', 'causal.settlement', told((receipt) => void (receipt.settlement.settled = '2.5'))],
  ]),
]
