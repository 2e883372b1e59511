/** A real Temporal development server on a free port, for tests that need histories nobody made up. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { findProgram } from '../../../bin/stack/program.ts'
import { temporal } from '../../../bin/stack/recipes.ts'

export interface TestServer {
  address: string
  namespace: string
  stop(): Promise<void>
}

/** The server's program: named by the environment, or one that the embedded stack has found or kept. */
async function program(): Promise<string> {
  const named = process.env['EXO_TEST_TEMPORAL']
  if (named !== undefined) return named
  const found = await findProgram(temporal)
  if (found === null) throw new Error('no Temporal server here: set EXO_TEST_TEMPORAL, or run npm start once')
  return found.binary
}

export async function startTemporalServer(): Promise<TestServer> {
  const port = await freePort()
  const namespace = 'exoarmur'
  const address = `127.0.0.1:${port}`
  const args = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port)]
  const quiet = ['--namespace', namespace, '--log-level', 'error']
  const fast = ['transfer', 'timer'].flatMap((queue) => [
    '--dynamic-config-value',
    `history.${queue}ProcessorMaxPollRPS=2000`,
  ])
  const child = spawn(await program(), [...args, ...quiet, ...fast], { stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const end = () => void child.kill('SIGKILL')
  process.once('exit', end)
  const stop = async () => {
    process.off('exit', end)
    end()
    await exited
  }
  try {
    await answers(address, namespace)
  } catch (error) {
    await stop()
    throw error
  }
  return { address, namespace, stop }
}

async function answers(address: string, namespace: string): Promise<void> {
  const giveUpAt = Date.now() + 30_000
  for (;;)
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 })
      try {
        await connection.workflowService.describeNamespace({ namespace })
        return
      } finally {
        await connection.close()
      }
    } catch (error) {
      if (Date.now() > giveUpAt) throw new Error('the Temporal server did not answer', { cause: error })
      await pause(100)
    }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
