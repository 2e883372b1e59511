/**
 * Part of every production bundle, so that production and verification run the same code. It makes history hold the
 * inputs of local activities, and under a verifier it hands out every command, payloads included. A verifier is known by
 * its task queue and by nothing in history: whether the SDK calls an activation a replay does not matter, because it does
 * not for the last one. Synchronous, so that it adds no yield point. Elsewhere it emits nothing.
 */
import { proxySinks, workflowInfo, type Sinks, type WorkflowInterceptors } from '@temporalio/workflow'

/** How the names of a verifier's task queues begin. Nobody can start a run on one: its workers only replay. */
const VERIFIER_QUEUE = 'exo-verify-'

export interface RecorderSinks extends Sinks {
  exoRecorder: { commands(commands: unknown[]): void }
}

const { exoRecorder } = proxySinks<RecorderSinks>()

export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation(input, next) {
        const output = next(input)
        for (const command of output.commands)
          if (command.scheduleLocalActivity != null) command.scheduleLocalActivity.includeArgumentsIntoMarker = true
        if (output.commands.length > 0 && workflowInfo().taskQueue.startsWith(VERIFIER_QUEUE))
          exoRecorder.commands(output.commands)
        return output
      },
    },
  ],
})
