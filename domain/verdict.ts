/** A gate's answer. Unknown is a block: there is no fourth decision. */
import type { JsonObject } from './canonical.ts'
import type { ErrorCode, GateName } from './errors.ts'

export type Decision = 'allow' | 'block' | 'not_applicable'

export interface Verdict {
  readonly gate: GateName
  readonly decision: Decision
  /** Null unless the decision is `block`. */
  readonly code: ErrorCode | null
  readonly evidence: JsonObject
}

export type PassName = 'propose' | 'resume' | 'guard'

/** One reading of all facts and one run of the chain over them. `verdicts` lists all eight gates in their order. */
export interface Pass {
  readonly pass: PassName
  readonly facts: JsonObject
  readonly facts_hash: string
  readonly verdicts: readonly Verdict[]
}
