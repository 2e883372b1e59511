/** The steps that read, wait and end: everything but the effect itself. Each may run again and then finds what it did. */
import { announceEnd, commitEnd, concludeClaim } from './conclude.ts'
import { endDocument, endedOutput, operationLeaf } from './endings.ts'
import { bug, endingOnBugs, hasRow, type PassTools, previewOf, type WithRow } from './pass-tools.ts'
import { proposalFault } from './proposals.ts'
import { signedVotes, soundVotes } from './vote-rows.ts'
import { kindHash } from '../domain/hash.ts'
import { leafRow, makeLeaf } from '../domain/leaf.ts'
import type { OperationRows, PassRow } from '../domain/operation-rows.ts'
import type { EndedOutput, OperationRef, PassInput, PassOutput, Steps } from '../domain/steps.ts'
import { admitVote } from '../domain/vote-admission.ts'

/** The steps that may have an effect. */
type Guards = 'guardEffect' | 'proposeAndGuard' | 'resumeAndGuard' | 'effectOutside'

export function passSteps(tools: PassTools): Omit<Steps, Guards> {
  const { operations, receipts } = tools

  return endingOnBugs<Omit<Steps, Guards>>({
    readPass: async (input) =>
      await passOf(tools, input, await operations.readPass(input.tenant_id, input.operation_id)),
    async markPending(input) {
      const row = await rowOf(operations, input)
      const { plan } = row.operation
      const expiresAt = new Date(Date.parse(row.now) + plan.approval.expires_in_seconds * 1000).toISOString()
      const marked = await operations.markPending({
        tenant_id: input.tenant_id,
        operation_id: input.operation_id,
        run_id: input.run_id,
        preview: input.preview,
        shown_hash: input.shown_hash,
        passes: [input.pass],
        approval: { expires_at: expiresAt, quorum: plan.approval.quorum, tree: plan.approval.tree as never },
        leaves: [
          operationLeaf(input, row, 'operation.pending', {
            after: { shown_hash: input.shown_hash, expires_at: expiresAt },
          }),
        ],
      })
      tools.crashPoint('W4')
      tools.announce({ tenant_id: input.tenant_id, operation_id: input.operation_id, status: 'pending_approval' })
      const until = marked.expires_at ?? expiresAt
      return {
        expires_at: until,
        // Whoever cancelled it meanwhile has told a run that is gone.
        remaining_ms: row.operation.cancel === null ? Math.max(0, Date.parse(until) - Date.parse(row.now)) : 0,
        votes: await signedVotes(tools.keys, input, row),
      }
    },

    async admitVote({ tenant_id, operation_id, jws }) {
      // Most were admitted on their way here. The guard reads all of them again, signature and voter, and believes no row.
      const known = await tools.votes.rows.known(tenant_id, operation_id, jws)
      tools.crashPoint('W3')
      if (known !== null) return { vote: known }
      const admitted = await admitVote(tools.votes, tenant_id, operation_id, jws)
      return 'refused' in admitted ? { refused: admitted.refused, check: admitted.check } : { vote: admitted.vote }
    },

    async readDeadline(input) {
      const row = await rowOf(operations, input)
      const until = row.operation.approval.expires_at
      return {
        remaining_ms: until === undefined ? 0 : Math.max(0, Math.ceil(Date.parse(until) - Date.parse(row.now))),
        cancelled: row.operation.cancel !== null && row.claim === null,
        votes: await signedVotes(tools.keys, input, row),
      }
    },

    async endOperation(input): Promise<EndedOutput> {
      const row = await rowOf(operations, input)
      if (row.receipt !== null) return endedOutput(row.receipt.receipt)
      // An effect may have been dispatched: then its end is not this run's to decide, and nobody can tell what it came to.
      if (row.claim !== null) {
        const told = await concludeClaim(tools, input, { state: 'unknown', details: { reason: 'the run failed' } })
        announceEnd(tools, input, told)
        return told.ended
      }
      const shown = input.passes.length > 0 ? previewOf(row) : null
      const document = await endDocument(receipts, input, row, {
        ...input,
        satisfied_by: input.status === 'proposed' ? 'none_required' : null,
        license_id: null,
        effect: null,
        earlier_leaves: [],
        preview: row.operation.shown_hash === null ? shown : null,
        shown_hash: row.operation.shown_hash === null && shown !== null ? kindHash('shown', shown) : null,
      })
      const told = await commitEnd(operations, document)
      tools.crashPoint('W5')
      announceEnd(tools, input, told)
      return told.ended
    },

    async raiseAlarm({ tenant_id, operation_id, detail }) {
      const home = (await operations.tenantExists(tenant_id)) ? tenant_id : 't_system'
      const leaf = makeLeaf({
        kind: 'alarm',
        tenant_id: home,
        at: await operations.databaseTime(),
        actor: { principal_id: null, kind: 'system' },
        operation_id,
        code: 'proposal.invalid',
        reason: detail,
      })
      await operations.raiseAlarm(home, operation_id, leafRow(leaf))
    },
  })
}

/** One pass as the workflow is told it, from the row that was read. */
export async function passOf({ keys, crashPoint }: PassTools, input: PassInput, row: PassRow): Promise<PassOutput> {
  crashPoint('W1')
  const none = { facts: {}, preview: null, shown_hash: null, ended: null, cancelled: false, votes: [] }
  if (!hasRow(row) || (await proposalFault(keys, input, row.operation)) !== null)
    return { proposal_valid: false, ...none }
  // What a run saw before a crash is what it must see again, whatever changed since.
  if (row.receipt !== null) return { proposal_valid: true, ...none, ended: endedOutput(row.receipt.receipt) }
  const { passes, preview, shown_hash, cancel } = row.operation
  // What was shown is kept with what was read for it, and whoever cancelled did so after that. People were asked, unless a
  // grant was claimed over it.
  const again = input.pass === 'propose' && shown_hash !== null
  const asked = again && (row.claim === null || row.claim.satisfied_by === 'votes')
  const kept = (row.claim?.passes ?? (again ? passes : [])).find((pass) => pass.pass === input.pass)
  const shown = again ? preview : previewOf(row)
  return {
    proposal_valid: true,
    facts: kept?.facts ?? row.facts,
    preview: shown,
    shown_hash: again ? shown_hash : shown === null ? null : kindHash('shown', shown),
    ended: null,
    cancelled: cancel !== null && row.claim === null && !again,
    ...(asked ? { asked } : {}),
    votes: input.pass === 'resume' ? await soundVotes(keys, input, row) : [],
  }
}

async function rowOf(operations: OperationRows, ref: OperationRef): Promise<WithRow> {
  const row = await operations.readPass(ref.tenant_id, ref.operation_id)
  if (!hasRow(row)) throw bug('the operation has no row')
  return row
}
