/** What a check is, and how a list of them becomes a run's results: each one answers, whatever the others found. */
import { type CheckResult, Divergence, Unauthenticated } from './report.ts'
import type { Subject } from './subject.ts'

export interface Check {
  readonly name: string
  /** Answers the detail of a pass; throws `Divergence` or `Unauthenticated`. */
  readonly run: (subject: Subject) => string | Promise<string>
}

export async function runChecks(subject: Subject, checks: readonly Check[]): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  for (const { name, run } of checks)
    try {
      results.push({ name, verdict: 'PASS', detail: await run(subject) })
    } catch (error) {
      if (error instanceof Divergence) results.push({ name, verdict: 'FAIL', detail: error.message })
      else if (error instanceof Unauthenticated) results.push({ name, verdict: 'UNTRUSTED', detail: error.message })
      // A bundle can make any reader stumble; what it stumbled over is a finding, never a crash of the verifier.
      else results.push({ name, verdict: 'FAIL', detail: `could not be checked (${nameOf(error)})` })
    }
  return results
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
