/** `exo three-wise`: questions for three reviewers, and a reviewer's word on one. */
import { type Command, Option } from 'commander'
import { checkReason } from '../ballot.ts'
import { EXIT } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { readJsonArgument } from '../json-input.ts'
import { fieldLines, instant, visible } from '../render.ts'
import { type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import { canonicalJson, type JsonObject } from '../../domain/canonical.ts'
import { LIMITS } from '../../domain/limits.ts'
import { type Binds, type Opinion, OPINIONS } from '../../domain/three-wise.ts'

interface Question {
  id: string
  status: string
  verdict: string
  question: string
  binds: Binds
  expires_at: string
  opinions: Opinion[]
}

export function addThreeWise(program: Command, run: Runner): void {
  const group = program
    .command('three-wise')
    .helpGroup(GROUPS.approve)
    .helpCommand(false)
    .summary('ask three reviewers, and answer as one')
    .description('Whether one action with one target and one input is wise, asked of three reviewers who did not ask.')
  group
    .command('ask')
    .description('Asks; a strategy lock may then name the question.')
    .argument('<question>', 'in words')
    .requiredOption('--action <name>', 'the action it is about')
    .requiredOption('--input <json>', 'its input: JSON, @file, or - for standard input')
    .option('--target <url>', 'its target, for actions that have one')
    .option('--expires-in <seconds>', 'how long it is good for', wholeNumber(1, LIMITS.questionSeconds.max))
    .action(run(ask))
  group.command('show').description('A question with its opinions.').argument('<id>', 'the question').action(run(show))
  group
    .command('opine')
    .description('Gives your opinion, once.')
    .argument('<id>', 'the question')
    .addOption(new Option('--verdict <word>', 'what you make of it').choices([...OPINIONS]).makeOptionMandatory())
    .requiredOption('--reason <text>', 'why')
    .action(run(opine))
}

interface Asked {
  action: string
  input: string
  target?: string
  expiresIn?: number
}

async function ask(session: Session, question: string, { action, input, target, expiresIn }: Asked): Promise<Outcome> {
  const binds: JsonObject = {
    action,
    input: await readJsonArgument(input, '--input'),
    ...(target === undefined ? {} : { target }),
  }
  const body = { question, binds, ...(expiresIn === undefined ? {} : { expires_in: expiresIn }) }
  return outcome((await session.api.call('/three-wise/questions', { method: 'POST', body })).body)
}

async function show(session: Session, id: string): Promise<Outcome> {
  return outcome(await session.api.get(`/three-wise/questions/${checkQuestion(id)}`))
}

async function opine(
  session: Session,
  id: string,
  { verdict, reason }: { verdict: string; reason: string },
): Promise<Outcome> {
  checkReason(reason)
  const path = `/three-wise/questions/${checkQuestion(id)}/opinions`
  return outcome((await session.api.call(path, { method: 'POST', body: { verdict, reason } })).body)
}

function checkQuestion(id: string): string {
  if (!/^tw_[0-9a-z_]{1,64}$/.test(id)) throw usage(`${visible(id)} is no three-wise question.`)
  return id
}

function outcome(body: JsonObject): Outcome {
  const { id, status, verdict, question, binds, expires_at, opinions } = body as unknown as Question
  const fields = [
    { label: 'question', value: question },
    { label: 'action', value: binds.action },
    ...(binds.target === null ? [] : [{ label: 'target', value: binds.target }]),
    { label: 'input', value: canonicalJson(binds.input) },
    { label: 'until', value: instant(expires_at) },
    ...opinions.map(({ by, verdict: word, reason }) => ({ label: word, value: `${by}: ${reason}` })),
  ]
  return { exit: EXIT.ok, json: body, text: [`${verdict}  ${status}  ${id}`, ...fieldLines(fields)].join('\n') }
}
