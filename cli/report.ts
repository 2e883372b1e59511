/** How results and failures are written: one JSON document, or an error that says what, why and what to do. */
import type { Failure } from './failure.ts'
import { nextStep } from './next-step.ts'
import { fieldLines, unseenAsEscapes, visible } from './render.ts'
import type { Paint } from './terminal.ts'
import type { Json } from '../domain/canonical.ts'

/** One document, indented. What is unseen or reorders text is escaped: the same JSON, and safe to look at. */
export function jsonDocument(value: Json): string {
  return unseenAsEscapes(JSON.stringify(value, null, 2))
}

/** Details that have a line of their own, or repeat what is said anyway. */
const TOLD = new Set(['operation_id', 'errors'])

/** `as` follows an id in a command that is to be typed next. */
export function errorText({ problem, remedy }: Failure, paint: Paint, as = ''): string {
  const { code, message, http_status, gate, details, request_id } = problem
  const status = http_status === null ? '' : ` (${http_status})`
  const own = code.startsWith('cli.')
  const head = own
    ? paint('red', visibleLines(message))
    : `${paint('red', visible(code))}${status}  ${visibleLines(message)}`
  const rows = Object.entries(details)
    .filter(([key, value]) => !TOLD.has(key) && value !== null)
    .map(([label, value]) => ({ label, value: typeof value === 'string' ? value : JSON.stringify(value) }))
  const next = nextStep(problem)
  const errors = Array.isArray(details.errors) ? details.errors : []
  const fields = [
    ...(gate === null || gate === undefined ? [] : [{ label: 'gate', value: gate }]),
    ...errors.map((each) => faultRow(each)),
    ...rows,
    ...(typeof details.operation_id === 'string'
      ? [{ label: 'details', value: `exo show ${details.operation_id}${as}` }]
      : []),
    ...(next === null ? [] : [{ label: 'next', value: next }]),
    ...(request_id === null || own ? [] : [{ label: 'request', value: request_id }]),
  ]
  return [
    head,
    ...(remedy === null ? [] : remedy.split('\n').map((line) => `  ${line}`)),
    ...fieldLines(fields, { paintLabel: (label) => paint('dim', label) }),
  ].join('\n')
}

/** One of `details.errors[]`: where in the body, and what is wrong there. */
function faultRow(fault: Json): { label: string; value: string } {
  const { path, message } = fault as { path?: string; message?: string }
  return { label: path === undefined || path === '' ? 'body' : path, value: message ?? JSON.stringify(fault) }
}

const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n')
