import { describe, expect, test } from 'vitest'
import { ERRORS, type ErrorCode, ExoError, GATES, isErrorCode } from '../../domain/errors.ts'

const rows = Object.entries(ERRORS)

/** Codes that callers were promised, with their statuses. Neither may change. */
const PROMISED: Record<string, readonly string[]> = {
  400: ['context.missing', 'context.invalid', 'validation.error', 'approval.vote_invalid', 'config.invalid_scope'],
  401: ['auth.missing', 'auth.invalid'],
  403: [
    'auth.tenant_mismatch',
    'auth.tenant_membership_required',
    'auth.insufficient_role',
    'auth.identity_override',
    'auth.principal_revoked',
    'mode.mismatch',
    'kill_switch.blocked',
    'kill_switch.unavailable',
    'firearms.license_required',
    'firearms.self_grant',
    'firearms.unavailable',
    'strategy_lock.approval_required',
    'strategy_lock.unavailable',
    'three_wise.verdict_required',
    'three_wise.unavailable',
    'budget.threshold_missing',
    'budget.threshold_exceeded',
    'budget.daily_cap_exceeded',
    'budget.unavailable',
    'kpi.threshold_missing',
    'kpi.measurement_missing',
    'kpi.floor_breached',
    'kpi.ceiling_breached',
    'kpi.unavailable',
    'temperature.threshold_missing',
    'temperature.breach',
    'temperature.unavailable',
    'approval.denied',
    'approval.expired',
    'approval.self',
    'approval.signature_required',
    'action.version_unavailable',
    'egress.target_forbidden',
    'egress.header_forbidden',
  ],
  404: ['action.unknown', 'route.not_found', 'resource.not_found', 'context.not_found'],
  405: ['method.not_allowed'],
  409: [
    'idempotency.conflict',
    'approval.intent_mismatch',
    'approval.already_decided',
    'approval.not_pending',
    'operation.cancelled',
    'operation.not_cancellable',
    'operation.not_reversible',
    'operation.not_unknown',
    'policy.version_conflict',
    'config.version_conflict',
    'strategy_lock.state_conflict',
  ],
  410: [
    'audit.cursor_invalid',
    'operations.cursor_invalid',
    'events.cursor_invalid',
    'notes.cursor_invalid',
    'budget.cursor_invalid',
    'kpi.cursor_invalid',
    'temperature.cursor_invalid',
    'controls.cursor_invalid',
  ],
  413: ['body.too_large'],
  415: ['media_type.unsupported'],
  429: ['rate_limit.exceeded'],
  500: ['internal.error'],
  502: ['effect.failed', 'effect.precondition_failed', 'effect.secret_missing', 'proposal.invalid', 'run.terminated'],
  503: ['audit.unavailable'],
  504: ['effect.unknown'],
}

describe('the table of codes', () => {
  test.each(rows)('%s has a status, a gate or none, and a remedy', (code, row) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/)
    expect(row.status).toBeGreaterThanOrEqual(400)
    expect(row.status).toBeLessThan(600)
    expect(row.remedy).toMatch(/^\S.{10,200}\.$/)
    expect(typeof row.retryable).toBe('boolean')
    expect([null, 'approval', ...GATES]).toContain(row.gate)
    expect(Object.isFrozen(row)).toBe(true)
  })

  test.each(
    Object.entries(PROMISED).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
  )('%s is %i', (code, status) => {
    expect(isErrorCode(code)).toBe(true)
    expect(ERRORS[code as ErrorCode].status).toBe(status)
  })

  test('a code under a gate’s name belongs to that gate, and every gate can be unavailable', () => {
    for (const [code, row] of rows) {
      const [domain, word] = code.split('.')
      // The cursor of the audit listing has nothing to do with the gate of that name.
      const owner = word === 'cursor_invalid' ? null : ([...GATES, 'approval'].find((gate) => gate === domain) ?? null)
      expect([code, row.gate]).toEqual([code, owner])
    }
    for (const gate of GATES) expect(isErrorCode(`${gate}.unavailable`)).toBe(true)
  })

  test('what a caller must change first is not retryable', () => {
    for (const [code, row] of rows)
      if (row.retryable) expect([code, row.status]).toEqual([code, expect.toBeOneOf([403, 409, 429, 500, 503])])
    expect(ERRORS['idempotency.conflict'].retryable).toBe(false)
    expect(ERRORS['effect.unknown'].retryable).toBe(false)
  })

  test('the table cannot be changed, and inherited names are no codes', () => {
    expect(Object.isFrozen(ERRORS)).toBe(true)
    for (const word of ['toString', '__proto__', 'constructor', '', 'audit', null, 7, ['audit.unavailable']])
      expect(isErrorCode(word)).toBe(false)
  })

  test('an error carries its code, the remedy as its message, and its cause', () => {
    const cause = new Error('socket closed')
    const error = new ExoError('backend.unavailable', undefined, { backend: 's3' }, { cause })
    expect(error).toMatchObject({ name: 'ExoError', code: 'backend.unavailable', details: { backend: 's3' }, cause })
    expect(error.message).toBe(ERRORS['backend.unavailable'].remedy)
  })
})
