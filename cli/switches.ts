/** Kill switches in words: what they come to, each row, and what was still on its way when a stop was made. */
import { resumeStep } from './next-step.ts'
import { columns, fieldLines, instant, visible } from './render.ts'
import type { Paint } from './terminal.ts'
import type { JsonObject } from '../domain/canonical.ts'

interface SwitchRow {
  scope: string
  selector: { kind: string; value: string | null }
  state: 'running' | 'stopped'
  hold: string | null
  epoch: number
  reason: string | null
  changed_by: string
  changed_at: string
}

interface Drain {
  epoch: number
  state: string
  requested_at?: string
  operations?: { operation_id: string; phase: string }[]
}

export function switchesText(body: JsonObject, paint: Paint): string {
  const rows = body.switches as unknown as SwitchRow[]
  const effective = body.effective as { state: 'running' | 'stopped'; scope: string | null; reason: string | null }
  const absent =
    effective.state === 'stopped' && !rows.some((row) => row.scope === effective.scope && row.selector.kind === 'all')
  const why = absent
    ? `: nobody has resumed the ${effective.scope} switch yet, and absent means stopped`
    : effective.state === 'stopped'
      ? ` by the ${effective.scope} switch: ${visible(effective.reason ?? '')}`
      : rows.some((row) => row.state === 'stopped')
        ? ', but for the rows that are stopped'
        : ''
  const head = effective.state === 'running' ? paint('green', 'running') : paint('red', 'STOPPED')
  const all: JsonObject = { kind: 'all', value: null }
  const next = effective.state === 'running' ? [] : [`  ${resumeStep(effective.scope ?? 'tenant', all)}`]
  return [
    `${head}${why}`,
    ...next,
    ...(rows.length === 0 ? [] : columns(rows.map((row) => switchCells(row, paint)))),
  ].join('\n')
}

function switchCells(row: SwitchRow, paint: Paint): string[] {
  const { scope, selector, state, hold, epoch, reason, changed_by, changed_at } = row
  return [
    scope,
    selector.value === null ? selector.kind : `${selector.kind} ${visible(selector.value)}`,
    paint(state === 'running' ? 'green' : 'red', state),
    hold === null ? '' : `held by ${hold}`,
    `epoch ${epoch}`,
    instant(changed_at),
    visible(changed_by),
    visible(reason ?? ''),
  ]
}

/** What may still land after a stop; null when nothing can. */
export function drainText(drain: JsonObject | undefined, paint: Paint): string | null {
  if (drain === undefined) return null
  const { epoch, state, operations = [] } = drain as unknown as Drain
  if (operations.length === 0) return `  drain of epoch ${epoch}: ${state}, nothing was on its way`
  const rows = operations.map(({ operation_id, phase }) => ({ label: operation_id, value: phase.replace('_', ' ') }))
  return [
    `  drain of epoch ${epoch}: ${state}`,
    ...fieldLines(rows, { indent: '    ', paintLabel: (label) => paint('dim', label) }),
  ].join('\n')
}
