/**
 * One operation as one story from top to bottom: asked, every pass gate by gate, votes, effect, end, and where the
 * evidence lies. Times of passes come from the receipt, so a running operation has none yet.
 */
import { evidenceWords, passLines } from './gate-lines.ts'
import type { Operation } from './operation.ts'
import { approvalWords, askedBy, jsonWords, previewLines, statusWord, title } from './operation-text.ts'
import { fieldLines, visible } from './render.ts'
import type { Paint } from './terminal.ts'
import { entry } from './timeline-entry.ts'
import { isFinal } from '../domain/lifecycle.ts'
import type { Receipt } from '../domain/receipt.ts'

interface Told {
  operation: Operation
  receipt: Receipt | null
  /** Of the Temporal run in its UI. */
  runUrl: string | null
  url: string
  nowMs: number
  paint: Paint
}

export function timeline(told: Told): string {
  const { operation, paint } = told
  const { id, tenant_id, action, action_version, run, context } = operation
  const field = (label: string, value: string | null) => (value === null ? [] : [{ label, value }])
  const head = [
    ...field('operation', id),
    ...field(
      'action',
      `${action} (version ${action_version}, ${operation.class}${run === 'propose' ? ', propose only' : ''})`,
    ),
    ...field('where', [tenant_id, context.project_id].filter((part) => part !== null).join(' / ')),
    ...field('target', operation.target),
    ...field('cost', operation.estimated_cost === '0' ? null : `${operation.estimated_cost} USD estimated`),
    ...field('undo of', operation.undo_of),
    ...field('undone by', operation.undone_by),
    ...field('resolved by', operation.resolved_by),
  ]
  const dim = (label: string) => paint('dim', label)
  return [
    `${statusWord(paint, operation.status)}  ${paint('bold', title(operation))}`,
    ...previewLines(operation, { paint }),
    '',
    ...fieldLines(head, { paintLabel: dim }),
    '',
    ...entry(paint, operation.created_at, 'asked', [
      `by ${askedBy(operation)}, request ${visible(context.request_id)}`,
      ...(operation.reason === null ? [] : [`reason: ${visible(operation.reason)}`]),
      `intent ${operation.intent_hash}`,
    ]),
    ...passLines(told, ['propose']),
    ...waitingLines(told),
    ...voteLines(told),
    ...passLines(told, ['resume', 'guard']),
    ...effectLines(told),
    ...endLines(told),
    '',
    ...fieldLines(evidence(told), { paintLabel: dim }),
  ].join('\n')
}

function waitingLines({ operation, nowMs, paint }: Told): string[] {
  const { required, satisfied_by, license_id } = operation.approval
  if (operation.status === 'pending_approval') return entry(paint, null, 'waits', [approvalWords(operation, nowMs)])
  if (satisfied_by === 'license')
    return entry(paint, null, 'approval', [`standing grant ${visible(license_id ?? '')} stood in for votes`])
  return required && satisfied_by !== 'none_required' ? [] : entry(paint, null, 'approval', ['none required'])
}

function voteLines({ operation, paint }: Told): string[] {
  return operation.approval.votes.flatMap(({ at, by, assurance, decision, reason, counted, code }) => {
    const counts = counted ? '' : paint('red', `, not counted: ${code ?? 'no code'}`)
    const how = assurance === 'self_signed' ? 'signed with their own key' : 'attested by the API'
    const verb = paint(decision === 'approve' ? 'green' : 'red', decision)
    return entry(paint, at, 'vote', [
      `${verb} by ${visible(by)}, ${how}${counts}`,
      ...(reason === null ? [] : [`reason: ${visible(reason)}`]),
    ])
  })
}

function effectLines({ operation, receipt, paint }: Told): string[] {
  const { effect } = operation
  if (effect === null)
    return isFinal(operation.status) ? entry(paint, null, 'effect', ['none: nothing was claimed']) : []
  return entry(paint, receipt?.ended_at ?? null, 'effect', [
    `${effect.state} (${effect.kind}, ${effect.attempts} attempt${effect.attempts === 1 ? '' : 's'})`,
    `result ${jsonWords(effect.result)}`,
    `key ${effect.key}`,
  ])
}

function endLines({ operation, receipt, paint }: Told): string[] {
  if (!isFinal(operation.status)) return []
  const { error, decision_hash } = operation
  const because = error === null ? [] : [`${error.code}: ${visible(error.message)}`, evidenceWords(error.details)]
  const lines = [
    statusWord(paint, operation.status),
    ...because,
    ...(decision_hash === null ? [] : [`decision ${decision_hash}`]),
  ]
  return entry(
    paint,
    receipt?.ended_at ?? operation.updated_at,
    'ended',
    lines.filter((line) => line !== ''),
  )
}

function evidence({ operation, receipt, runUrl, url }: Told): { label: string; value: string }[] {
  const { links, temporal } = operation
  const code =
    receipt === null
      ? null
      : `bundle ${receipt.code.bundle}, SDK ${receipt.code.sdk}, chain version ${receipt.code.chain}`
  return [
    ...(code === null ? [] : [{ label: 'code', value: code }]),
    { label: 'receipt', value: isFinal(operation.status) ? `${url}${links.receipt}` : 'once it ended' },
    {
      label: 'bundle',
      value: isFinal(operation.status) ? `${url}${links.bundle}  (exo bundle ${operation.id})` : 'once it is sealed',
    },
    {
      label: 'temporal',
      value: `${temporal.workflow_id} in ${temporal.namespace}${temporal.run_id === null ? '' : `, run ${temporal.run_id}`}`,
    },
    ...(runUrl === null ? [] : [{ label: '', value: runUrl }]),
  ]
}
