/**
 * Every code a caller can meet, in one frozen table: status, gate, whether the same request may succeed later, and
 * what to do. API, workflow, CLI, console and documents read this table; nothing else spells a status.
 *
 * Outcomes (blocked, denied, expired, unknown …) are values; an operating failure is an {@link ExoError} with a code.
 */
export const GATES = [
  'kill_switch',
  'firearms',
  'strategy_lock',
  'three_wise',
  'budget',
  'kpi',
  'temperature',
  'audit',
] as const
export type GateName = (typeof GATES)[number]

export interface ErrorRow {
  readonly status: number
  readonly gate: GateName | 'approval' | null
  /** The same request may succeed later without a change by the caller. */
  readonly retryable: boolean
  readonly remedy: string
}

const row = (status: number, gate: ErrorRow['gate'], retryable: boolean, remedy: string): ErrorRow =>
  Object.freeze({ status, gate, retryable, remedy })

const gateRows = <G extends GateName, const C extends string>(gate: G, codes: Record<C, string>) =>
  Object.fromEntries(
    Object.entries<string>({
      ...codes,
      unavailable: `The facts the ${gate} gate needs were missing, stale or unreadable; look at readiness and propose again.`,
    }).map(([code, remedy]) => [
      `${gate}.${code}`,
      row(gate === 'audit' ? 503 : 403, gate, code === 'unavailable', remedy),
    ]),
  ) as Record<`${G}.${C | 'unavailable'}`, ErrorRow>

export const ERRORS = Object.freeze({
  'auth.missing': row(401, null, false, 'Send Authorization: Bearer <token>.'),
  'auth.invalid': row(401, null, false, 'The credential is unknown, expired, revoked or malformed; obtain another.'),
  'auth.principal_revoked': row(403, null, false, 'The principal or its membership was revoked; ask an owner.'),
  'auth.tenant_mismatch': row(403, null, false, 'Name a tenant this credential belongs to in X-Tenant-Id.'),
  'auth.tenant_membership_required': row(403, null, false, 'Ask an owner of the tenant for a membership.'),
  'auth.insufficient_role': row(403, null, false, 'details.required names the permission that is missing.'),
  'auth.identity_override': row(
    403,
    null,
    false,
    'Drop the identity fields in body or query that differ from the context.',
  ),
  'context.missing': row(400, null, false, 'Send the header named in details.field.'),
  'context.invalid': row(400, null, false, 'Correct or drop the header named in details.field.'),
  'context.not_found': row(404, null, false, 'Register the project, surface or app named in details.field first.'),
  'mode.mismatch': row(403, null, false, 'Send X-Mode equal to the mode of this deployment.'),
  'validation.error': row(400, null, false, 'Correct the fields listed in details.errors.'),
  'rate_limit.exceeded': row(429, null, true, 'Wait for the seconds in Retry-After.'),
  'idempotency.conflict': row(409, null, false, 'This key was used with another body or context; use a new key.'),
  'action.unknown': row(404, null, false, 'GET /actions lists the actions; names are compared exactly.'),
  'action.version_unavailable': row(
    403,
    null,
    false,
    'The planned action version is no longer registered; propose again.',
  ),
  'route.not_found': row(404, null, false, 'See /openapi.json for the routes.'),
  'method.not_allowed': row(405, null, false, 'The Allow header lists the methods.'),
  'body.too_large': row(413, null, false, 'Send a smaller body.'),
  'request.malformed': row(400, null, false, 'Send well-formed HTTP with a head of at most 16 KiB.'),
  'media_type.unsupported': row(415, null, false, 'Send Content-Type: application/json.'),
  'resource.not_found': row(404, null, false, 'Nothing by this id is visible to this credential.'),
  'resource.conflict': row(409, null, false, 'The id is taken; choose another.'),
  'resource.required': row(409, null, false, 'The tenant cannot be without it; put another in its place first.'),
  'approval.denied': row(
    403,
    'approval',
    false,
    'A person denied it; read the reason before proposing something else.',
  ),
  'approval.expired': row(403, 'approval', false, 'Nobody approved in time; propose again.'),
  'approval.intent_mismatch': row(409, 'approval', false, 'Read the operation again and vote on the hashes it shows.'),
  'approval.self': row(
    403,
    'approval',
    false,
    'Another person must decide this: neither who asked nor who issued a grant that arms it.',
  ),
  'approval.already_decided': row(409, 'approval', false, 'This person has voted or the operation has ended.'),
  'approval.not_pending': row(409, 'approval', true, 'The operation does not wait for votes.'),
  'approval.signature_required': row(403, 'approval', false, 'Sign the vote with your own key: exo vote ID --print.'),
  'approval.vote_invalid': row(400, 'approval', false, 'details.check names the check that failed; sign a fresh vote.'),
  'operation.cancelled': row(409, null, false, 'The operation was cancelled; propose again if it is still wanted.'),
  'operation.not_cancellable': row(
    409,
    null,
    false,
    'It has ended or its effect was claimed; an executed one can be undone.',
  ),
  'operation.not_reversible': row(409, null, false, 'The action declares no undo, or there is nothing to undo.'),
  'operation.not_unknown': row(409, null, false, 'Only an operation that ended unknown can be resolved.'),
  'config.invalid_scope': row(400, null, false, 'The scopes are system, tenant and surface.'),
  'config.version_conflict': row(409, null, false, 'Read it again, merge, and send its version in If-Match.'),
  'policy.version_conflict': row(409, null, false, 'GET /policy, merge, and send its version as base_version.'),
  'firearms.self_grant': row(403, 'firearms', false, 'Another person must grant this licence.'),
  'strategy_lock.state_conflict': row(
    409,
    'strategy_lock',
    false,
    'Read the lock again; its state or content hash is another.',
  ),
  'three_wise.state_conflict': row(
    409,
    'three_wise',
    false,
    'Ask anew: a question takes three opinions of three reviewers before it expires, one of each.',
  ),
  'egress.target_forbidden': row(403, null, false, 'Have this origin and method added to the egress targets first.'),
  'egress.header_forbidden': row(403, null, false, 'Have this header added to what the target takes.'),
  'effect.secret_missing': row(502, null, false, 'Nothing was sent; have the operators put the secret in its place.'),
  'effect.failed': row(502, null, false, 'The target refused the effect; details say how.'),
  'effect.precondition_failed': row(502, null, false, 'The world changed since the proposal; propose again.'),
  'effect.unknown': row(504, null, false, 'The target did not answer; an operator must resolve it.'),
  'proposal.invalid': row(
    502,
    null,
    false,
    'The run carried no valid proposal of this deployment; propose through the API.',
  ),
  'run.terminated': row(502, null, false, 'The run was ended from outside; propose again.'),
  'internal.error': row(500, null, true, 'Report the request id to the operators.'),
  'backend.unavailable': row(503, null, true, 'A backend does not answer; repeat with the same Idempotency-Key.'),
  'audit.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'operations.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'events.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'notes.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'budget.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'kpi.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'temperature.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'strategy_locks.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'three_wise.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  'controls.cursor_invalid': row(410, null, false, 'Start again without a cursor.'),
  ...gateRows('kill_switch', { blocked: 'A stopped switch matches; see details.scope and details.selector.' }),
  ...gateRows('firearms', { license_required: 'Obtain the licences in details.required_license_types.' }),
  ...gateRows('strategy_lock', { approval_required: 'Have a strategy lock that allows this action approved.' }),
  ...gateRows('three_wise', { verdict_required: 'The lock names a question without an APPROVE verdict.' }),
  ...gateRows('budget', {
    threshold_missing: 'Set a budget threshold for this scope, or an approved not_required entry.',
    threshold_exceeded: 'The estimate does not fit under the threshold.',
    daily_cap_exceeded: 'The estimate does not fit under the daily cap of this action.',
  }),
  ...gateRows('kpi', {
    threshold_missing: 'Define a corridor for this surface, or an approved not_required entry.',
    measurement_missing: 'Post a fresh measurement of details.kpi.',
    floor_breached: 'details.kpi is below its floor.',
    ceiling_breached: 'details.kpi is above its ceiling.',
  }),
  ...gateRows('temperature', {
    threshold_missing: 'Set floors or ceilings for this surface, or an approved not_required entry.',
    breach: 'details.metric is outside its limits or has no fresh value.',
  }),
  ...gateRows('audit', {}),
})

export type ErrorCode = keyof typeof ERRORS

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}

/** An operating failure. `details` reach the caller: no exception text, no secrets, nothing of another tenant. */
export class ExoError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  /** The table's status, but for the one code that has a second: `approval.expired` is 409 as the answer to a vote. */
  readonly status: number
  constructor(
    code: ErrorCode,
    message?: string,
    details: Record<string, unknown> = {},
    options: ErrorOptions & { status?: number } = {},
  ) {
    super(message ?? ERRORS[code].remedy, options)
    this.name = 'ExoError'
    this.code = code
    this.details = details
    this.status = options.status ?? ERRORS[code].status
  }
}
