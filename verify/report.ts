/**
 * What a verification answers. A report holds no clock, no path and nothing of the machine, and its parts are sorted, so that
 * the same bundles give the same bytes everywhere.
 */

export type Verdict = 'PASS' | 'FAIL' | 'UNTRUSTED'

export interface CheckResult {
  name: string
  verdict: Verdict
  detail: string
}

export interface RunReport {
  /** As the receipt says; `unreadable:` and the start of a digest when it cannot be read. */
  operation_id: string
  verdict: Verdict
  /** Every check there is, in their one order, whatever the earlier ones found. */
  checks: CheckResult[]
  /** The first check that did not pass, by name and detail. */
  divergence: string | null
}

export interface Report {
  verdict: Verdict
  runs: RunReport[]
}

/** Thrown by a check for what it found. The message is its detail: stable text without times of reading, paths or stacks. */
export class Divergence extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'Divergence'
  }
}

export function ensure(condition: boolean, detail: string): asserts condition {
  if (!condition) throw new Divergence(detail)
}

/** Thrown by a check that found nothing wrong but had no trust root to authenticate with. */
export class Unauthenticated extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'Unauthenticated'
  }
}

export function runReport(operation_id: string, checks: CheckResult[]): RunReport {
  const failed = checks.find(({ verdict }) => verdict === 'FAIL')
  const first = failed ?? checks.find(({ verdict }) => verdict !== 'PASS')
  const divergence = first === undefined ? null : `${first.name}: ${first.detail}`
  return { operation_id, verdict: worst(checks.map(({ verdict }) => verdict)), checks, divergence }
}

/** Nothing at all is a failure, never a pass. */
export function wholeReport(runs: RunReport[]): Report {
  const sorted = runs
    .map((run) => ({ run, key: `${run.operation_id}\n${JSON.stringify(run.checks)}` }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return { verdict: worst(runs.map(({ verdict }) => verdict)), runs: sorted.map(({ run }) => run) }
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0 || verdicts.includes('FAIL')) return 'FAIL'
  return verdicts.includes('UNTRUSTED') ? 'UNTRUSTED' : 'PASS'
}
