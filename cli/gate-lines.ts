/** A pass of the chain, gate by gate: each verdict with its code and evidence. What is as it was in the pass before is said once. */
import { jsonWords } from './operation-text.ts'
import type { Operation, OperationVerdict } from './operation.ts'
import { visible } from './render.ts'
import type { Paint, Style } from './terminal.ts'
import { entry } from './timeline-entry.ts'
import type { Json } from '../domain/canonical.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { Decision } from '../domain/verdict.ts'

interface Gated {
  operation: Operation
  receipt: Receipt | null
  paint: Paint
}

const DECISION: Readonly<Record<Decision, { word: string; style: Style }>> = Object.freeze({
  allow: { word: 'allow', style: 'green' },
  block: { word: 'BLOCK', style: 'red' },
  not_applicable: { word: 'n/a', style: 'dim' },
})

export function passLines({ operation, receipt, paint }: Gated, names: readonly string[]): string[] {
  return operation.passes.flatMap((pass, index) => {
    if (!names.includes(pass.pass)) return []
    const at = receipt?.passes.find((each) => each.pass === pass.pass)?.facts.now
    const before = operation.passes[index - 1]
    const [same, fresh] = partition(pass.verdicts, before?.verdicts ?? [])
    const width = Math.max(0, ...fresh.map(({ gate }) => gate.length))
    const rows = fresh.map(({ gate, decision, code, evidence: given }) => {
      const { word, style } = DECISION[decision]
      const words = [code === null ? '' : paint('red', code), evidenceWords(given)]
        .filter((part) => part !== '')
        .join('  ')
      return `${gate.padEnd(width)}  ${paint(style, word.padEnd(5))}  ${words}`
    })
    const strip = same.map(({ gate, decision }) => `${gate} ${DECISION[decision].word}`).join(', ')
    const unchanged = same.length === 0 ? [] : [`as in pass ${before?.pass}, on the same evidence: ${strip}`]
    const lines = [`pass ${pass.pass}, facts ${pass.facts_hash}`, ...rows, ...unchanged]
    return entry(paint, typeof at === 'string' ? at : null, 'gates', lines)
  })
}

/** Verdicts that are as they were, and those that are not. */
function partition(
  verdicts: readonly OperationVerdict[],
  before: readonly OperationVerdict[],
): [OperationVerdict[], OperationVerdict[]] {
  const known = new Set(before.map((verdict) => JSON.stringify(verdict)))
  const isKnown = (verdict: OperationVerdict) => known.has(JSON.stringify(verdict))
  return [verdicts.filter(isKnown), verdicts.filter((verdict) => !isKnown(verdict))]
}

/** `path=value path=value`, one line however deep. */
export function evidenceWords(value: Json, path = ''): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return path === '' ? '' : `${path}=${jsonWords(value)}`
  return Object.entries(value)
    .map(([key, member]) => evidenceWords(member, path === '' ? visible(key) : `${path}.${visible(key)}`))
    .filter((words) => words !== '')
    .join(' ')
}
