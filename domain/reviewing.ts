/**
 * Models that give opinions on three-wise questions: who they are, what they are asked, and the steps of the workflow that
 * asks them. A model is a principal with permission `review`; its opinion is written the way a person's is.
 */
import { NotIJson, parseIJson } from './canonical.ts'
import { type Binds, OPINIONS, type OpinionWord } from './three-wise.ts'

/** A model at an endpoint, as the deployment's setting names it. */
export interface ModelReviewer {
  principal_id: string
  url: string
  model: string
  api_key: string | null
  timeoutMs: number
}

/** What a model is shown: data, all of it. */
export interface Reviewed {
  question: string
  binds: Binds
}

export interface Said {
  verdict: OpinionWord
  reason: string
}

/** Asks a model once. Whatever is no answer in the one form that counts is UNSURE; it never throws. */
export type AskModel = (reviewer: ModelReviewer, about: Reviewed) => Promise<Said>

export interface QuestionRef {
  tenant_id: string
  question_id: string
}

/** The steps, by the names history shows. */
export interface ReviewSteps {
  /** The models that may still give an opinion: configured, members of the tenant, and not the asker's. */
  reviewersOf(input: QuestionRef): Promise<{ reviewers: string[] }>
  askReviewer(input: QuestionRef & { reviewer: string }): Promise<Said>
  writeOpinion(input: QuestionRef & { reviewer: string } & Said): Promise<{ written: boolean }>
}

/** What is said for a model that could not be asked, or whose answer was lost. */
export const UNHEARD: Said = { verdict: 'UNSURE', reason: 'the model gave no answer that counts' }

const REASON_CHARACTERS = 500

/** What a model said, if that is one JSON object with a verdict and a reason and nothing else; null otherwise. */
export function readSaid(text: string): Said | null {
  try {
    const said = parseIJson(text.trim())
    if (typeof said !== 'object' || said === null || Array.isArray(said)) return null
    const { verdict, reason, ...others } = said
    const word = OPINIONS.find((each) => each === verdict)
    if (word === undefined || typeof reason !== 'string' || Object.keys(others).length > 0) return null
    const isReason = reason !== '' && reason.length <= REASON_CHARACTERS && !reason.includes('\0')
    return isReason ? { verdict: word, reason } : null
  } catch (error) {
    if (error instanceof NotIJson || error instanceof SyntaxError) return null
    throw error
  }
}

/** The task queue on which models are asked, beside the deployment's own. */
export const reviewQueue = (taskQueue: string): string => `${taskQueue}-review`
