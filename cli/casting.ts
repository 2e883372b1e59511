/** Sends a decision to the API and tells what became of it: the same for approve, deny and vote. */
import { findSigner, presentOperation, signVote, type Decided, type Signer } from './ballot.ts'
import { EXIT } from './exit-codes.ts'
import type { Operation } from './operation.ts'
import { approvalWords, jsonWords, statusWord, title } from './operation-text.ts'
import { fieldLines, visible } from './render.ts'
import type { Outcome, Session } from './session.ts'
import type { JsonObject } from '../domain/canonical.ts'

/** `signer` null lets the API attest; absent, the caller's own key signs when there is one. */
export async function castVote(session: Session, id: string, decided: Decided, signer?: Signer): Promise<Outcome> {
  const operation = await presentOperation(session, id, decided)
  const own = signer ?? (await findSigner(session))
  const vote = own === null ? null : await signVote(session, operation, decided, own)
  const { body } = await session.api.call(`/operations/${operation.id}/decisions`, {
    method: 'POST',
    body: {
      decision: decided.decision,
      intent_hash: operation.intent_hash,
      shown_hash: operation.shown_hash,
      ...(decided.reason === null ? {} : { reason: decided.reason }),
      ...(vote === null ? {} : { vote }),
    },
  })
  return { exit: EXIT.ok, json: body, text: votedText(session, body, own !== null) }
}

function votedText({ terminal, api, asOption }: Session, body: JsonObject, signed: boolean): string {
  const operation = body.operation as unknown as Operation
  const vote = body.vote as { by: string; decision: 'approve' | 'deny' }
  const { paint } = terminal
  const verb = vote.decision === 'approve' ? paint('green', 'approved') : paint('red', 'denied')
  const fields = [
    { label: 'operation', value: operation.id },
    { label: 'by', value: `${vote.by}, ${signed ? 'signed with your own key' : 'attested by the API'}` },
    { label: 'now', value: operation.status.replace('_', ' ') },
  ]
  if (operation.status === 'pending_approval')
    fields.push({ label: 'needs', value: approvalWords(operation, api.nowMs()) })
  if (operation.effect !== null && operation.effect.result !== null)
    fields.push({ label: 'result', value: jsonWords(operation.effect.result) })
  if (operation.error !== null)
    fields.push({ label: 'because', value: `${operation.error.code}: ${visible(operation.error.message)}` })
  fields.push({ label: 'details', value: `exo show ${operation.id}${asOption}` })
  return [`${verb}  ${title(operation)}  ${statusWord(paint, operation.status)}`, ...fieldLines(fields)].join('\n')
}
