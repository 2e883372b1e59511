/**
 * Audit: the log this operation will be written to is alive. The sequencer spoke within 60 s, no committed leaf waits
 * longer than that for its index, the checkpoint is no older, and the log's last check of itself was good.
 */
import { allow, block, type Gate, isFresh } from './gate.ts'
import type { Fact } from '../facts.ts'

const MAX_AGE_MS = 60_000

export const audit: Gate = {
  name: 'audit',
  version: 1,
  evaluate(_plan, _intent, facts) {
    const log = facts.get('audit')
    const nowMs = facts.get('now').instantMs()
    const stale = (instant: Fact) => !isFresh(instant.instantMs(), nowMs, MAX_AGE_MS)
    const waiting = log.get('oldest_unindexed_at')
    const evidence = {
      sequencer_at: log.get('sequencer_at').string(),
      checkpoint_at: log.get('checkpoint_at').string(),
      oldest_unindexed_at: waiting.stringOrNull(),
      self_check: log.get('self_check').get('ok').boolean(),
    }
    const alive =
      !stale(log.get('sequencer_at')) &&
      !stale(log.get('checkpoint_at')) &&
      (waiting.isNull || !stale(waiting)) &&
      evidence.self_check &&
      log.get('self_check').get('at').instantMs() <= nowMs
    return alive ? allow('audit', evidence) : block('audit', 'audit.unavailable', evidence)
  },
}
