/**
 * Asks the models about a three-wise question, each at most once: what a model said stands in history, and whoever runs
 * this again finds it there. A model that could not be asked, or whose answer was lost, is UNSURE.
 */
import { ActivityFailure, setWorkflowOptions, workflowInfo } from '@temporalio/workflow'
import { askOnce, reviewSteps } from './step-proxies.ts'
import { type QuestionRef, type Said, UNHEARD } from '../domain/reviewing.ts'

setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, review)
export async function review({ tenant_id, question_id }: QuestionRef): Promise<{ written: number }> {
  const question = { tenant_id, question_id }
  const { reviewers } = await reviewSteps.reviewersOf(question)
  const answers = await Promise.all(
    reviewers.map(async (reviewer) => {
      const said = await ask({ ...question, reviewer })
      return await reviewSteps.writeOpinion({ ...question, reviewer, ...said })
    }),
  )
  return { written: answers.filter(({ written }) => written).length }
}

async function ask(input: QuestionRef & { reviewer: string }): Promise<Said> {
  try {
    return await askOnce(workflowInfo().taskQueue).askReviewer(input)
  } catch (error) {
    if (error instanceof ActivityFailure) return UNHEARD
    throw error
  }
}
