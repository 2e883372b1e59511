/** One more app process beside a deployment's own, on the same backends and the same home. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Deployment } from '../../bin/deployment.ts'
import { environmentOf, NODE_FLAGS, type ReadyMessage } from '../../bin/process.ts'
import { Caller } from './client.ts'

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
  const child = fork(join(checkout, 'bin', 'app.ts'), [], {
    execPath: process.execPath,
    execArgv: NODE_FLAGS,
    env: { ...process.env, ...environmentOf(stack.addresses, trust.deployment), EXO_HOME: home, PORT: '0', ...env },
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ready = await new Promise<ReadyMessage>((resolve, reject) => {
    child.once('message', (message) => resolve(message as ReadyMessage))
    void gone.then(() => reject(new Error(`the second app ended ${child.exitCode}`)))
  })
  return {
    url: ready.url ?? '',
    stop: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}
