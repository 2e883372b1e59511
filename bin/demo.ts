/**
 * The Golden Demo: the main job from a fresh system to verified evidence, on real parts. Every line says what happened
 * and why; the exit code is 0 only if each claim held.
 */
import { mkdir, mkdtemp, chmod, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDeployment } from './deployment.ts'
import { DemoStage } from './demo/stage.ts'
import { openSystem, liveStory } from './demo/live-story.ts'
import { evidenceStory } from './demo/evidence-story.ts'

const home = await mkdtemp(join(tmpdir(), 'exo-demo-'))
await chmod(home, 0o711)
const stage = new DemoStage((line) => process.stdout.write(`${line}\n`))
stage.say('Starting PostgreSQL, S3 and Temporal; the first time on a machine this builds or downloads them.')
const deployment = await startDeployment({ home, port: 0, headless: true, progress: (line) => stage.say(`  ${line}`) })
const startedAt = performance.now()
try {
  await openSystem(stage, deployment)
  const operations = await liveStory(stage, deployment)
  const evidence = join(home, 'evidence')
  await mkdir(evidence)
  await writeFile(join(evidence, 'trust.json'), JSON.stringify(await stage.get(deployment.url, '/trust')))
  await evidenceStory(stage, deployment, operations, evidence)
} catch (error) {
  stage.claim(false, 'the demo ran to its end', String(error))
} finally {
  await deployment.stop()
  await rm(home, { recursive: true, force: true })
}
stage.say('')
stage.say(
  `${stage.held} claims held, ${stage.broken} did not, in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`,
)
process.exit(stage.broken === 0 ? 0 : 1)
