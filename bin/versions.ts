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

/** Keeps the current bundle; answers the digests of those that were kept before. */
export async function keepBundle(dir: string, { code, digest }: WorkflowBundle): Promise<string[]> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const kept = (await readdir(dir)).flatMap((name) => /^([0-9a-f]{64})\.js$/.exec(name)?.[1] ?? []).sort()
  // Whole or not at all, whoever else starts: runs that are pinned to it end with no other code.
  if (!kept.includes(digest) || (await readKept(dir, digest)) === null)
    await writeWhole(join(dir, `${digest}.js`), code)
  return kept.filter((each) => each !== digest)
}

/** A kept bundle, or null when the file does not hold what its name says. */
export async function readKept(dir: string, digest: string): Promise<WorkflowBundle | null> {
  const code = await readFile(join(dir, `${digest}.js`), 'utf8')
  return bundleDigest(code) === digest ? { code, digest } : null
}

/** Those of these digests that open runs are pinned to, as the server's list of runs has it by now. */
export async function withOpenRuns(temporal: TemporalPort, digests: readonly string[]): Promise<string[]> {
  const nameOf = (digest: string) => `${DEPLOYMENT_NAME}:${digest}`
  const found: string[] = []
  if (await temporal.hasOpenOf(digests.map(nameOf)))
    for (const digest of digests) if (await temporal.hasOpenOf([nameOf(digest)])) found.push(digest)
  return found
}

/** Waits until the server knows the version, and has new runs begin on it. */
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
