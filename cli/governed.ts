/** What a change of the controls answered: the operation while another person is waited for, else the resource itself. */
import { EXIT, exitOfStatus } from './exit-codes.ts'
import { isOperation, type Operation } from './operation.ts'
import { outcomeText } from './operation-text.ts'
import type { Outcome, Session } from './session.ts'
import type { JsonObject } from '../domain/canonical.ts'

export function governedOutcome(session: Session, body: JsonObject, done: (resource: JsonObject) => string): Outcome {
  if (!isOperation(body)) return { exit: EXIT.ok, json: body, text: done(body) }
  const operation = body as unknown as Operation
  return { exit: exitOfStatus(operation.status), json: body, text: outcomeText(session, operation) }
}
