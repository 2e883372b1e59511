/**
 * The versions of the workflow code: every bundle a deployment ran is kept, those that open runs are pinned to are hosted
 * beside the current one, and new runs begin on the version that is made current.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from './whole-file.ts'
import { bundleDigest, type WorkflowBundle } from './workflow-bundle.ts'
import type { TemporalPort } from '../stores/temporal.ts'

export const DEPLOYMENT_NAME = 'exoarmur'

/** Every bundle this deployment ever ran, the current one kept with them. */
export async function keptBundles(dir: string, current: WorkflowBundle): Promise<WorkflowBundle[]> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const bundles: WorkflowBundle[] = []
  for (const name of (await readdir(dir)).sort()) {
    if (!name.endsWith('.js')) continue
    const code = await readFile(join(dir, name), 'utf8')
    const digest = bundleDigest(code)
    if (`${digest}.js` === name) bundles.push({ code, digest })
  }
  if (!bundles.some(({ digest }) => digest === current.digest)) {
    // Whole or not at all, whoever else starts: runs that are pinned to it end with no other code.
    await writeWhole(join(dir, `${current.digest}.js`), current.code)
    bundles.push(current)
  }
  return bundles
}

/** Those of these bundles that open runs are pinned to, as the server's list of runs has it by now. */
export async function withOpenRuns(
  temporal: TemporalPort,
  bundles: readonly WorkflowBundle[],
): Promise<WorkflowBundle[]> {
  const nameOf = ({ digest }: WorkflowBundle) => `${DEPLOYMENT_NAME}:${digest}`
  const found: WorkflowBundle[] = []
  if (await temporal.hasOpenOf(bundles.map(nameOf)))
    for (const bundle of bundles) if (await temporal.hasOpenOf([nameOf(bundle)])) found.push(bundle)
  return found
}

export async function makeCurrent(temporal: TemporalPort, namespace: string, digest: string): Promise<void> {
  const giveUpAt = Date.now() + 30_000
  for (;;)
    try {
      await temporal.client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: DEPLOYMENT_NAME,
        buildId: digest,
        ignoreMissingTaskQueues: true,
        identity: 'exoarmur',
      })
      return
    } catch (error) {
      // The version is known to the server only once its worker has polled.
      if (Date.now() > giveUpAt) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
}
