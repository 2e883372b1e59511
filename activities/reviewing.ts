/**
 * The steps that ask models about three-wise questions. Who may answer is looked up when they are asked and again when the
 * opinion is written; the opinion then passes what a person's passes.
 */
import { effectivePermissions, type Role } from '../domain/permissions.ts'
import { type AskModel, type ModelReviewer, type ReviewSteps, UNHEARD } from '../domain/reviewing.ts'
import {
  type Binds,
  type Opinion,
  type OpinionRefusal,
  opinionLeaf,
  opinionRefusal,
  type Question,
  reviewerOf,
} from '../domain/three-wise.ts'
import type { LeafRow } from '../domain/leaf.ts'

interface QuestionRow extends Question {
  id: string
  question: string
  binds: Binds
  binding_hash: string
}

/** A principal as a member of the tenant, as rows say now. */
interface Member {
  id: string
  kind: 'agent' | 'service' | 'user'
  person_id: string | null
  role: string
  permissions: string[]
  active: boolean
}

export interface ReviewTools {
  reviewers(): Promise<ModelReviewer[]>
  ask: AskModel
  questions: {
    find(tenantId: string, id: string): Promise<QuestionRow | null>
    member(tenantId: string, principalId: string): Promise<Member | null>
    give(
      tenantId: string,
      id: string,
      given: Omit<Opinion, 'at'>,
      requestId: string | null,
      leaf: (question: QuestionRow, opinion: Opinion) => LeafRow,
    ): Promise<{ question: QuestionRow } | { refused: OpinionRefusal } | null>
  }
  now(): Promise<string>
}

export function reviewSteps(tools: ReviewTools): ReviewSteps {
  const { questions } = tools
  const mayReview = async (tenantId: string, principalId: string): Promise<Member | null> => {
    const member = await questions.member(tenantId, principalId)
    if (member?.active !== true || member.kind === 'user') return null
    const permissions = effectivePermissions(member.kind, member.role as Role, member.permissions, null)
    return permissions.includes('review') ? member : null
  }
  return {
    async reviewersOf({ tenant_id, question_id }) {
      const question = await questions.find(tenant_id, question_id)
      if (question === null) return { reviewers: [] }
      const now = await tools.now()
      const members = await Promise.all(
        (await tools.reviewers()).map(({ principal_id }) => mayReview(tenant_id, principal_id)),
      )
      const free = members.filter((each) => each !== null && opinionRefusal(question, reviewerOf(each), now) === null)
      return { reviewers: free.flatMap((each) => (each === null ? [] : [each.id])) }
    },

    async askReviewer({ tenant_id, question_id, reviewer }) {
      const configured = (await tools.reviewers()).find(({ principal_id }) => principal_id === reviewer)
      const question = await questions.find(tenant_id, question_id)
      if (configured === undefined || question === null) return UNHEARD
      return await tools.ask(configured, { question: question.question, binds: question.binds })
    },

    async writeOpinion({ tenant_id, question_id, reviewer, verdict, reason }) {
      const member = await mayReview(tenant_id, reviewer)
      if (member === null) return { written: false }
      const given = { by: member.id, kind: member.kind, reviewer: reviewerOf(member), verdict, reason }
      const about = { request_id: null, trace_id: null, train_ok: false }
      const answer = await questions.give(tenant_id, question_id, given, null, (question, opinion) =>
        opinionLeaf(tenant_id, question, opinion, about),
      )
      return { written: answer !== null && 'question' in answer }
    },
  }
}
