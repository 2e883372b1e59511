/**
 * `exo vote`: a vote signed with one's own key, sent to the API or printed for another way. The way through Temporal
 * needs no API: the signature carries the authority, not the messenger.
 */
import { Option, type Command } from 'commander'
import { needSigner, presentOperation, signVote, type Decided } from '../ballot.ts'
import { castVote } from '../casting.ts'
import { EXIT } from '../exit-codes.ts'
import { refuse, usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { findTemporal } from '../lab-processes.ts'
import { checkId, type Operation } from '../operation.ts'
import { quoted } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import { VOTE_MAX_AGE_SECONDS } from '../../domain/vote.ts'

interface Options {
  decision?: 'approve' | 'deny'
  reason?: string
  shown?: string
  print?: boolean
  yes?: boolean
}

export function addVote(program: Command, run: Runner): void {
  program
    .command('vote')
    .helpGroup(GROUPS.approve)
    .summary('vote with your own key, also through Temporal')
    .description(
      'Signs a vote with your own key. Sends it to the API, or prints it with the command that signals it to the run.',
    )
    .argument('<id>', 'the operation')
    .addOption(
      new Option('--decision <decision>', 'what you decide (with --print: approve when absent)').choices([
        'approve',
        'deny',
      ]),
    )
    .option('--reason <text>', 'why; a denial needs one')
    .option('--shown <hash>', 'only if what is shown still has this hash, or one that begins so (8 digits or more)')
    .option('--print', 'print the signed vote and the temporal command instead of sending it')
    .option('--yes', 'do not ask again before an irreversible effect; due where there is no terminal to ask at')
    .addHelpText('after', EXPLANATION)
    .action(run(vote))
}

const EXPLANATION = `
With --print the first line is the vote, the second the command. In the Temporal UI: open the run, Send a Signal, name
decide, input the vote in double quotes. A vote counts once, for an hour, for this operation and what it showed.`

async function vote(session: Session, id: string, options: Options): Promise<Outcome> {
  const { reason, shown, print, yes } = options
  // Printing sends nothing, so that a yes may be meant where nothing is said; a vote that is sent is always spelt out.
  const decision = options.decision ?? (print === true ? 'approve' : null)
  if (decision === null)
    throw usage("required option '--decision <decision>' not specified", { remedy: 'exo vote --help says how.' })
  const decided: Decided = {
    decision,
    reason: reason ?? null,
    ...(shown === undefined ? {} : { shown }),
    ...(yes === undefined ? {} : { yes }),
  }
  checkId(id)
  const signer = await needSigner(session)
  if (print !== true) return await castVote(session, id, decided, signer)
  // What is printed changes nothing until somebody sends it, so that a script may take it without a --yes.
  const operation = await presentOperation(session, id, { ...decided, yes: yes ?? !session.terminal.interactive })
  if (operation.status !== 'pending_approval')
    throw refuse('cli.not_pending', `The operation is ${operation.status.replace('_', ' ')}: no vote is awaited.`)
  const jws = await signVote(session, operation, decided, signer)
  const command = await signalCommand(session, operation, jws)
  session.terminal.aside(
    `\nsigned with ${signer.kid}, good for ${VOTE_MAX_AGE_SECONDS / 60} minutes; the vote, then the command that sends it:\n`,
  )
  const { namespace, workflow_id } = operation.temporal
  return {
    exit: EXIT.ok,
    json: {
      operation_id: operation.id,
      decision,
      kid: signer.kid,
      vote: jws,
      command,
      signal: { namespace, workflow_id, name: 'decide', input: jws },
    },
    text: `${jws}\n${command}`,
  }
}

const UNKNOWN_ADDRESS = 'TEMPORAL_HOST:7233'

async function signalCommand(session: Session, { temporal }: Operation, jws: string): Promise<string> {
  const place = await findTemporal(session)
  if (place === null)
    session.terminal.aside(
      `where its Temporal is, is not known here: replace ${UNKNOWN_ADDRESS}, or set EXO_TEMPORAL_ADDRESS`,
    )
  const words = {
    '--address': place?.address ?? UNKNOWN_ADDRESS,
    '--namespace': temporal.namespace,
    '--workflow-id': temporal.workflow_id,
    '--name': 'decide',
    '--input': JSON.stringify(jws),
  }
  return `temporal workflow signal ${Object.entries(words)
    .map(([option, value]) => `${option} ${quoted(value)}`)
    .join(' ')}`
}
