/** `exo inbox`: what waits for people, the most urgent first, with the command to type; then what nobody could tell. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { GROUPS } from '../help.ts'
import type { Operation } from '../operation.ts'
import { approvalWords, askedBy, previewLines, resolveCommand, title } from '../operation-text.ts'
import { duration, fieldLines, visible } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { Style, Terminal } from '../terminal.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { ActionClass } from '../../domain/plan.ts'

const FOLD_AT = 400

const CLASS_STYLE: Readonly<Record<ActionClass, Style>> = Object.freeze({
  observe: 'dim',
  reversible: 'green',
  contained: 'yellow',
  irreversible: 'red',
})

export function addInbox(program: Command, run: Runner): void {
  program
    .command('inbox')
    .helpGroup(GROUPS.approve)
    .summary('what waits for approval')
    .description(
      'Everything that waits for approval in this tenant, the nearest deadline first; then the outcomes that nobody could tell.',
    )
    .action(run(inbox))
}

async function inbox(session: Session): Promise<Outcome> {
  const { api } = session
  const [items, unknown, me] = await Promise.all([
    api.all('/operations', { status: 'pending_approval', limit: '200' }),
    api.all('/operations', { status: 'unknown', limit: '200' }),
    api.me(),
  ])
  const waiting = (items as unknown as Operation[]).toSorted((a, b) => deadline(a).localeCompare(deadline(b)))
  const unsettled = (unknown as unknown as Operation[]).filter(({ resolved_by }) => resolved_by === null)
  const { id, kind } = me.principal as { id: string; kind: string }
  const cards = [
    ...waiting.map((operation) => card(session, operation, { id, kind })),
    ...unsettled.map((operation) => unsettledCard(session, operation)),
  ]
  const text = cards.length === 0 ? 'nothing waits for approval' : cards.join('\n\n')
  const json = { items: waiting, unsettled, next_cursor: null } as unknown as JsonObject
  return { exit: EXIT.ok, json, text }
}

const deadline = ({ approval, created_at }: Operation): string => approval.expires_at ?? created_at

function card({ terminal, api, asOption }: Session, operation: Operation, me: { id: string; kind: string }): string {
  const { paint } = terminal
  const { context, created_at, reason, estimated_cost, target } = operation
  const field = (label: string, value: string | null) => (value === null ? [] : [{ label, value }])
  const age = duration((api.nowMs() - Date.parse(created_at)) / 1000)
  const fields = [
    ...field(
      'by',
      `${askedBy(operation)}, ${age} ago${context.project_id === null ? '' : `, in ${context.project_id}`}`,
    ),
    ...field('target', target),
    ...field('cost', estimated_cost === '0' ? null : `${estimated_cost} USD estimated`),
    ...field('why', reason),
    ...field('needs', approvalWords(operation, api.nowMs())),
    ...field('shown', operation.shown_hash),
    ...choices(operation, me, asOption),
  ]
  const shown = previewLines(operation, { paint, foldAt: FOLD_AT })
  return framed(terminal, CLASS_STYLE[operation.class], operation.class, operation, shown, fields)
}

/** An end that nobody could tell: its money stays held until people say what they found. */
function unsettledCard({ terminal, asOption }: Session, operation: Operation): string {
  const { id, target, error } = operation
  const fields = [
    ...(target === null ? [] : [{ label: 'target', value: target }]),
    { label: 'because', value: error === null ? 'nobody can tell' : error.message },
    { label: 'details', value: `exo show ${id}${asOption}` },
    { label: 'resolve', value: resolveCommand(id, asOption) },
  ]
  return framed(terminal, 'cyan', 'unknown', operation, [], fields)
}

/** What it is called, what is shown of it, and its fields, with an edge of its colour. */
function framed(
  { paint }: Terminal,
  style: Style,
  word: string,
  operation: Operation,
  shown: readonly string[],
  fields: { label: string; value: string }[],
): string {
  const head = `${paint(style, word)}  ${paint('bold', title(operation))}`
  const lines = [head, ...shown, '', ...fieldLines(fields, { paintLabel: (label) => paint('dim', label) })]
  return lines.map((line) => `${paint(style, '▌')} ${line}`.trimEnd()).join('\n')
}

/** The commands, or why they are not this caller's. */
function choices(
  operation: Operation,
  me: { id: string; kind: string },
  as: string,
): { label: string; value: string }[] {
  const { id, requested_by, approval } = operation
  if ([requested_by.principal_id, ...(requested_by.on_behalf_of ?? [])].includes(me.id))
    return [{ label: '', value: `it is your own: another person decides. exo cancel ${id} --reason WHY${as}` }]
  if (me.kind !== 'user') return [{ label: '', value: `only people decide; ${visible(me.id)} is ${me.kind}` }]
  if (approval.votes.some((vote) => vote.by === me.id)) return [{ label: '', value: 'you have voted' }]
  const shown = operation.shown_hash === null ? '' : ` --shown ${operation.shown_hash.slice(0, 12)}`
  return [
    { label: 'approve', value: `exo approve ${id}${shown}${as}` },
    { label: 'deny', value: `exo deny ${id} --reason WHY${as}` },
  ]
}
