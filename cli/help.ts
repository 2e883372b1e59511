/** Help a person can like: commands in the order of what people do, each group with an example, then the exit codes. */
import { type Command, Help } from 'commander'
import { EXIT_CODES } from './exit-codes.ts'
import { columns } from './render.ts'

const group = (name: string, ...examples: string[]): string =>
  [`${name}:`, ...examples.map((line) => `  $ ${line}`)].join('\n')

/** Headings of the groups; a command names the one it belongs to. */
export const GROUPS = Object.freeze({
  operate: group('Operate', 'exo propose note.append --field notebook=inbox --field text="Kettle is on." --as agent'),
  approve: group('Approve', 'exo inbox --as operator', 'exo approve op_7f3a… --as operator'),
  stop: group('Stop and govern', 'exo stop --reason "the agent misbehaves" --as operator'),
  prove: group('Prove', 'exo bundle op_7f3a… --as auditor', 'exo verify op_7f3a….zip --trust trust.json'),
  run: group('Run', 'exo up'),
})

const ADDRESSING = `Who is calling, and where:
  EXO_URL and EXO_TOKEN name the API and carry the credential.
  In lab, --as [tenant/]name takes both from $EXO_HOME/credentials.json (EXO_HOME: .exo), which exo up writes.
  X-Mode is --mode, else EXO_MODE, else lab; the project is p_main unless --project says otherwise.
  EXO_KEY is the file of your own signing key, else it lies in $EXO_HOME/keys/.`

const CONVENTIONS = `Standard output carries the result, standard error everything else. With --json standard output is exactly one JSON
document, an error's envelope included. NO_COLOR switches colours off. Characters that are invisible or that reorder text
are shown as <U+202E>.`

function exitCodesText(): string {
  const rows = EXIT_CODES.map(({ code, name, meaning }) => [String(code), name, meaning])
  return ['Exit codes:', ...columns(rows)].join('\n')
}

const TOPICS: Readonly<Record<string, () => string>> = Object.freeze({
  'exit-codes': exitCodesText,
  addressing: () => ADDRESSING,
  output: () => CONVENTIONS,
})

/** Prints a topic, or what `--help` of a command prints; false for a word that is neither. */
export function printHelp(program: Command, words: readonly string[], print: (text: string) => void): boolean {
  const [topic] = words
  if (words.length === 1 && topic !== undefined && Object.hasOwn(TOPICS, topic)) {
    print(TOPICS[topic]?.() ?? '')
    return true
  }
  let command: Command | undefined = program
  for (const word of words)
    command = command?.commands.find((each) => each.name() === word || each.aliases().includes(word))
  command?.outputHelp()
  return command !== undefined
}

/** At the bottom of `exo --help`. */
export const footer = (): string =>
  `\n${exitCodesText()}\n\nMore: exo COMMAND --help, exo help ${Object.keys(TOPICS).join(' | ')}`

/** Under the help of every single command. */
export const everywhere = ({ command }: { command: Command }): string =>
  command.parent === null
    ? ''
    : '\nEvery command takes --as, --json, --tenant, --project, --surface, --app and --mode: exo help addressing.'

export const helpConfiguration: Partial<Help> = {
  styleTitle: (text) => text,
  optionDescription(option) {
    const text = Help.prototype.optionDescription.call(this, option)
    return option.mandatory ? `${text} (required)` : text
  },
  subcommandTerm: (command) => {
    const words = command.registeredArguments.map((argument) =>
      argument.required ? argument.name().toUpperCase() : `[${argument.name().toUpperCase()}]`,
    )
    return [
      command.name(),
      ...(command.commands.length > 0 ? [command.commands.map((each) => each.name()).join('|')] : words),
    ].join(' ')
  },
}
