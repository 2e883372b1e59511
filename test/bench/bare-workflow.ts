/** The rivals of the bench: the same calls by hand, in a workflow with one ordinary activity and nothing else. */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow'

interface ByHand {
  noop(input: string): Promise<string>
  putObject(name: string): Promise<void>
  postJson(url: string): Promise<number>
}

const { noop, putObject, postJson } = proxyActivities<ByHand>({ startToCloseTimeout: '10 s' })

export async function bare(input: string): Promise<string> {
  return await noop(input)
}

export async function barePut(name: string): Promise<void> {
  await putObject(name)
}

/** Waits for two people, as `http.post` does. */
export async function barePost(url: string): Promise<number> {
  let votes = 0
  setHandler(defineSignal('yes'), () => {
    votes++
  })
  await condition(() => votes >= 2)
  return await postJson(url)
}
