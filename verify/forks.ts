/**
 * What no single bundle can show: two of them whose checkpoints are of one log and one size and have different roots. Then
 * somebody was told another story, and which of the two is true nobody can say; both fail. Two receipts for one operation are
 * the same thing once more.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { checkpointOf } from './log.ts'
import { type CheckResult, Divergence } from './report.ts'
import type { Subject } from './subject.ts'

export function findForks(subjects: readonly Subject[]): (subject: Subject) => CheckResult {
  const seen = new Map<string, Set<string>>()
  const claims = new Map(subjects.map((subject) => [subject, claimsOf(subject)]))
  for (const all of claims.values())
    for (const [what, value] of all) seen.set(what, (seen.get(what) ?? new Set()).add(value))
  return (subject) => {
    const own = claims.get(subject) ?? []
    const forked = own.find(([what]) => (seen.get(what)?.size ?? 0) > 1)
    const result = { name: 'log.fork' } as const
    if (own.length === 0) return { ...result, verdict: 'FAIL', detail: 'the bundle has no checkpoint to compare' }
    if (forked !== undefined) return { ...result, verdict: 'FAIL', detail: `another bundle tells otherwise of ${forked[0]}` }
    return { ...result, verdict: 'PASS', detail: 'no other bundle tells otherwise' }
  }
}

function claimsOf(subject: Subject): [string, string][] {
  try {
    const { operation_id, tenant_id, decision_hash } = subject.receipt.value
    const logs = subject.hasSystemLog ? [subject.log, subject.systemLog] : [subject.log]
    const heads = logs.map(checkpointOf)
    return [
      ...heads.map(({ origin, size, root }): [string, string] => [`${origin} at ${size}`, bytesToHex(root)]),
      [`${tenant_id}/${operation_id}`, decision_hash],
    ]
  } catch (error) {
    if (error instanceof Divergence) return []
    throw error
  }
}
