/**
 * Votes as the steps believe them: a row alone is not a vote. The signature is checked again, by the key its header names,
 * and so is that it speaks of these bytes, by this principal, with this decision; then that the principal still is who and
 * what the row says.
 */
import type { Vote } from '../domain/approval.ts'
import type { PassRow } from '../domain/operation-rows.ts'
import type { JwsReader, VoterRow } from '../domain/ports.ts'
import type { OperationRef } from '../domain/steps.ts'
import { permissionsOf } from '../domain/vote-admission.ts'
import { parseVoteClaims, VOTE_TYP } from '../domain/vote.ts'

type WithRow = PassRow & { operation: NonNullable<PassRow['operation']> }

/**
 * The votes whose signature says what the row says, whatever their voters have lost since. Whoever waits for people counts
 * these: what was lost is looked at once enough have voted, whether the run heard of a vote before that or after.
 */
export async function signedVotes(keys: JwsReader, ref: OperationRef, row: WithRow): Promise<Vote[]> {
  const signed: Vote[] = []
  for (const vote of row.votes) if (await isSigned(keys, ref, row, vote)) signed.push(vote)
  return signed
}

/**
 * Of these, the ones whose voter still may vote as they did, with the key they signed with. A no stays one whoever has lost
 * what since: it was admitted, and one no ends it.
 */
export async function soundVotes(keys: JwsReader, ref: OperationRef, row: WithRow): Promise<Vote[]> {
  const isKeyKept = ({ assurance, jws }: Vote) =>
    assurance === 'attested' || row.voter_keys[keys.kidOf(jws) ?? '']?.revoked === false
  return (await signedVotes(keys, ref, row)).filter(
    (vote) => vote.decision === 'deny' || (isKeyKept(vote) && isStill(vote, row.voters[vote.by], ref.tenant_id)),
  )
}

/** Whether the voter is the person and has the roles that the row tells of, and may do all it says they may. */
function isStill(vote: Vote, voter: VoterRow | null | undefined, tenantId: string): boolean {
  if (voter == null) return false
  const permissions = permissionsOf(tenantId, voter)
  return (
    voter.person_id === vote.person_id &&
    voter.role === vote.role &&
    voter.platform_role === vote.platform_role &&
    ['decide', ...vote.permissions].every((permission) => permissions.includes(permission))
  )
}

async function isSigned(keys: JwsReader, ref: OperationRef, row: WithRow, vote: Vote): Promise<boolean> {
  const kid = keys.kidOf(vote.jws)
  const own = kid === null ? undefined : row.voter_keys[kid]
  const read =
    vote.assurance === 'attested'
      ? await keys.read(vote.jws, VOTE_TYP, 'attest')
      : kid !== null && own !== undefined && own.by === vote.by
        ? await keys.readWith(vote.jws, VOTE_TYP, kid, own.public_jwk)
        : null
  if (read === null || 'failed' in read) return false
  const claims = parseVoteClaims(read.payload)
  if (claims === null) return false
  const by = vote.assurance === 'attested' ? claims.by : (claims.by ?? vote.by)
  return (
    claims.tenant === ref.tenant_id &&
    claims.operation_id === ref.operation_id &&
    claims.intent_hash === ref.intent_hash &&
    claims.plan_hash === ref.plan_hash &&
    claims.shown_hash === vote.shown_hash &&
    claims.shown_hash === row.operation.shown_hash &&
    claims.decision === vote.decision &&
    claims.nonce === vote.nonce &&
    by === vote.by
  )
}
