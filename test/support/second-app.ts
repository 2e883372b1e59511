/** One more app process beside a deployment's own, on the same backends and the same home. */
import { join } from 'node:path'
import { forkProgram } from './beside.ts'
import { Caller } from './client.ts'
import type { Deployment } from '../../bin/deployment.ts'
import { environmentOf } from '../../bin/process.ts'

export interface SecondApp {
  url: string
  stop(): Promise<void>
}

/** `checkout` is whose code it runs; by default this one's. */
export async function startSecondApp(
  { url, home, stack }: Deployment,
  env: Record<string, string>,
  checkout = join(import.meta.dirname, '..', '..'),
): Promise<SecondApp> {
  const { body: trust } = await new Caller(url, null).get('/trust')
  const { child, ready, gone } = forkProgram(checkout, 'app.ts', {
    ...environmentOf(stack.addresses, trust.deployment),
    EXO_HOME: home,
    PORT: '0',
    ...env,
  })
  return {
    url: (await ready).url ?? '',
    stop: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}
