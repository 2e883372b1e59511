/**
 * The command `exo`: a client of a running deployment, and of the verifier. Reads the command line, runs one command,
 * prints what it came to and exits with a code of the documented table.
 */
import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { Failure, usage } from './failure.ts'
import { errorText, jsonDocument } from './report.ts'
import { makeProgram } from './program.ts'
import type { Addressing } from './connection.ts'
import type { Runner } from './runner.ts'
import { openSession } from './session.ts'
import { openTerminal } from './terminal.ts'

const terminal = openTerminal(process.env)
const json = process.argv.includes('--json')
const complaints: string[] = []
let exit: ExitCode = EXIT.ok

// A reader that went away, such as head, has had enough; that is no failure of the command.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exit : EXIT.fault))

const run: Runner =
  (task) =>
  async (...given) => {
    const session = openSession(program.opts<Addressing>(), json, terminal, process.env)
    const outcome = await task(session, ...given)
    exit = outcome.exit
    if (!json && outcome.text !== '') terminal.print(outcome.text)
    if (json && outcome.json !== null) terminal.print(jsonDocument(outcome.json))
  }

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const program = makeProgram({ version, run, print: terminal.print, complain: (text) => void complaints.push(text) })

try {
  await program.parseAsync()
} catch (error) {
  exit = report(error)
}
process.exitCode = exit

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
  const failure = failureOf(error)
  const { as } = program.opts<Addressing>()
  if (json) terminal.print(jsonDocument(failure.envelope))
  else terminal.aside(errorText(failure, terminal.paintAside, as === undefined ? '' : ` --as ${as}`))
  return failure.exit
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  // A command that only groups others answers with its help; a line that is wrong in any other way is a Failure already.
  if (error instanceof CommanderError) return usage('Which command?', { remedy: complaints.join('').trimEnd() })
  const message = error instanceof Error ? error.message : String(error)
  if (process.env.EXO_TRACE) terminal.aside(String(error instanceof Error ? error.stack : error))
  return new Failure({ ...usage(message).problem, code: 'cli.fault' }, EXIT.fault, {
    remedy: 'This is a fault in exo. EXO_TRACE=1 shows where it happened.',
  })
}
