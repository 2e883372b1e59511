/** The worker alone: workflows, activities, sequencer and outbox. Any number of them; one leads the loops. */
import { startProcess } from './compose.ts'
import { readConfig } from './config.ts'
import { backendsFrom, runUntilTold } from './process.ts'

const config = readConfig(process.env)
const { backends, deployment } = backendsFrom(process.env)
await runUntilTold(await startProcess(config, backends, deployment, process.env, { api: false, worker: true }))
