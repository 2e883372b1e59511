/** The signed documents of a bundle and the leaves, as strict readers. Their meaning is checked elsewhere. */
import {
  anyText,
  count,
  decimal,
  flag,
  hexHash,
  instant,
  json,
  listOf,
  matching,
  nullable,
  object,
  oneOf,
  exactly,
  type Shape,
  text,
  withMembers,
} from './shape.ts'
import type { ApprovalTree, Seat } from '../domain/approval.ts'
import type { Actor, Leaf } from '../domain/leaf.ts'
import type { Intent, Plan } from '../domain/plan.ts'
import type { EffectRecord, Receipt, Seal } from '../domain/receipt.ts'
import type { OperationInput } from '../domain/steps.ts'
import type { Pass, Verdict } from '../domain/verdict.ts'

const CLASSES = ['reversible', 'contained', 'irreversible'] as const
const KINDS = ['transactional', 'conditional', 'keyed', 'blind'] as const
const ASSURANCES = ['attested', 'self_signed'] as const
const STATUSES = ['executed', 'proposed', 'blocked', 'denied', 'expired', 'cancelled', 'failed', 'unknown'] as const
const code = nullable(matching(/^[a-z_]+(\.[a-z_]+)+$/, 'a code'))

const intentShape: Shape<Intent> = withMembers<Intent>({
  v: oneOf(1),
  deployment: text,
  env: text,
  tenant_id: text,
  operation_id: text,
  run: oneOf('execute', 'propose'),
  mode: text,
  project_id: nullable(text),
  surface_id: nullable(text),
  app_id: nullable(text),
  principal_id: text,
  on_behalf_of: nullable(listOf(text)),
  action: text,
  action_version: count,
  class: oneOf(...CLASSES),
  target: nullable(text),
  preconditions: object,
  input: object,
  estimated_cost: decimal,
  idempotency_key: text,
})

const seat = exactly<Seat>({ permission: oneOf('decide'), role: oneOf('owner', 'platform') }, ['role'])

/** Trees are as deep as people wrote them; beyond eight levels nobody did. */
function treeOf(depth: number): Shape<ApprovalTree> {
  return (value, at) => {
    const given = object(value, at)
    if ('permission' in given || depth === 0) return seat(given, at)
    const children = listOf(treeOf(depth - 1))
    if ('all' in given) return exactly<{ all: ApprovalTree[] }>({ all: children })(given, at)
    if ('any' in given) return exactly<{ any: ApprovalTree[] }>({ any: children })(given, at)
    if ('ordered' in given) return exactly<{ ordered: ApprovalTree[] }>({ ordered: children })(given, at)
    return exactly<{ of: ApprovalTree[]; n: number }>({ of: children, n: count })(given, at)
  }
}

const planShape: Shape<Plan> = withMembers<Omit<Plan, 'view'>>({
  v: oneOf(1),
  chain_version: count,
  action: text,
  action_version: count,
  class: oneOf(...CLASSES),
  governs: flag,
  effect_kind: oneOf(...KINDS),
  reversible: flag,
  fast_path: flag,
  standing: flag,
  provider: nullable(text),
  effect_key: text,
  effect_timeout_ms: count,
  lease_ms: count,
  binding_hash: hexHash,
  approval: withMembers<Plan['approval']>({
    required: flag,
    quorum: count,
    tree: treeOf(8),
    expires_in_seconds: count,
    assurance: oneOf(...ASSURANCES),
    excluded_persons: listOf(text),
  }),
}) as Shape<Plan>

const verdict = withMembers<Verdict>({
  gate: text as Shape<Verdict['gate']>,
  decision: oneOf('allow', 'block', 'not_applicable'),
  code: code as Shape<Verdict['code']>,
  evidence: object,
})

export const passShape = exactly<Pass>({
  pass: oneOf('propose', 'resume', 'guard'),
  facts: object,
  facts_hash: hexHash,
  verdicts: listOf(verdict),
})

const effectRecord = withMembers<EffectRecord>({
  kind: oneOf(...KINDS),
  key: text,
  state: oneOf('claimed', 'dispatched', 'committed', 'failed', 'unknown'),
  attempts: count,
  input_sha256: hexHash,
  output_sha256: nullable(hexHash),
  result: json,
})

type Voter = Receipt['voters'][number]
export const voterShape: Shape<Voter> = withMembers<Voter>({
  by: text,
  person_id: text,
  permissions: listOf(text),
  role: nullable(text),
  platform_role: nullable(text),
  assurance: oneOf(...ASSURANCES),
  decision: oneOf('approve', 'deny'),
  reason: nullable(anyText),
  nonce: text,
  shown_hash: hexHash,
  at: instant,
})

export const receiptShape = withMembers<Receipt>({
  v: oneOf(1),
  operation_id: text,
  tenant_id: text,
  status: oneOf(...STATUSES),
  error_code: code as Shape<Receipt['error_code']>,
  error_details: object,
  intent: intentShape,
  intent_hash: hexHash,
  plan: planShape,
  plan_hash: hexHash,
  proposal_sha256: hexHash,
  shown_hash: nullable(hexHash),
  decision_hash: hexHash,
  passes: listOf(passShape),
  votes: listOf(text),
  voters: listOf(voterShape),
  approval: withMembers<Receipt['approval']>({
    satisfied_by: nullable(oneOf('votes', 'license', 'none_required')),
    license_id: nullable(text),
    expires_at: nullable(instant),
  }),
  effect: nullable(effectRecord),
  settlement: exactly({ currency: oneOf('USD'), settled: decimal, released: decimal }),
  leaves: listOf(hexHash),
  ended_at: instant,
  code: withMembers({ bundle: hexHash, sdk: text, chain: count }),
})

export const sealShape = withMembers<Seal>({
  v: oneOf(1),
  operation_id: text,
  tenant_id: text,
  history_sha256: hexHash,
  receipt_sha256: hexHash,
  leaves: listOf(exactly({ seq: count, leaf_hash: hexHash })),
  checkpoint: text,
  build_ids: listOf(text),
})

export interface ProposalClaims {
  operation_id: string
  tenant: string
  intent_hash: string
  plan_hash: string
  principal_id: string
  credential_id: string
  iat: number
}

export const proposalShape = withMembers<ProposalClaims>({
  operation_id: text,
  tenant: text,
  intent_hash: hexHash,
  plan_hash: hexHash,
  principal_id: text,
  credential_id: text,
  iat: count,
})

export const leafShape = exactly<Leaf>({
  v: oneOf(1),
  kind: text as Shape<Leaf['kind']>,
  tenant_id: text,
  at: instant,
  actor: exactly<Actor>(
    {
      principal_id: nullable(text),
      kind: oneOf('agent', 'service', 'user', 'system', 'anonymous'),
      on_behalf_of: listOf(text),
    },
    ['on_behalf_of'],
  ),
  operation_id: nullable(anyText),
  action: nullable(text),
  gate: nullable(text),
  code: nullable(text),
  reason: nullable(anyText),
  request_id: nullable(text),
  trace_id: nullable(text),
  before: json,
  after: json,
  pii: text,
  train_ok: flag,
})

export const startShape = exactly<OperationInput>({
  v: oneOf(1),
  tenant_id: text,
  operation_id: text,
  intent: intentShape,
  intent_hash: hexHash,
  plan: planShape,
  plan_hash: hexHash,
  proposal: text,
})
