/** `exo up`, `exo doctor`, `exo config` and `exo bootstrap`: what runs on this machine, each as a process of its own. */
import type { Command } from 'commander'
import type { ExitCode } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { runOwnProcess } from '../own-process.ts'
import { type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'

export function addRunHere(program: Command, run: Runner): void {
  program
    .command('up')
    .helpGroup(GROUPS.run)
    .summary('start everything on this machine, until Ctrl-C')
    .description(
      'Starts PostgreSQL, S3, Temporal, API and worker on this machine, in the foreground, as npm start does.',
    )
    .option('--port <port>', "the API's port (default: PORT, else 8080)", wholeNumber(0, 65_535))
    .action(
      run((session: Session, { port }: { port?: number }) => {
        if (session.json) throw usage('exo up has no result to print as JSON; it runs until it is stopped.')
        return hand(session, 'start.ts', port === undefined ? {} : { PORT: String(port) })
      }),
    )
  program
    .command('doctor')
    .helpGroup(GROUPS.run)
    .summary('what is here, which version, and whether it answers')
    .description('Looks at every part and says what it is, where it is and which version. Starts and fetches nothing.')
    .action(run((session: Session) => hand(session, 'doctor.ts')))
  program
    .command('config')
    .helpGroup(GROUPS.run)
    .summary('every setting: its source, its value, its meaning')
    .description(
      'Every setting that the processes here would read: where its value comes from, the value unless it is a secret, and what it means. Then what is missing or no setting at all; exit 1 if anything is.',
    )
    .option('--explain', 'print them (there is nothing else to do with them)')
    .action(run((session: Session) => hand(session, 'explain.ts', { EXO_HOME: session.env.EXO_HOME ?? '' })))
  program
    .command('bootstrap')
    .helpGroup(GROUPS.run)
    .summary('once: the first rows of a deployment')
    .description(
      "Once, with the database owner's address in EXO_DATABASE_URL: brings the schema to this version, makes two platform operators and prints their tokens, which nobody can print again.",
    )
    .action(run((session: Session) => hand(session, 'bootstrap-cli.ts')))
}

/** The program speaks for itself, in the same conventions; only its exit code is left to pass on. */
async function hand(session: Session, program: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const exit = await runOwnProcess(program, session.json ? ['--json'] : [], {
    ...session.env,
    EXO_HOME: session.home,
    ...env,
  })
  return { exit: exit as ExitCode, json: null, text: '' }
}
