/** The worker alone: workflows, activities, sequencer and outbox. Any number of them; one leads the loops. */
import { startProcess } from './compose.ts'
import { readConfig } from './config.ts'
import { backendsFrom, orExplain, runUntilTold } from './process.ts'

const running = await orExplain(async () => {
  const config = readConfig(process.env)
  const { backends, deployment } = backendsFrom(process.env)
  return await startProcess(config, backends, deployment, process.env, { api: false, worker: true })
})
await runUntilTold(running)
