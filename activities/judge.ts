/**
 * Steps b to d of the guard, for effects inside the database and outside it: everything that may still say no, over one
 * reading of the row and fresh facts under the fence. It turns pass into block, never the reverse.
 */
import { endedOutput } from './endings.ts'
import { hasRow, type PassTools, previewOf, type WithRow } from './pass-tools.ts'
import { proposalFault } from './proposals.ts'
import { soundVotes } from './vote-rows.ts'
import type { EffectfulAction } from '../actions/define.ts'
import { findEffectful } from '../actions/registry.ts'
import type { Vote } from '../domain/approval.ts'
import { CHAIN_VERSION, firstBlock, makePass } from '../domain/gates/chain.ts'
import { approvalOver } from '../domain/grant-issuers.ts'
import { kindHash } from '../domain/hash.ts'
import type { PassRow } from '../domain/operation-rows.ts'
import type { SatisfiedBy } from '../domain/receipt.ts'
import { standingGrant } from '../domain/standing.ts'
import type { GuardInput, GuardOutput } from '../domain/steps.ts'
import type { Pass } from '../domain/verdict.ts'

export type Guarded = Omit<GuardInput, 'passes' | 'votes'>

/** Everything stands: what the effect rests on. */
export interface Judged {
  row: WithRow
  action: EffectfulAction<unknown>
  pass: Pass
  votes: Vote[]
  satisfied_by: Exclude<SatisfiedBy, null>
  license_id: string | null
}

/** Steps b to d: everything that may still say no. */
export async function judge(
  tools: PassTools,
  input: Guarded,
  row: PassRow,
  inside: boolean,
): Promise<Judged | GuardOutput> {
  if (!hasRow(row)) return { outcome: 'invalid', detail: 'no row' }
  if (row.receipt !== null) return endedOutput(row.receipt.receipt)
  const { operation } = row
  if (operation.cancel !== null && row.claim === null) return { outcome: 'cancelled' }
  const { plan, intent } = operation
  const fault = await proposalFault(tools.keys, input, operation)
  if (fault !== null) return { outcome: 'invalid', detail: fault }
  if (plan.governs !== input.governs) return { outcome: 'invalid', detail: 'governs' }
  const action = findEffectful(intent.action, intent.action_version)
  if (action === null) return { outcome: 'invalid', detail: 'action version', code: 'action.version_unavailable' }
  if ((action.governs === true) !== plan.governs) return { outcome: 'invalid', detail: 'action governs' }
  // No gate speaks of who asks for a change of controls, so nobody asks for one in another's name.
  if (plan.governs && intent.on_behalf_of !== null) return { outcome: 'invalid', detail: 'delegation' }
  if ((plan.batch !== undefined) !== (input.batch === true)) return { outcome: 'invalid', detail: 'batch' }
  const isInside = plan.effect_kind === 'transactional'
  if (isInside !== inside || !kindsOf(action.effect).includes(plan.effect_kind))
    return { outcome: 'invalid', detail: 'effect kind' }
  if (intent.run !== 'execute') return { outcome: 'invalid', detail: 'run' }
  if (plan.chain_version !== CHAIN_VERSION) return { outcome: 'invalid', detail: 'chain version' }
  const pass = makePass('guard', plan, intent, row.facts)
  if (firstBlock(pass.verdicts) !== null) return { outcome: 'blocked', pass }
  if (!plan.approval.required) return { row, action, pass, votes: [], satisfied_by: 'none_required', license_id: null }
  const votes = await soundVotes(tools.keys, input, row)
  const state = approvalOver(plan, intent, row.facts, votes)
  if (state === 'satisfied') {
    const until = operation.approval.expires_at
    if (until === undefined || Date.parse(row.now) >= Date.parse(until)) return { outcome: 'expired' }
    const shown = previewOf(row)
    if (shown === null || kindHash('shown', shown) !== operation.shown_hash)
      return { outcome: 'invalid', detail: 'preview' }
    return { row, action, pass, votes, satisfied_by: 'votes', license_id: null }
  }
  const license_id = state === 'denied' ? null : standingGrant(plan, intent, row.facts)
  if (license_id === null) return { outcome: 'unapproved' }
  return { row, action, pass, votes: [], satisfied_by: 'license', license_id }
}

function kindsOf(effect: EffectfulAction<unknown>['effect']): readonly string[] {
  return effect.kind === 'transactional' ? [effect.kind] : (effect.kinds ?? [effect.kind])
}
