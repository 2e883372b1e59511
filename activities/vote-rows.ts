/**
 * Votes as the guard believes them: a row alone is not a vote. The signature is checked again, by the key its header
 * names, and so is that it speaks of these bytes, by this person, with this decision.
 */
import type { Vote } from '../domain/approval.ts'
import type { PassRow } from '../domain/operation-rows.ts'
import type { JwsReader } from '../domain/ports.ts'
import type { OperationRef } from '../domain/steps.ts'
import { readVoteClaims, VOTE_TYP } from '../domain/vote.ts'

type WithRow = PassRow & { operation: NonNullable<PassRow['operation']> }

/**
 * The votes whose signature says what the row says, and whose voter still may vote. A no stays one whoever has lost what
 * since, the right to vote or a key: it was admitted, and one no ends it.
 */
export async function soundVotes(keys: JwsReader, ref: OperationRef, row: WithRow): Promise<Vote[]> {
  const sound: Vote[] = []
  for (const vote of row.votes)
    if ((vote.decision === 'deny' || row.voters[vote.person_id] === true) && (await isSound(keys, ref, row, vote)))
      sound.push(vote)
  return sound
}

async function isSound(keys: JwsReader, ref: OperationRef, row: WithRow, vote: Vote): Promise<boolean> {
  const kid = keys.kidOf(vote.jws)
  const own = kid === null ? undefined : row.voter_keys[kid]
  const read =
    vote.assurance === 'attested'
      ? await keys.read(vote.jws, VOTE_TYP, 'attest')
      : kid !== null && own !== undefined
        ? await keys.readWith(vote.jws, VOTE_TYP, kid, own)
        : null
  if (read === null || 'failed' in read) return false
  const claims = readVoteClaims(JSON.parse(read.payload))
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
