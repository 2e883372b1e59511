/** The rival of the bench: a workflow that calls one ordinary activity. */
import { proxyActivities } from '@temporalio/workflow'

const { noop } = proxyActivities<{ noop(input: string): Promise<string> }>({ startToCloseTimeout: '10 s' })

export async function bare(input: string): Promise<string> {
  return await noop(input)
}
