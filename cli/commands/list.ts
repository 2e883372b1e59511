/** `exo list`: operations, newest first. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { GROUPS } from '../help.ts'
import type { Operation } from '../operation.ts'
import { statusWord, title } from '../operation-text.ts'
import { columns, instant } from '../render.ts'
import { type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import { LIMITS } from '../../domain/limits.ts'

interface Options {
  status?: string
  action?: string
  since?: string
  limit?: number
  cursor?: string
}

export function addList(program: Command, run: Runner): void {
  program
    .command('list')
    .helpGroup(GROUPS.operate)
    .summary('operations, newest first')
    .description('Lists operations, newest first.')
    .option('--status <status>', 'only these, such as pending_approval')
    .option('--action <name>', 'only of this action')
    .option('--since <instant>', 'only from then on, such as 2030-01-31T00:00:00Z')
    .option('--limit <n>', 'how many', wholeNumber(1, LIMITS.listItems.max), 20)
    .option('--cursor <cursor>', 'go on after an earlier page')
    .action(run(list))
}

async function list(session: Session, options: Options): Promise<Outcome> {
  const { status, action, since, cursor, limit } = options
  const page = await session.api.get('/operations', { status, action, since, cursor, limit: String(limit) })
  const operations = page.items as unknown as Operation[]
  const { paint } = session.terminal
  const width = Math.max(0, ...operations.map(({ status: word }) => word.length))
  const rows = operations.map((operation) => [
    operation.id,
    statusWord(paint, operation.status) + ' '.repeat(width - operation.status.length),
    instant(operation.created_at),
    operation.action,
    title(operation),
  ])
  const more = typeof page.next_cursor === 'string' ? [`there are more: --cursor ${page.next_cursor}`] : []
  const text = [...(rows.length === 0 ? ['no operations'] : columns(rows, '')), ...more].join('\n')
  return { exit: EXIT.ok, json: page, text }
}
