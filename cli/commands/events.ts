/** `exo events`: what happens, as it happens. */
import type { Command } from 'commander'
import { type ExoEvent, followEvents } from '../event-stream.ts'
import { EXIT, exitOfStatus, type ExitCode } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { checkId } from '../operation.ts'
import { columns, instant } from '../render.ts'
import { type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import { isFinal, STATUSES, type Status } from '../../domain/lifecycle.ts'

interface Options {
  after?: string
  follow: boolean
  lines?: boolean
  limit?: number
}

export function addEvents(program: Command, run: Runner): void {
  program
    .command('events')
    .helpGroup(GROUPS.operate)
    .summary('follow what happens')
    .description(
      'Follows the events of the tenant until Ctrl-C, or of one operation until its end. Reconnects by itself.',
    )
    .argument('[id]', 'one operation')
    .option('--after <cursor>', 'go on after this event')
    .option('--no-follow', 'print what there is and end')
    .option('--limit <n>', 'end after so many events', wholeNumber(1, 1_000_000))
    .option('--lines', 'one JSON document a line, as they come; --json prints one document at the end')
    .action(run(events))
}

async function events(session: Session, id: string | undefined, options: Options): Promise<Outcome> {
  const path = id === undefined ? '/events' : `/operations/${checkId(id)}/events`
  if (options.lines === true && session.json) throw usage('--lines and --json exclude each other.')
  if (!options.follow) return await page(session, path, options)
  const { terminal } = session
  const seen: ExoEvent[] = []
  let exit: ExitCode = EXIT.ok
  const interrupt = new AbortController()
  const stop = () => {
    exit = EXIT.interrupted
    interrupt.abort()
  }
  process.once('SIGINT', stop)
  try {
    await followEvents(session, path, options.after, interrupt.signal, (event) => {
      seen.push(event)
      if (!session.json) terminal.print(options.lines === true ? JSON.stringify(event) : line(session, event))
      const ended = id !== undefined && endOf(event)
      if (ended) exit = exitOfStatus(event.status as Status)
      return !ended && seen.length < (options.limit ?? Number.POSITIVE_INFINITY)
    })
  } finally {
    process.off('SIGINT', stop)
  }
  return { exit, json: { items: seen, next_cursor: seen.at(-1)?.cursor ?? options.after ?? null }, text: '' }
}

const endOf = ({ status }: ExoEvent): boolean => STATUSES.some((each) => each === status && isFinal(each))

function line({ terminal }: Session, { at, kind, operation_id, cursor }: ExoEvent): string {
  return columns([[instant(at), kind.padEnd(26), operation_id ?? '', terminal.paint('dim', cursor)]], '')[0] ?? ''
}

async function page(session: Session, path: string, { after, limit, lines }: Options): Promise<Outcome> {
  const query = { follow: 'false', after, limit: limit === undefined ? undefined : String(limit) }
  const found = await session.api.get(path, query)
  const items = found.items as ExoEvent[]
  const text = lines === true ? items.map((event) => JSON.stringify(event)) : items.map((event) => line(session, event))
  if (lines !== true && typeof found.next_cursor === 'string') text.push(`there are more: --after ${found.next_cursor}`)
  return { exit: EXIT.ok, json: found, text: text.length === 0 ? 'no events' : text.join('\n') }
}
