/**
 * How steps are called. Local ones answer within the workflow task and run again if the worker dies first, so each is
 * idempotent; the regular guard is scheduled durably before it starts. Steps that meet a broken backend are retried
 * until it heals; only a bug is final.
 */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import { reviewQueue, type ReviewSteps } from '../domain/reviewing.ts'
import type { ReconcileSteps, SealSteps, Steps } from '../domain/steps.ts'

export const localSteps = proxyLocalActivities<Steps>({
  startToCloseTimeout: '10 s',
  localRetryThreshold: '20 s',
  retry: { initialInterval: '100 ms', backoffCoefficient: 2, maximumInterval: '5 s' },
})

export const steps = proxyActivities<Pick<Steps, 'guardEffect' | 'proposeAndGuard' | 'resumeAndGuard'>>({
  startToCloseTimeout: '20 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '10 s' },
})

/** An effect outside may be tried several times, each inside a lease, with pauses between; items come one after another. */
export const outsideSteps = proxyActivities<Pick<Steps, 'effectOutside' | 'resumeAndGuard'>>({
  startToCloseTimeout: '90 s',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '10 s' },
})

export const keepingSteps = proxyActivities<SealSteps & ReconcileSteps>({
  startToCloseTimeout: '2 m',
  // A worker that died is noticed by its silence, or what it was at would stay undone until the time-out above.
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
})

export const reviewSteps = proxyActivities<Pick<ReviewSteps, 'reviewersOf' | 'writeOpinion'>>({
  startToCloseTimeout: '20 s',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
})

/**
 * A model is asked at most once: an answer that was lost is none. On a queue of its own, so that models which take their
 * time keep no effect waiting; each is given longer than any reviewer may be given to answer.
 */
export const askOnce = (taskQueue: string) =>
  proxyActivities<Pick<ReviewSteps, 'askReviewer'>>({
    taskQueue: reviewQueue(taskQueue),
    scheduleToCloseTimeout: '1 h',
    startToCloseTimeout: '130 s',
    retry: { maximumAttempts: 1 },
  })
