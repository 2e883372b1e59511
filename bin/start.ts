/** `npm start`: everything, until Ctrl-C. Modes other than lab start nothing of their own and say what they lack. */
import { expectPort } from './api-port.ts'
import { bannerOf } from './banner.ts'
import { missingForMode, readConfig } from './config.ts'
import { startDeployment } from './deployment.ts'
import { orExplain } from './process.ts'
import { EXIT } from '../cli/exit-codes.ts'

const config = await orExplain(async () => readConfig(process.env))
const missing = missingForMode(config, process.env)
if (config.EXO_MODE !== 'lab') {
  process.stderr.write(
    missing.length > 0
      ? `mode ${config.EXO_MODE} does not start without these settings:\n${missing.map((name) => `  ${name}\n`).join('')}`
      : `mode ${config.EXO_MODE} runs bin/migrate.ts, bin/api.ts and bin/worker.ts against its own backends; see docs/ARCHITECTURE.md\n`,
  )
  process.exit(EXIT.usage)
}

const giveUp = new AbortController()
const told = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      giveUp.abort()
      resolve()
    })
})
const deployment = await orExplain(async () => {
  await expectPort(config.EXO_HOST, config.PORT)
  return await startDeployment({
    home: config.EXO_HOME,
    port: config.PORT,
    progress: (line) => process.stdout.write(`${line}\n`),
    signal: giveUp.signal,
  })
})
process.stdout.write(await bannerOf(deployment))
await told
process.stdout.write('stopping\n')
await deployment.stop()
