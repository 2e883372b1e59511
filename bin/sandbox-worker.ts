/**
 * The SDK's worker with a cheaper way into the sandbox. Its guard against endless workflow code makes and joins a thread
 * for each of some twenty calls that an operation takes, a tenth of the operation's whole price; and it asks the sandbox
 * after each activation for what the workflow logged, which is nothing. Here a call that is not answered for half a
 * minute ends the process, whose tasks then go to the next one. Verification keeps the SDK's guard: it runs others' code.
 */
import { Worker } from '@temporalio/worker'

const ANSWER_WITHIN_MS = 30_000
/** A process that was paused hears the answer before it gives up. */
const GRACE_MS = 2_000

type Create = typeof Worker extends { create: infer C } ? C : never
type Options = Parameters<Create>[0]

/** `onActivated` is told of each activation that the workflow code has answered and the server does not know of yet. */
export async function createSandboxWorker(options: Options, onActivated: () => void): Promise<Worker> {
  class SandboxWorker extends Worker {
    protected static override async createWorkflowCreator(
      ...[bundle, options, logger]: Parameters<(typeof Worker)['createWorkflowCreator']>
    ): ReturnType<(typeof Worker)['createWorkflowCreator']> {
      // Without a time the sandbox is called without the guard; the SDK's type has no word for that.
      const unguarded = { ...options, isolateExecutionTimeoutMs: undefined as unknown as number }
      const creator = await super.createWorkflowCreator(bundle, unguarded, logger)
      return {
        createWorkflow: async (asked) => {
          const workflow = await inTime(creator.createWorkflow(asked))
          return {
            activate: async (activation) => {
              const completion = await inTime(workflow.activate(activation))
              onActivated()
              return completion
            },
            getAndResetSinkCalls: async () => [],
            dispose: async () => await workflow.dispose(),
          }
        },
        destroy: async () => await creator.destroy(),
      }
    }
  }
  return await SandboxWorker.create(options)
}

/** The answer; when none comes, an error that nobody catches. */
export async function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = () => {
    throw new Error(`workflow code did not answer within ${ANSWER_WITHIN_MS / 1000} s`)
  }
  let timer = setTimeout(() => {
    timer = setTimeout(late, GRACE_MS)
  }, ANSWER_WITHIN_MS)
  try {
    return await answer
  } finally {
    clearTimeout(timer)
  }
}
