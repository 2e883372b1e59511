/** `exo cancel`, `exo undo`, `exo resolve`: before the effect was claimed, after it was done, and when nobody can tell. */
import { type Command, Option } from 'commander'
import { checkReason } from '../ballot.ts'
import { EXIT, exitOfStatus } from '../exit-codes.ts'
import { GROUPS } from '../help.ts'
import { readJsonArgument } from '../json-input.ts'
import { checkId, type Operation } from '../operation.ts'
import { outcomeText } from '../operation-text.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'

export function addRetract(program: Command, run: Runner): void {
  program
    .command('cancel')
    .helpGroup(GROUPS.operate)
    .summary('take back a proposal before its effect')
    .description('Cancels an operation whose effect was not claimed yet. The requester may, and whoever may decide.')
    .argument('<id>', 'the operation')
    .requiredOption('--reason <text>', 'why')
    .action(run(cancel))
  program
    .command('undo')
    .helpGroup(GROUPS.operate)
    .summary('propose the undo of an executed operation')
    .description('Proposes the undo of an executed operation, as an operation of its own with its own approval.')
    .argument('<id>', 'the operation')
    .requiredOption('--reason <text>', 'why')
    .action(run(undo))
  program
    .command('resolve')
    .helpGroup(GROUPS.operate)
    .summary('settle an unknown outcome by what people found')
    .description(
      'Says whether the effect of an operation that ended unknown was applied, with evidence. The same people vote on it as on the operation.',
    )
    .argument('<id>', 'the operation')
    .addOption(
      new Option('--outcome <what>', 'what people found').choices(['committed', 'not_committed']).makeOptionMandatory(),
    )
    .requiredOption('--evidence <json>', 'what shows it: JSON, @file, or - for standard input')
    .requiredOption('--reason <text>', 'why')
    .action(run(resolve))
}

interface Finding {
  outcome: 'committed' | 'not_committed'
  evidence: string
  reason: string
}

async function resolve(session: Session, id: string, { outcome, evidence, reason }: Finding): Promise<Outcome> {
  checkReason(reason)
  const found = await readJsonArgument(evidence, '--evidence')
  const { body } = await session.api.call(`/operations/${checkId(id)}/resolve`, {
    method: 'POST',
    body: { outcome, evidence: found, reason },
  })
  const operation = body as unknown as Operation
  return { exit: exitOfStatus(operation.status), json: operation as never, text: outcomeText(session, operation) }
}

async function cancel(session: Session, id: string, { reason }: { reason: string }): Promise<Outcome> {
  const operation = await retract(session, id, 'cancel', reason)
  const cancelled = operation.status === 'cancelled'
  const text = cancelled
    ? `cancelled  ${operation.id}`
    : `cancelled for the guard; its run has not noticed yet  ${operation.id}`
  return { exit: cancelled ? EXIT.ok : EXIT.pending, json: operation as never, text }
}

async function undo(session: Session, id: string, { reason }: { reason: string }): Promise<Outcome> {
  const operation = await retract(session, id, 'undo', reason)
  return { exit: exitOfStatus(operation.status), json: operation as never, text: outcomeText(session, operation) }
}

async function retract(session: Session, id: string, verb: 'cancel' | 'undo', reason: string): Promise<Operation> {
  checkReason(reason)
  const { body } = await session.api.call(`/operations/${checkId(id)}/${verb}`, { method: 'POST', body: { reason } })
  return body as unknown as Operation
}
