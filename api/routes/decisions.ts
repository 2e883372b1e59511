/** Votes: what a person decided about an operation, signed by themselves or attested by the API. */
import { randomBytes } from 'node:crypto'
import { mayBeLearnedFrom } from '../delegation.ts'
import { readOperation } from '../opening.ts'
import { operationView } from '../operation-view.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { decisionRequest } from '../schemas.ts'
import type { Vote } from '../../domain/approval.ts'
import { canonicalJson } from '../../domain/canonical.ts'
import { ExoError } from '../../domain/errors.ts'
import { isFinal } from '../../domain/lifecycle.ts'
import type { VoteContext } from '../../domain/ports.ts'
import { VOTE_MAX_AGE_SECONDS, VOTE_TYP } from '../../domain/vote.ts'
import { admitVote } from '../../domain/vote-admission.ts'
import type { OperationRow } from '../ports.ts'
import { leafRow, makeLeaf } from '../../domain/leaf.ts'
import type { ErrorCode } from '../../domain/errors.ts'

/** How long an answer waits for what the run makes of the vote. */
const NEWS_MS = 5_000

export function decisionRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'post',
      path: '/operations/{id}/decisions',
      kind: 'record',
      summary: 'Vote on an operation',
      permissions: ['decide'],
      body: decisionRequest,
      answers: { 200: { description: 'The vote was counted; the operation as it is now.' } },
    },
    async (c, { body, param }) => {
      const ports = c.get('ports')
      const read = c.get('voting')
      const row = read?.operation ?? (await readOperation(ports, c.get('caller').tenant_id, param('id')))
      await refuseEarly(c, row, body)
      if (body.vote !== undefined) refuseTwoTongues(body.decision, body.vote)
      const { after, vote } = await (body.vote === undefined
        ? castVote(c, row, await attest(c, row, body), read?.context)
        : castVote(c, row, body.vote))
      const { by, decision, at } = vote
      return c.json({ operation: operationView(after, ports.namespace), vote: { by, decision, counted: true, at } })
    },
  )
}

/** Admits a signed vote while the run is told, and waits a moment for what it makes of it where it may decide. */
export async function castVote(
  c: Ctx,
  row: OperationRow,
  jws: string,
  early?: VoteContext,
): Promise<{ after: OperationRow; vote: Vote }> {
  const ports = c.get('ports')
  const { tenant_id, principal } = c.get('caller')
  ports.crashPoint('O1')
  // Read beside the row, it may be of a moment before people were asked.
  const fit = early?.operation?.shown_hash === row.shown_hash ? early : undefined
  let told: Promise<unknown> | undefined
  const tell = () => {
    told ??= ports.runs.signalDecide({ tenant_id, operation_id: row.id }, jws).catch((error: unknown) => {
      ports.log.error({ error: String(error) }, 'the run could not be signalled; the outbox will')
    })
  }
  const admitted = await admitVote(ports.votes, tenant_id, row.id, jws, {
    early: fit,
    // The run looks for the vote's row by itself, and makes it where the signal is the faster one: both admit one vote. What
    // others signed is told once it is admitted, so that who carries votes that the rows refuse does not reach the run.
    ...(early === undefined ? {} : { onSound: tell }),
  })
  if ('refused' in admitted) {
    c.set('refusalRecorded', true)
    const check = admitted.check === null ? {} : { check: admitted.check }
    throw refusal(admitted.refused, { operation_id: row.id, ...check })
  }
  if (admitted.vote.by !== principal.id)
    ports.log.info({ by: admitted.vote.by, carried_by: principal.id }, 'a vote was carried by another principal')
  ports.crashPoint('O2')
  const wait = async () => await ports.waitForNews(tenant_id, row.id, row.status, NEWS_MS)
  const counted = row.votes.length + 1
  // What the run admitted may have ended it already.
  const news = !admitted.known && mayDecide(row, counted, admitted.vote) ? wait() : null
  tell()
  await told
  let after = (await news) ?? (await readOperation(ports, tenant_id, row.id))
  // Somebody else may have voted meanwhile, and both together decide.
  if (news === null && !isFinal(after.status) && mayDecide(after, after.votes.length, admitted.vote))
    after = (await wait()) ?? (await readOperation(ports, tenant_id, row.id))
  return { after, vote: admitted.vote }
}

/** A body that says one thing and carries a signature under another. What cannot be read is refused where it is verified. */
function refuseTwoTongues(decision: string, jws: string): void {
  const signed = decisionIn(jws)
  if (signed !== null && signed !== decision)
    throw new ExoError('validation.error', undefined, {
      errors: [{ path: '/vote', message: `is signed over another decision than ${decision}` }],
    })
}

function decisionIn(jws: string): string | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())
    const { decision } = (claims ?? {}) as { decision?: unknown }
    return typeof decision === 'string' ? decision : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Of a vote that leaves it waiting for others nothing is to be told. */
function mayDecide({ plan }: OperationRow, counted: number, { decision }: Vote): boolean {
  return decision === 'deny' || counted >= plan.approval.quorum
}

/** What can be told without looking at a signature. */
async function refuseEarly(
  c: Ctx,
  row: OperationRow,
  body: { decision: 'approve' | 'deny'; intent_hash: string; shown_hash?: string | undefined },
): Promise<void> {
  const { principal } = c.get('caller')
  const refused: ErrorCode | null =
    body.intent_hash !== row.intent_hash || (body.shown_hash !== undefined && body.shown_hash !== row.shown_hash)
      ? 'approval.intent_mismatch'
      : row.status === 'expired'
        ? 'approval.expired'
        : isFinal(row.status)
          ? 'approval.already_decided'
          : row.status !== 'pending_approval'
            ? 'approval.not_pending'
            : principal.person_id !== null && row.plan.approval.excluded_persons.includes(principal.person_id)
              ? 'approval.self'
              : row.votes.some((vote) => vote.person_id === principal.person_id)
                ? 'approval.already_decided'
                : null
  if (refused === null) return
  const { tenant_id, now, train_ok } = c.get('caller')
  const { privacy, records } = c.get('ports')
  const { principal_id, on_behalf_of } = row.intent
  const leaf = makeLeaf({
    kind: 'vote.refused',
    tenant_id,
    at: now,
    actor: { principal_id: principal.id, kind: principal.kind },
    operation_id: row.id,
    action: row.intent.action,
    gate: 'approval',
    code: refused,
    request_id: c.get('requestId'),
    trace_id: c.get('traceId'),
    train_ok: train_ok && (await mayBeLearnedFrom(privacy, tenant_id, principal_id, on_behalf_of)),
  })
  await records.leaf(tenant_id, row.id, c.get('requestId'), leafRow(leaf))
  c.set('refusalRecorded', true)
  throw refusal(refused, { operation_id: row.id })
}

/** As the answer to a vote, an expired approval is a conflict. */
function refusal(code: ErrorCode, details: Record<string, unknown>): ExoError {
  return new ExoError(code, undefined, details, code === 'approval.expired' ? { status: 409 } : {})
}

/** The API's own signature over what a logged-in operator decided. */
export async function attest(
  c: Ctx,
  row: OperationRow,
  body: { decision: 'approve' | 'deny'; reason?: string | undefined },
): Promise<string> {
  const { now, principal, tenant_id } = c.get('caller')
  const iat = Math.floor(Date.parse(now) / 1000)
  return await c.get('ports').signers.attest.sign(
    VOTE_TYP,
    canonicalJson({
      operation_id: row.id,
      tenant: tenant_id,
      intent_hash: row.intent_hash,
      plan_hash: row.plan_hash,
      shown_hash: row.shown_hash ?? '',
      decision: body.decision,
      reason: body.reason ?? null,
      nonce: randomBytes(16).toString('hex'),
      iat,
      exp: iat + VOTE_MAX_AGE_SECONDS,
      by: principal.id,
    }),
  )
}
