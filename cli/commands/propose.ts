/** `exo propose`: asks for an action, and tells what came of it. */
import type { Command } from 'commander'
import { randomBytes } from 'node:crypto'
import { checkReason } from '../ballot.ts'
import { isNotConnected } from '../client.ts'
import { EXIT, exitOfStatus } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { applyFields, readJsonArgument } from '../json-input.ts'
import { followOperation, isOperation, type Operation } from '../operation.ts'
import { jsonWords, outcomeText } from '../operation-text.ts'
import { collect, type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { isFinal } from '../../domain/lifecycle.ts'
import { LIMITS } from '../../domain/limits.ts'

interface Options {
  input?: string
  field?: string[]
  target?: string
  run?: string
  cost?: string
  reason?: string
  quorum?: number
  expiresIn?: number
  key?: string
  wait?: number
}

export function addPropose(program: Command, run: Runner): void {
  program
    .command('propose')
    .helpGroup(GROUPS.operate)
    .summary('ask for an action')
    .description('Asks for an action. It happens once every gate allows it and the people it needs have approved.')
    .argument('<action>', 'its name, as exo actions lists it')
    .option('--input <json>', 'the input: JSON, @file, or - for standard input')
    .option('--field <name=value>', 'one member of the input; name:=json for what is not a text (repeatable)', collect)
    .option('--target <url>', 'where the effect goes, for actions that have a target')
    .option('--run <kind>', 'execute, or propose to see preview and verdicts without effect')
    .option('--cost <usd>', 'estimated cost in USD, a decimal')
    .option('--reason <text>', 'why')
    .option('--quorum <n>', 'ask for more approvals than the action needs', wholeNumber(1, LIMITS.quorumMax))
    .option('--expires-in <seconds>', 'give people less time', wholeNumber(1, LIMITS.approvalExpiresSeconds.max))
    .option('--key <key>', 'Idempotency-Key; the same key is the same operation for ever (made when absent)')
    .option('--wait <seconds>', 'wait this long for its end', wholeNumber(0, 86_400))
    .addHelpText('after', EXAMPLES)
    .action(run(propose))
}

const EXAMPLES = `
Examples:
  $ exo propose note.append --field notebook=inbox --field text="Kettle is on."
  $ exo propose note.append --input @note.json --run propose
  $ echo '{"notebook":"inbox","text":"hi"}' | exo propose note.append --input - --wait 600`

async function propose(session: Session, action: string, options: Options): Promise<Outcome> {
  checkReason(options.reason ?? null)
  const input = applyFields(
    options.input === undefined ? {} : await readJsonArgument(options.input, '--input'),
    options.field ?? [],
  )
  const approval: JsonObject = {
    ...(options.expiresIn === undefined ? {} : { expires_in: options.expiresIn }),
    ...(options.quorum === undefined ? {} : { quorum: options.quorum }),
  }
  const body: JsonObject = {
    action,
    input,
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.run === undefined ? {} : { run: options.run }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.cost === undefined ? {} : { estimated_cost: options.cost }),
    ...(Object.keys(approval).length === 0 ? {} : { approval }),
  }
  const key = options.key ?? `cli_${randomBytes(12).toString('hex')}`
  const answer = await ask(session, body, key, options.wait)
  if (!isOperation(answer)) return observed(action, answer)
  let operation = answer as unknown as Operation
  if (!isFinal(operation.status) && options.wait !== undefined) {
    operation = await followOperation(session, operation.id, options.wait)
    // Asked again with the same key, an operation that ended answers as it would have at once: envelope included.
    if (isFinal(operation.status)) operation = (await ask(session, body, key, 0)) as unknown as Operation
  }
  return { exit: exitOfStatus(operation.status), json: operation as never, text: outcomeText(session, operation) }
}

async function ask(session: Session, body: JsonObject, key: string, wait: number | undefined): Promise<JsonObject> {
  const waitSeconds = Math.min(wait ?? LIMITS.waitSeconds.default, LIMITS.waitSeconds.max)
  try {
    return (
      await session.api.call('/operations', { method: 'POST', body, waitSeconds, headers: { 'Idempotency-Key': key } })
    ).body
  } catch (error) {
    if (error instanceof Failure && mayHaveArrived(error))
      session.terminal.aside(
        `It may have been accepted. Repeat the command with --key ${key}: the same key never does it twice.`,
      )
    throw error
  }
}

/** What was refused for its number was not taken, and where nobody listens nothing was sent; else nobody knows. */
function mayHaveArrived({ exit, problem, cause }: Failure): boolean {
  if (exit !== EXIT.unreachable || problem.code === 'rate_limit.exceeded') return false
  return !isNotConnected(cause)
}

/** An observing action answers at once; it is no operation. */
function observed(action: string, answer: JsonObject): Outcome {
  const { result = null } = answer
  return { exit: EXIT.ok, json: answer, text: `${action} answers\n  ${jsonWords(result)}` }
}
