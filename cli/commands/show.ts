/** `exo show`: one operation as one story. */
import type { Command } from 'commander'
import { EXIT, exitOfStatus } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { findTemporal } from '../lab-processes.ts'
import { followOperation, type Operation, readOperation } from '../operation.ts'
import { type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import { timeline } from '../timeline.ts'
import { isFinal } from '../../domain/lifecycle.ts'
import type { Receipt } from '../../domain/receipt.ts'

export function addShow(program: Command, run: Runner): void {
  program
    .command('show')
    .helpGroup(GROUPS.operate)
    .summary('one operation as a timeline')
    .description(
      'Shows one operation from top to bottom: asked, every gate of every pass, votes, effect, receipt, Temporal run.',
    )
    .argument('<id>', 'the operation')
    .option('--wait <seconds>', 'wait for its end first; the exit code then tells how it ended', wholeNumber(0, 86_400))
    .action(run(show))
}

async function show(session: Session, id: string, { wait }: { wait?: number }): Promise<Outcome> {
  const operation = wait === undefined ? await readOperation(session, id) : await followOperation(session, id, wait)
  const [receipt, temporal] = await Promise.all([readReceipt(session, operation), findTemporal(session)])
  const { workflow_id, run_id, namespace } = operation.temporal
  const runUrl =
    temporal?.ui == null
      ? null
      : `${temporal.ui}/namespaces/${namespace}/workflows/${encodeURIComponent(workflow_id)}${run_id === null ? '' : `/${run_id}`}`
  const { api, terminal } = session
  const url = api.connection.url
  return {
    exit: wait === undefined ? EXIT.ok : exitOfStatus(operation.status),
    json: operation as never,
    text: timeline({ operation, receipt, runUrl, url, nowMs: api.nowMs(), paint: terminal.paint }),
  }
}

/** Null while there is none. */
async function readReceipt({ api }: Session, { id, status }: Operation): Promise<Receipt | null> {
  if (!isFinal(status)) return null
  try {
    return (await api.get(`/operations/${id}/receipt`)).receipt as unknown as Receipt
  } catch (error) {
    if (error instanceof Failure && error.problem.code === 'resource.not_found') return null
    throw error
  }
}
