/**
 * API and worker in one process, sharing one connection to Temporal: what the embedded stack runs. Tells its parent the
 * URL when it is ready and stops on SIGTERM.
 */
import { startProcess } from './compose.ts'
import { readConfig } from './config.ts'
import { backendsFrom, orExplain, runUntilTold } from './process.ts'

const running = await orExplain(async () => {
  const config = readConfig(process.env)
  const { backends, deployment } = backendsFrom(process.env)
  return await startProcess(config, backends, deployment, process.env, { api: true, worker: true })
})
await runUntilTold(running)
