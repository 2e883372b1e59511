/** `exo stop`, `exo resume` and `exo switches`: stopping is immediate, resuming takes another person. */
import { Option, type Command } from 'commander'
import { checkReason } from '../ballot.ts'
import { EXIT } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { governedOutcome } from '../governed.ts'
import { GROUPS } from '../help.ts'
import { collect, type Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import { drainText, switchesText } from '../switches.ts'
import type { JsonObject } from '../../domain/canonical.ts'

interface Options {
  global?: boolean
  action?: string[]
  provider?: string[]
  class?: string[]
  hold?: string
  reason: string
}

const WORDS = {
  stop: {
    state: 'stopped',
    summary: 'stop everything, or part of it, at once',
    description: 'Stops at once: nothing new is claimed. Needs no other person, and works while Temporal is down.',
  },
  resume: {
    state: 'running',
    summary: 'run again; another person approves',
    description: 'Asks to run again. Another person approves; a stop made meanwhile wins.',
  },
} as const

export function addStop(program: Command, run: Runner): void {
  for (const verb of ['stop', 'resume'] as const)
    program
      .command(verb)
      .helpGroup(GROUPS.stop)
      .summary(WORDS[verb].summary)
      .description(WORDS[verb].description)
      .option('--global', 'for the whole deployment (platform operators)')
      .option('--action <name>', 'only this action (repeatable)', collect)
      .option('--provider <host>', 'only effects that go to this host (repeatable)', collect)
      .option('--class <class>', 'only this class of actions (repeatable)', collect)
      .addOption(new Option('--hold <role>', 'afterwards only this role resumes').choices(['owner', 'platform']))
      .requiredOption('--reason <text>', 'why')
      .action(run((session: Session, options: Options) => turn(session, WORDS[verb].state, options)))
  program
    .command('switches')
    .helpGroup(GROUPS.stop)
    .summary('what is stopped, by whom and why')
    .description('What the kill switches come to, every row, and what the last stop found on its way.')
    .action(run(show))
}

async function turn(session: Session, state: 'stopped' | 'running', options: Options): Promise<Outcome> {
  checkReason(options.reason)
  const body: JsonObject = {
    scope: options.global === true ? 'global' : 'tenant',
    state,
    ...(options.action === undefined ? {} : { actions: options.action }),
    ...(options.provider === undefined ? {} : { providers: options.provider }),
    ...(options.class === undefined ? {} : { classes: options.class }),
    ...(options.hold === undefined ? {} : { hold: options.hold }),
    reason: options.reason,
  }
  const answer = (await session.api.call('/kill-switches', { method: 'PUT', body })).body
  const { paint } = session.terminal
  if (state === 'running')
    return governedOutcome(session, answer, (resource) => `resumed\n  ${JSON.stringify(resource)}`)
  const text = [switchesText(answer, paint), drainText(answer.drain as JsonObject | undefined, paint)]
  return { exit: EXIT.ok, json: answer, text: text.filter((part) => part !== null).join('\n') }
}

async function show(session: Session): Promise<Outcome> {
  const [switches, drain] = await Promise.all([session.api.get('/kill-switches'), lastDrain(session)])
  const { paint } = session.terminal
  const text = [switchesText(switches, paint), drainText(drain ?? undefined, paint)]
    .filter((part) => part !== null)
    .join('\n')
  return { exit: EXIT.ok, json: { ...switches, drain }, text }
}

/** Null when nothing was ever stopped. */
async function lastDrain({ api }: Session): Promise<JsonObject | null> {
  try {
    return await api.get('/kill-switches/drain')
  } catch (error) {
    if (error instanceof Failure && error.problem.code === 'resource.not_found') return null
    throw error
  }
}
