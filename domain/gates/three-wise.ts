/**
 * Three-wise: where every matching strategy lock names a question, one of them must carry an APPROVE verdict bound to
 * exactly this action, target and input, still fresh. The verdict itself was aggregated when opinions were written.
 */
import { allow, block, type Gate, notApplicable } from './gate.ts'
import { lockRequired, matchingLocks } from './strategy-lock.ts'

export const threeWise: Gate = {
  name: 'three_wise',
  version: 1,
  evaluate(plan, intent, facts) {
    if (!lockRequired(facts)) return notApplicable('three_wise', { asked: false })
    const locks = matchingLocks(plan, intent, facts)
    if (locks.length === 0 || locks.some((lock) => lock.get('three_wise').isNull))
      return notApplicable('three_wise', { asked: false })
    const nowMs = facts.get('now').instantMs()
    const questions = locks.map((lock) => lock.get('three_wise'))
    const approved = questions.find(
      (question) =>
        question.get('verdict').oneOf('APPROVE', 'REJECT', 'UNSURE') === 'APPROVE' &&
        question.get('binding_hash').string() === plan.binding_hash &&
        question.get('expires_at').instantMs() > nowMs,
    )
    if (approved !== undefined) return allow('three_wise', { question: approved.get('id').string() })
    return block('three_wise', 'three_wise.verdict_required', {
      questions: questions.map((question) => question.get('id').string()).sort(),
    })
  },
}
