/** `exo history` and `exo bundle`: what an operation leaves behind, as files. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { checkId } from '../operation.ts'
import { writeOutput } from '../output-file.ts'
import { type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'

interface Options {
  output?: string
  wait: number
  force?: boolean
}

type What = 'history' | 'bundle'

export function addFetchEvidence(program: Command, run: Runner): void {
  const history = program
    .command('history')
    .helpGroup(GROUPS.prove)
    .helpCommand(false)
    .summary('fetch the sealed history of an operation')
    .description('The sealed Temporal history of an operation.')
  options(history.command('export').description('Writes the sealed history, byte for byte.'), 'ID.history.json').action(
    run((session: Session, id: string, given: Options) => fetchSealed(session, id, 'history', given)),
  )
  options(
    program
      .command('bundle')
      .helpGroup(GROUPS.prove)
      .summary('fetch what verifies an operation offline')
      .description(
        'Writes the bundle: history, receipt, seal, proofs and checkpoint of one operation, for exo verify.',
      ),
    'ID.zip',
  ).action(run((session: Session, id: string, given: Options) => fetchSealed(session, id, 'bundle', given)))
}

function options(command: Command, file: string): Command {
  return command
    .argument('<id>', 'the operation')
    .option('-o, --output <file>', `where to, - for standard output (default: ${file})`)
    .option('--wait <seconds>', 'wait this long for the seal', wholeNumber(0, 3_600), 20)
    .option('--force', 'replace the file when it exists')
}

async function fetchSealed(
  session: Session,
  id: string,
  what: What,
  { output, wait, force }: Options,
): Promise<Outcome> {
  const file = output ?? `${checkId(id)}${what === 'bundle' ? '.zip' : '.history.json'}`
  if (file === '-' && session.json) throw usage('With --json standard output is for the report; choose a file with -o.')
  const bytes = await untilSealed(session, checkId(id), what, wait)
  if (bytes === null) {
    const text = `${id} is not sealed yet: it must end, and is sealed moments later`
    return { exit: EXIT.pending, json: { operation_id: id, state: 'sealing' }, text }
  }
  const written = await writeOutput(file, bytes, force === true)
  const told = `${what} of ${id}: ${written.size} bytes, SHA-256 ${written.sha256}`
  if (file === '-') session.terminal.aside(told)
  return {
    exit: EXIT.ok,
    json: { operation_id: id, ...written },
    text: file === '-' ? '' : `${told}\n  ${file}${hint(what, file)}`,
  }
}

const hint = (what: What, file: string): string =>
  what === 'bundle' ? `\n  exo verify ${file} --trust trust.json` : ''

/** Null when it was not sealed in time. */
async function untilSealed(
  { api, terminal }: Session,
  id: string,
  what: What,
  seconds: number,
): Promise<Uint8Array | null> {
  const until = Date.now() + seconds * 1000
  const ask = async (): Promise<Uint8Array | null> => {
    const response = await api.raw(`/operations/${id}/${what}`, {})
    const bytes = await response.bytes()
    return response.status === 202 ? null : bytes
  }
  const first = await ask()
  if (first !== null || seconds === 0) return first
  return await terminal.during(`${id} is not sealed yet, waiting`, async () => {
    let bytes: Uint8Array | null = null
    while (bytes === null && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      bytes = await ask()
    }
    return bytes
  })
}
