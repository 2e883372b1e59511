/** The command line, composed: options that every command takes, then one file a command. */
import { Command, Option } from 'commander'
import { addAudit } from './commands/audit.ts'
import { addDecide } from './commands/decide.ts'
import { addEvents } from './commands/events.ts'
import { addFetchEvidence } from './commands/fetch-evidence.ts'
import { addInbox } from './commands/inbox.ts'
import { addKey } from './commands/key.ts'
import { addList } from './commands/list.ts'
import { addLock } from './commands/lock.ts'
import { addPolicy } from './commands/policy.ts'
import { addPropose } from './commands/propose.ts'
import { addRegistry } from './commands/registry.ts'
import { addReplay } from './commands/replay.ts'
import { addRetract } from './commands/retract.ts'
import { addRunHere } from './commands/run-here.ts'
import { addShow } from './commands/show.ts'
import { addStop } from './commands/stop.ts'
import { addThreeWise } from './commands/three-wise.ts'
import { addTrust } from './commands/trust.ts'
import { addVerify } from './commands/verify.ts'
import { addVote } from './commands/vote.ts'
import { addWhoami } from './commands/whoami.ts'
import { usage } from './failure.ts'
import { everywhere, footer, helpConfiguration, printHelp } from './help.ts'
import type { Runner } from './runner.ts'

/** In the order of the help: by group, the everyday first. */
const COMMANDS = [
  addPropose,
  addShow,
  addList,
  addEvents,
  addRetract,
  addRegistry,
  addInbox,
  addDecide,
  addVote,
  addKey,
  addLock,
  addThreeWise,
  addStop,
  addPolicy,
  addFetchEvidence,
  addVerify,
  addReplay,
  addTrust,
  addAudit,
  addRunHere,
  addWhoami,
]

export interface ProgramOptions {
  version: string
  run: Runner
  print: (text: string) => void
  /** What commander would say on standard error. */
  complain: (text: string) => void
}

export function makeProgram({ version, run, print, complain }: ProgramOptions): Command {
  const program = new Command('exo')
    .description('Propose, approve, stop and prove what ExoArmur does.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .configureHelp(helpConfiguration)
    .configureOutput({ writeOut: print, writeErr: complain, outputError: () => undefined })
    .showSuggestionAfterError()
    .usage('COMMAND [options]')
    .addOption(new Option('--as <who>', '[tenant/]name out of credentials.json (lab)'))
    .addOption(new Option('--json', 'print exactly one JSON document'))
    .addOption(new Option('--tenant <id>', 'X-Tenant-Id, when the credential has several'))
    .addOption(new Option('--project <id>', 'X-Project-Id (default: p_main)'))
    .addOption(new Option('--surface <id>', 'X-Surface-Id'))
    .addOption(new Option('--app <id>', 'X-App-Id'))
    .addOption(new Option('--mode <mode>', 'X-Mode (default: EXO_MODE, else lab)'))
    .addHelpText('after', footer)
    .addHelpText('afterAll', everywhere)
  for (const add of COMMANDS) add(program, run)
  program
    .command('help', { hidden: true })
    .argument('[words...]', 'a command, or a topic')
    .action((words: string[]) => {
      if (!printHelp(program, words, print))
        throw usage(`There is no help on ${words.join(' ')}.`, { remedy: 'exo --help lists the commands.' })
    })
  nameTheCommand(program, 'exo')
  return program
}

/** A command line that is wrong is told which help to read. */
function nameTheCommand(command: Command, words: string): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0 || error.code === 'commander.help') throw error
    const says = command.parent === null ? 'lists the commands' : 'says how'
    throw usage(error.message.replace(/^error: /, ''), { cause: error, remedy: `${words} --help ${says}.` })
  })
  for (const part of command.commands) nameTheCommand(part, `${words} ${part.name()}`)
}
