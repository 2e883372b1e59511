/** The API alone: opens operations, writes records, reads. Holds no effect and no worker. */
import { startProcess } from './compose.ts'
import { readConfig } from './config.ts'
import { backendsFrom, orExplain, runUntilTold } from './process.ts'

const running = await orExplain(async () => {
  const config = readConfig(process.env)
  const { backends, deployment } = backendsFrom(process.env)
  return await startProcess(config, backends, deployment, process.env, { api: true, worker: false })
})
await runUntilTold(running)
