/**
 * Who may have a step taken. Whoever reaches Temporal can have a workflow of their own ask our workers for any step by its
 * name and with any input; what these steps write is for the run that they belong to.
 */
import { Context, type Info } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import { workflowIdOf } from '../api/workflow-id.ts'

type Steps<Input> = Record<string, (input: Input) => Promise<unknown>>

/** Local steps are taken by the worker that runs the workflow's code, which is ours: nobody else can ask for one. */
export function onlyLocal<T extends object>(steps: T): T {
  return admitting(steps, ({ isLocal }) => isLocal)
}

/** Steps that stand in history by their name and input: for the run that the input says it is of. */
export function onlyForItsRun<T extends object>(steps: T): T {
  return admitting(
    steps,
    ({ workflowExecution }, input: { tenant_id: string; operation_id: string; run_id: string }) =>
      workflowExecution?.workflowId === workflowIdOf(input.tenant_id, input.operation_id) &&
      workflowExecution.runId === input.run_id,
  )
}

/** The same for steps about a question, whose one run is named after it. */
export function onlyForItsReview<T extends object>(steps: T): T {
  return admitting(
    steps,
    ({ workflowExecution }, input: { tenant_id: string; question_id: string }) =>
      workflowExecution?.workflowId === `${input.tenant_id}/review/${input.question_id}`,
  )
}

function admitting<T extends object, Input>(steps: T, isAdmitted: (info: Info, input: Input) => boolean): T {
  const admitted = Object.entries(steps as unknown as Steps<Input>).map(([name, step]) => [
    name,
    async (input: Input) => {
      if (!isAdmitted(Context.current().info, input))
        throw ApplicationFailure.nonRetryable(`${name} is for the run itself`, 'Foreign')
      return await step(input)
    },
  ])
  return Object.fromEntries(admitted) as T
}
