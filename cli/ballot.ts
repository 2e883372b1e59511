/**
 * From an operation to a vote: the preview is checked against its hash and printed, then the decision is signed with the
 * operator's own key where they hold one. What is signed names exactly what was printed.
 */
import { randomBytes } from 'node:crypto'
import { refuse, usage } from './failure.ts'
import { checkShown, type Operation, readOperation } from './operation.ts'
import { approvalWords, previewLines, title } from './operation-text.ts'
import { type OwnKey, readOwnKey, registrationOf } from './own-key.ts'
import type { Session } from './session.ts'
import { canonicalJson } from '../domain/canonical.ts'
import { LIMITS } from '../domain/limits.ts'
import { VOTE_MAX_AGE_SECONDS, VOTE_TYP, type VoteClaims } from '../domain/vote.ts'

export interface Decided {
  decision: 'approve' | 'deny'
  reason: string | null
  /** The beginning of the shown hash the voter saw elsewhere, such as in the inbox. */
  shown?: string
  /** Asks nothing, and needs nobody to ask. */
  yes?: boolean
}

/** Fetches, checks and prints what is to be decided; asks a person once more before an irreversible yes. */
export async function presentOperation(session: Session, id: string, decided: Decided): Promise<Operation> {
  const { decision, reason, shown } = decided
  if (decision === 'deny' && reason === null) throw usage('A denial needs a reason.', { remedy: '--reason "…"' })
  checkReason(reason)
  checkBeginning(shown, '--shown')
  const { terminal, api } = session
  const operation = await readOperation(session, id)
  checkShown(operation)
  if (shown !== undefined && operation.shown_hash?.startsWith(shown) !== true)
    throw refuse(
      'cli.shown_mismatch',
      'What is shown now is not what you saw: its hash is another; nothing was sent.',
      {
        remedy: `Read it again: exo show ${id}.`,
        details: { given: shown, shown_hash: operation.shown_hash },
      },
    )
  const paint = terminal.paintAside
  terminal.aside(
    [
      `${paint('bold', title(operation))}  ${operation.class}`,
      ...previewLines(operation, { paint }),
      `  ${paint('dim', 'shown hash')} ${operation.shown_hash}`,
      ...(operation.status === 'pending_approval'
        ? [`  ${paint('dim', 'needs')} ${approvalWords(operation, api.nowMs())}`]
        : []),
    ].join('\n'),
  )
  if (decision === 'approve' && operation.class === 'irreversible' && decided.yes !== true) {
    if (!terminal.interactive)
      throw usage('This cannot be undone, and there is no terminal to ask at: nothing was sent.', {
        remedy: '--yes approves it without being asked again.',
      })
    await terminal.insist('This cannot be undone. Approve it?')
  }
  return operation
}

const BEGINNING_DIGITS = 8

/** The beginning of a hash, long enough that nobody meets it by chance. */
export function checkBeginning(given: string | undefined, option: string): void {
  if (given !== undefined && given.length < BEGINNING_DIGITS)
    throw usage(`${option} ${given} is too short: it takes ${BEGINNING_DIGITS} digits or more of the hash.`)
}

export function checkReason(reason: string | null): void {
  if (reason !== null && (reason === '' || reason.length > LIMITS.reasonCharacters))
    throw usage(`A reason has 1 to ${LIMITS.reasonCharacters} characters.`)
}

export interface Signer {
  key: OwnKey
  kid: string
}

/** The caller's own key once it is registered; null without a key or a registration. */
export async function findSigner(session: Session): Promise<Signer | null> {
  const key = await readOwnKey(session)
  if (key === null) return null
  const registered = await registrationOf(session, key)
  if (registered !== null) return { key, kid: registered.kid }
  session.terminal.aside(`your key ${key.path} is not registered, so it does not sign (exo key enrol)`)
  return null
}

export async function needSigner(session: Session): Promise<Signer> {
  const key = await readOwnKey(session)
  if (key === null)
    throw usage('You have no key of your own to sign with.', {
      remedy: `exo key new${session.asOption}, then exo key enrol${session.asOption}.`,
    })
  const registered = await registrationOf(session, key)
  if (registered === null)
    throw refuse(
      'cli.key_not_registered',
      `The key ${key.path} is not registered for you, so its votes count for nothing.`,
      {
        remedy: `exo key enrol${session.asOption}; another person approves it.`,
      },
    )
  return { key, kid: registered.kid }
}

/** The vote as a compact JWS over exactly this operation, fresh for an hour by the API's clock. */
export async function signVote(
  session: Session,
  operation: Operation,
  decided: Decided,
  { key, kid }: Signer,
): Promise<string> {
  const { CompactSign, importJWK } = await import('jose')
  const iat = Math.floor(session.api.nowMs() / 1000)
  const claims: VoteClaims = {
    operation_id: operation.id,
    tenant: operation.tenant_id,
    intent_hash: operation.intent_hash,
    plan_hash: operation.plan_hash,
    shown_hash: operation.shown_hash ?? '',
    decision: decided.decision,
    reason: decided.reason,
    nonce: randomBytes(16).toString('hex'),
    iat,
    exp: iat + VOTE_MAX_AGE_SECONDS,
  }
  return await new CompactSign(new TextEncoder().encode(canonicalJson(claims)))
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: VOTE_TYP })
    .sign(await importJWK(key.jwk, 'EdDSA'))
}
