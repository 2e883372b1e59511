/**
 * Admits one signed vote, whichever way it came: the route, the CLI or a raw signal. Checks in one order, names the
 * first that fails, writes the vote's row or the refused attempt's leaf, and changes nothing else.
 */
import { voteExclusion, type Vote } from './approval.ts'
import type { ErrorCode } from './errors.ts'
import { isIssuer } from './grant-issuers.ts'
import { sha256TextHex } from './hash.ts'
import { leafRow, makeLeaf } from './leaf.ts'
import { effectivePermissions, PLATFORM_PERMISSIONS, type Role } from './permissions.ts'
import type { JwsReader, VoteContext, VoterRow, VoteRows } from './ports.ts'
import { checkVoteClaims, parseVoteClaims, VOTE_MAX_BYTES, VOTE_TYP, type VoteCheck, type VoteClaims } from './vote.ts'

export interface VoteTools {
  rows: VoteRows
  keys: JwsReader
}

export type Admitted = { vote: Vote; known: boolean }
export type Refused = { refused: ErrorCode; check: VoteCheck | null; by: string | null }

interface Read {
  claims: VoteClaims
  context: VoteContext
  assurance: Vote['assurance']
}

export interface AdmitOptions {
  /** What was read for this operation and whoever the API attests, with their admission. */
  early?: VoteContext | undefined
  /** Told when nothing but the rows can refuse the vote any more, before they are asked; again when they ask for a newer time. */
  onSound?: () => void
}

export async function admitVote(
  tools: VoteTools,
  tenantId: string,
  operationId: string,
  jws: string,
  options: AdmitOptions = {},
): Promise<Admitted | Refused> {
  let outcome = await judge(tools, tenantId, operationId, jws, options)
  while ('again' in outcome) outcome = await judge(tools, tenantId, operationId, jws, { ...options, early: undefined })
  if (!('refused' in outcome)) return outcome
  const { refused, check, by, context } = outcome
  await tools.rows.writeLeaf(
    tenantId,
    operationId,
    context.operation?.context.request_id ?? null,
    leafRow(
      makeLeaf({
        kind: 'vote.refused',
        tenant_id: tenantId,
        at: context.now,
        actor: { principal_id: by, kind: by === null ? 'anonymous' : 'user' },
        operation_id: operationId,
        action: context.operation?.action ?? null,
        gate: 'approval',
        code: refused,
        reason: check,
        train_ok: context.train_ok,
      }),
    ),
  )
  return { refused, check, by }
}

type Judged = Admitted | (Refused & { context: VoteContext }) | { again: true }

async function judge(
  tools: VoteTools,
  tenantId: string,
  operationId: string,
  jws: string,
  { early, onSound }: AdmitOptions,
): Promise<Judged> {
  const read = await readVote(tools, tenantId, operationId, jws, early)
  if ('check' in read) return { refused: 'approval.vote_invalid', by: null, ...read }
  const { claims, context, assurance } = read
  const { operation, voter } = context
  const refuse = (refused: ErrorCode, check: VoteCheck | null = null): Judged => ({
    refused,
    check,
    by: voter?.principal_id ?? null,
    context,
  })
  if (operation === null) return refuse('approval.vote_invalid', 'operation')
  const failed = checkVoteClaims(
    claims,
    {
      tenant_id: tenantId,
      operation_id: operationId,
      intent_hash: operation.intent_hash,
      plan_hash: operation.plan_hash,
      shown_hash: operation.shown_hash ?? '',
    },
    Date.parse(context.now),
  )
  if (failed !== null) return refuse('approval.vote_invalid', failed)
  const permissions = voter === null ? [] : permissionsOf(tenantId, voter)
  if (voter === null || voter.person_id === null || !permissions.includes('decide'))
    return refuse('approval.vote_invalid', 'entitlement')
  if (assurance === 'attested' && voter.has_active_key) return refuse('approval.signature_required')
  if (claims.decision === 'deny' && claims.reason === null) return refuse('validation.error')
  const vote: Vote = {
    jws,
    by: voter.principal_id,
    person_id: voter.person_id,
    permissions,
    role: voter.role,
    platform_role: voter.platform_role,
    assurance,
    decision: claims.decision,
    reason: claims.reason,
    nonce: claims.nonce,
    shown_hash: claims.shown_hash,
    at: context.now,
  }
  const excluded = voteExclusion(operation.plan.approval, vote)
  if (excluded !== null) return refuse(excluded)
  const { plan, intent, firearms } = operation
  if (isIssuer(plan, intent, { now: context.now, firearms }, vote.person_id)) return refuse('approval.self')
  onSound?.()
  const admitted = await tools.rows.admit({
    tenant_id: tenantId,
    operation_id: operationId,
    person_id: voter.person_id,
    jws_hash: sha256TextHex(jws),
    vote,
    leaves: [
      leafRow(
        makeLeaf({
          kind: 'vote.accepted',
          tenant_id: tenantId,
          at: context.now,
          actor: { principal_id: voter.principal_id, kind: 'user' },
          operation_id: operationId,
          action: operation.action,
          gate: 'approval',
          reason: claims.reason,
          request_id: operation.context.request_id,
          trace_id: operation.context.trace_id,
          train_ok: context.train_ok,
          after: { decision: claims.decision, assurance, jws_sha256: sha256TextHex(jws) },
        }),
      ),
    ],
  })
  if ('refused' in admitted) return refuse(admitted.refused, admitted.check === 'nonce' ? 'nonce' : null)
  return admitted
}

/** Size, type, algorithm, key, signature, and claims that are exactly a vote's. */
async function readVote(
  { rows, keys }: VoteTools,
  tenantId: string,
  operationId: string,
  jws: string,
  early?: VoteContext,
): Promise<Read | { check: VoteCheck; context: VoteContext }> {
  const kid = jws.length <= VOTE_MAX_BYTES ? keys.kidOf(jws) : null
  if (kid === null) return { check: 'kid', context: await rows.context(tenantId, operationId, '', null) }
  const attested = await keys.read(jws, VOTE_TYP, 'attest')
  if ('payload' in attested) {
    const claims = parseVoteClaims(attested.payload)
    const isEarly = early?.voter != null && early.voter.principal_id === claims?.by
    const context = isEarly ? early : await rows.context(tenantId, operationId, kid, claims?.by ?? '')
    if (claims?.by === undefined) return { check: 'entitlement', context }
    return { claims, context, assurance: 'attested' }
  }
  const context = await rows.context(tenantId, operationId, kid, null)
  if (attested.failed !== 'kid') return { check: attested.failed, context }
  if (context.key === null) return { check: 'kid', context }
  const signed = await keys.readWith(jws, VOTE_TYP, kid, context.key.public_jwk)
  if ('failed' in signed) return { check: signed.failed, context }
  const claims = parseVoteClaims(signed.payload)
  if (claims === null || (claims.by !== undefined && claims.by !== context.key.principal_id))
    return { check: 'entitlement', context }
  return { claims, context, assurance: 'self_signed' }
}

/** What somebody may do in the tenant where they vote; nothing once they or their membership have ended. */
export function permissionsOf(tenantId: string, voter: VoterRow): string[] {
  if (voter.status !== 'active' || voter.kind !== 'user') return []
  if (tenantId === 't_system') return voter.platform_role === null ? [] : [...PLATFORM_PERMISSIONS]
  if (voter.role === null) return []
  return effectivePermissions(voter.kind, voter.role as Role, voter.membership_permissions, null)
}
