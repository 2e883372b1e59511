/** `exo trust`: the trust root as a file. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { writeOutput } from '../output-file.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'

export function addTrust(program: Command, run: Runner): void {
  program
    .command('trust')
    .helpGroup(GROUPS.prove)
    .summary('fetch the trust root')
    .description(
      'Writes the trust root: the keys a verifier believes. Compare its digest with what you were told by another way.',
    )
    .option('-o, --output <file>', 'where to, - for standard output', 'trust.json')
    .option('--url <url>', 'where the API is, instead of EXO_URL; it takes no credential')
    .option('--force', 'replace the file when it exists')
    .action(run(fetchTrust))
}

interface Options {
  output: string
  url?: string
  force?: boolean
}

async function fetchTrust(session: Session, { output, url, force }: Options): Promise<Outcome> {
  if (output === '-' && session.json)
    throw usage('With --json standard output is for the report; choose a file with -o.')
  const bytes = await (await session.anonymous(url).raw('/trust', {})).bytes()
  const written = await writeOutput(output, bytes, force === true)
  const told = `the trust root: ${written.size} bytes, SHA-256 ${written.sha256}`
  if (output === '-') session.terminal.aside(told)
  return { exit: EXIT.ok, json: { ...written }, text: output === '-' ? '' : `${told}\n  ${output}` }
}
