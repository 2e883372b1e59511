/**
 * What no single bundle can show: two of them whose checkpoints are of one log and one size and have different roots. Then
 * somebody was told another story, and which of the two is true nobody can say; both fail. Two receipts for one operation are
 * the same thing once more.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { checkpointOf } from './log.ts'
import { type CheckResult, Divergence } from './report.ts'
import type { Subject } from './subject.ts'

/** What a bundle says that no other bundle may say otherwise: subject and word. */
export type Claims = readonly [what: string, word: string][]

/** One result for each bundle, in their order. */
export function findForks(bundles: readonly Claims[]): CheckResult[] {
  const said = new Map<string, Set<string>>()
  for (const claims of bundles)
    for (const [what, word] of claims) said.set(what, (said.get(what) ?? new Set()).add(word))
  return bundles.map((claims) => {
    const name = 'log.fork'
    if (claims.length === 0) return { name, verdict: 'FAIL', detail: 'the bundle has no checkpoint to compare' }
    const forked = claims.find(([what]) => (said.get(what)?.size ?? 0) > 1)
    if (forked !== undefined) return { name, verdict: 'FAIL', detail: `another bundle tells otherwise of ${forked[0]}` }
    return { name, verdict: 'PASS', detail: 'no other bundle tells otherwise' }
  })
}

export function claimsOf(subject: Subject): Claims {
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
