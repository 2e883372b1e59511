/**
 * Why a command ended otherwise than asked: the API's envelope, or the same shape for what happened on this side.
 * Everything that is thrown on purpose in the CLI is one of these.
 */
import { EXIT, exitOfError, type ExitCode } from './exit-codes.ts'
import { ERRORS, isErrorCode } from '../domain/errors.ts'
import type { JsonObject } from '../domain/canonical.ts'

/** The inner object of the envelope. `http_status` is null when no answer of the API is behind it. */
export interface Problem {
  code: string
  message: string
  http_status: number | null
  gate: string | null
  action_name: string | null
  resource_kind: string | null
  details: JsonObject
  request_id: string | null
  trace_id: string | null
}

export class Failure extends Error {
  readonly problem: Problem
  readonly exit: ExitCode
  /** What to do about it, for people. */
  readonly remedy: string | null
  /** The whole document as the API sent it, or one of the same shape. */
  readonly envelope: JsonObject
  constructor(
    problem: Problem,
    exit: ExitCode,
    options: ErrorOptions & { remedy?: string | null; envelope?: JsonObject } = {},
  ) {
    super(problem.message, options)
    this.name = 'Failure'
    this.problem = problem
    this.exit = exit
    this.remedy = options.remedy ?? null
    this.envelope = options.envelope ?? { error: problem as unknown as JsonObject }
  }
}

interface Local extends ErrorOptions {
  remedy?: string
  details?: JsonObject
  requestId?: string
}

function local(code: string, exit: ExitCode, message: string, given: Local): Failure {
  const problem: Problem = {
    code,
    message,
    http_status: null,
    gate: null,
    action_name: null,
    resource_kind: null,
    details: given.details ?? {},
    request_id: given.requestId ?? null,
    trace_id: null,
  }
  return new Failure(problem, exit, { cause: given.cause, remedy: given.remedy ?? null })
}

/** The command line or something it names cannot be used; nothing was sent. */
export const usage = (message: string, given: Local = {}): Failure => local('cli.usage', EXIT.usage, message, given)

/** Nobody answered, or not the one who was meant. */
export const unreachable = (message: string, given: Local = {}): Failure =>
  local('cli.unreachable', EXIT.unreachable, message, given)

/** This side refuses to go on: what it was given does not fit what it checked. */
export const refuse = (code: `cli.${string}`, message: string, given: Local = {}): Failure =>
  local(code, EXIT.refused, message, given)

export const interrupted = (message: string): Failure => local('cli.interrupted', EXIT.interrupted, message, {})

/** An answer of the API that is not a success; null when the body is no envelope. */
export function fromEnvelope(body: unknown): Failure | null {
  const inner = (body as { error?: Partial<Problem> } | null)?.error
  if (typeof inner?.code !== 'string' || typeof inner.message !== 'string') return null
  const problem: Problem = {
    code: inner.code,
    message: inner.message,
    http_status: inner.http_status ?? null,
    gate: inner.gate ?? null,
    action_name: inner.action_name ?? null,
    resource_kind: inner.resource_kind ?? null,
    details: inner.details ?? {},
    request_id: inner.request_id ?? null,
    trace_id: inner.trace_id ?? null,
  }
  const remedy = isErrorCode(problem.code) ? ERRORS[problem.code].remedy : null
  return new Failure(problem, exitOfError(problem.code), {
    remedy: remedy === problem.message ? null : remedy,
    envelope: body as JsonObject,
  })
}
