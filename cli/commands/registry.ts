/** `exo actions` and `exo notes`: what can be asked for, and what the first action leaves behind. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { shortWay, wholeWay } from '../governing-ways.ts'
import { GROUPS } from '../help.ts'
import { treeWords } from '../operation-text.ts'
import { columns, fieldLines, instant, quoted, visible } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { ApprovalTree } from '../../domain/approval.ts'
import type { JsonObject } from '../../domain/canonical.ts'

interface ActionItem {
  name: string
  version: number
  title: string
  class: string
  governs: boolean
  reversible: boolean
  undo: string | null
  standing: boolean
  effect_kind: string
  approval: { quorum: number; tree: ApprovalTree } | null
  input_schema: JsonObject
  example: JsonObject
}

export function addRegistry(program: Command, run: Runner): void {
  program
    .command('actions')
    .helpGroup(GROUPS.operate)
    .summary('what can be asked for')
    .description('Lists the actions; with a name, one of them with its input and an example to type.')
    .argument('[name]', 'one action')
    .action(run(actions))
  program
    .command('notes')
    .helpGroup(GROUPS.operate)
    .summary('the notes of a notebook')
    .description('The notes of a notebook, newest first.')
    .argument('<notebook>', 'its name')
    .action(run(notes))
}

async function actions(session: Session, name: string | undefined): Promise<Outcome> {
  if (name === undefined) return await listActions(session)
  const body = await session.api.get(`/actions/${encodeURIComponent(name)}`)
  const action = body as unknown as ActionItem
  return { exit: EXIT.ok, json: body, text: describe(session, action, await exampleOf(session, action)) }
}

async function listActions({ api, terminal }: Session): Promise<Outcome> {
  const items = (await api.all('/actions')) as unknown as ActionItem[]
  const rows = items.map(({ name, class: word, approval, undo, governs, title }) => [
    name,
    word,
    approval === null ? 'no approval' : approval.quorum === 1 ? '1 approval' : `${approval.quorum} approvals`,
    governs ? `by ${shortWay(name)}` : undo === null ? '' : `undone by ${undo}`,
    title,
  ])
  const text = [...columns(rows, ''), '', terminal.paint('dim', 'exo actions NAME shows one with its input')].join('\n')
  return { exit: EXIT.ok, json: { items: items as unknown as JsonObject[], next_cursor: null }, text }
}

function describe({ terminal }: Session, action: ActionItem, example: string): string {
  const { name, version, title, approval, undo, standing, effect_kind } = action
  const fields = [
    { label: 'class', value: action.class },
    { label: 'effect', value: effect_kind },
    { label: 'approval', value: approval === null ? 'none' : treeWords(approval.tree) },
    { label: 'undo', value: undo ?? 'none' },
    { label: 'standing', value: standing ? 'a standing grant may stand in for votes' : 'votes are always needed' },
    { label: 'input', value: JSON.stringify(action.input_schema, null, 2) },
  ]
  return [
    `${terminal.paint('bold', name)}  ${visible(title)} (version ${version})`,
    ...fieldLines(fields),
    '',
    `  ${example}`,
  ].join('\n')
}

/** Kinds of effects that go to a target of the caller's choice. */
const TARGETED: readonly string[] = ['keyed', 'blind']

/** What to type: with a target that the tenant allows, where the action takes one. */
async function exampleOf({ api }: Session, { name, governs, effect_kind, example }: ActionItem): Promise<string> {
  if (governs) return `it changes the controls, and is asked for by ${wholeWay(name)}`
  const command = `exo propose ${name} --input ${quoted(JSON.stringify(example))}`
  if (!TARGETED.includes(effect_kind)) return command
  const [target] = await api.all('/egress/targets')
  return typeof target?.origin === 'string'
    ? `${command} --target ${quoted(`${target.origin}/`)}`
    : `${command} --target https://HOST/PATH\n  no target is allowed yet: another person approves one (exo actions egress_target.put)`
}

interface Note {
  id: string
  text: string
  labels: JsonObject
  operation_id: string
  created_at: string
}

async function notes({ api, terminal }: Session, notebook: string): Promise<Outcome> {
  const items = (await api.all('/notes', { notebook, limit: '200' })) as unknown as Note[]
  const cards = items.map(({ id, text, labels, operation_id, created_at }) =>
    [
      terminal.paint('dim', `${instant(created_at)}  ${id}  ${operation_id}`),
      ...fieldLines([
        { label: 'text', value: text },
        ...(Object.keys(labels).length === 0 ? [] : [{ label: 'labels', value: JSON.stringify(labels) }]),
      ]),
    ].join('\n'),
  )
  const text = cards.length === 0 ? `no notes in ${visible(notebook)}` : cards.join('\n')
  return { exit: EXIT.ok, json: { items: items as unknown as JsonObject[], next_cursor: null }, text }
}
