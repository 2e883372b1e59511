/** `exo lock`: strategy locks: what they allow, and a person's word on them. What is sent names exactly what was printed. */
import type { Command } from 'commander'
import { checkBeginning, checkReason } from '../ballot.ts'
import { EXIT, exitOfStatus } from '../exit-codes.ts'
import { refuse, usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { isOperation, type Operation } from '../operation.ts'
import { columns, fieldLines, instant, visible } from '../render.ts'
import { type Runner, wholeNumber } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { LockItem } from '../../domain/lock-lifecycle.ts'

export function addLock(program: Command, run: Runner): void {
  const lock = program
    .command('lock')
    .helpGroup(GROUPS.approve)
    .helpCommand(false)
    .summary('strategy locks: list, show, approve, reject')
    .description('Strategy locks allow actions for a while. Who drafted one never approves it.')
  lock
    .command('list')
    .description('Locks, newest first.')
    .option('--status <status>', 'only these, such as draft')
    .option('--limit <n>', 'how many', wholeNumber(1, LIMITS.listItems.max), 20)
    .option('--cursor <cursor>', 'go on after an earlier page')
    .action(run(list))
  lock.command('show').description('One lock in full.').argument('<id>', 'the lock').action(run(show))
  for (const way of ['approve', 'reject'] as const)
    lock
      .command(way)
      .description(way === 'approve' ? 'Approves what a draft says.' : 'Rejects a draft, for good.')
      .argument('<id>', 'the lock')
      .requiredOption('--reason <text>', 'why')
      .option('--content <hash>', 'the beginning of the content hash that you read (8 digits or more)')
      .action(run((session: Session, id: string, options: Decision) => decide(session, way, id, options)))
}

interface Decision {
  reason: string
  content?: string
}

async function list(
  session: Session,
  { status, limit, cursor }: { status?: string; limit?: number; cursor?: string },
): Promise<Outcome> {
  const page = await session.api.get('/strategy-locks', { status, cursor, limit: String(limit) })
  const rows = (page.items as unknown as LockItem[]).map((lock) => [
    lock.id,
    lock.status,
    `until ${instant(lock.valid_until)}`,
    lock.surface_id,
    visible(lock.title),
  ])
  const more = typeof page.next_cursor === 'string' ? [`there are more: --cursor ${page.next_cursor}`] : []
  const text = [...(rows.length === 0 ? ['no strategy locks'] : columns(rows, '')), ...more].join('\n')
  return { exit: EXIT.ok, json: page, text }
}

async function show(session: Session, id: string): Promise<Outcome> {
  const lock = await readLock(session, id)
  return { exit: EXIT.ok, json: lock as unknown as JsonObject, text: lockText(lock) }
}

async function decide(session: Session, way: 'approve' | 'reject', id: string, options: Decision): Promise<Outcome> {
  const { reason, content } = options
  checkBeginning(content, '--content')
  checkReason(reason)
  const lock = await readLock(session, id)
  if (content !== undefined && !lock.content_hash.startsWith(content))
    throw refuse('cli.shown_mismatch', 'The lock says something else than what you read; nothing was sent.', {
      remedy: `Read it again: exo lock show ${id}.`,
      details: { given: content, content_hash: lock.content_hash },
    })
  session.terminal.aside(lockText(lock))
  const { body } = await session.api.call(`/strategy-locks/${lock.id}/${way}`, {
    method: 'POST',
    body: { content_hash: lock.content_hash, reason },
  })
  if (!isOperation(body)) return { exit: EXIT.ok, json: body, text: `${String(body['status'])}  ${lock.id}` }
  const operation = body as unknown as Operation
  const text = `waits for your signature  ${operation.id}\n  exo approve ${operation.id}${session.asOption}`
  return { exit: exitOfStatus(operation.status), json: body, text }
}

async function readLock(session: Session, id: string): Promise<LockItem> {
  if (!/^sl_[0-9a-z_]{1,64}$/.test(id)) throw usage(`${visible(id)} is no strategy lock.`, { remedy: 'exo lock list' })
  return (await session.api.get(`/strategy-locks/${id}`)) as unknown as LockItem
}

function lockText(lock: LockItem): string {
  const field = (label: string, value: string | null) => (value === null ? [] : [{ label, value }])
  const fields = [
    ...field('version', `${lock.version}, drafted by ${lock.drafted_by}`),
    ...field('allows', lock.allowed_actions.join(', ')),
    ...field('surface', lock.surface_id === '*' ? 'every surface' : lock.surface_id),
    ...field('project', lock.project_id ?? 'every project'),
    ...field('from', instant(lock.valid_from)),
    ...field('until', instant(lock.valid_until)),
    ...field('only if', lock.constraints),
    ...field('question', lock.three_wise_id),
    ...field('content', lock.content_hash),
    ...field('approved by', lock.approved_by),
    ...field('closed by', lock.closed_by),
    ...field('why', lock.closed_reason),
  ]
  return [`${lock.status}  ${visible(lock.title)}  ${lock.id}`, ...fieldLines(fields)].join('\n')
}
