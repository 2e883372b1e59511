/** A decision is finished by the code that asked for it: what waits through an upgrade ends on the old bundle. */
import { mkdtemp, chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDeployment, type Deployment } from '../../bin/deployment.ts'
import { copyCheckout } from '../support/checkout.ts'
import { approve, callers } from '../support/client.ts'
import { openGlobal, openTenant } from '../support/opening.ts'

let base: string
let running: Deployment | null = null

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'exo-upgrade-'))
  await chmod(base, 0o711)
})
afterAll(async () => {
  await running?.stop()
  await rm(base, { recursive: true, force: true })
})

/** Another version of the code: the same checkout elsewhere, its workflow bundle different by one word. */
async function earlierVersion(): Promise<{ startDeployment: typeof startDeployment }> {
  const copy = join(base, 'earlier')
  await copyCheckout(copy)
  const file = join(copy, 'workflows', 'details.ts')
  await writeFile(file, (await readFile(file, 'utf8')).replace('Waiting for', 'Still waiting for'))
  return await import(join(copy, 'bin', 'deployment.ts'))
}

describe('an upgrade while an operation waits', () => {
  it('ends it on the bundle that began it, and begins new ones on the new bundle', async () => {
    const home = join(base, 'home')
    const options = { home, port: 0, headless: true, progress: () => undefined }
    const earlier = await earlierVersion()
    running = await earlier.startDeployment(options)
    let all = callers(running.url, running.credentials)
    await openGlobal(all)
    await openTenant(all, 't_demo')
    const proposal = { action: 'note.append', input: { notebook: 'upgrade', text: 'asked before' } }
    const waiting = await all.as('t_demo', 'agent').post('/operations', proposal)
    expect(waiting.body.status).toBe('pending_approval')
    await running.stop()

    running = await startDeployment(options)
    all = callers(running.url, running.credentials)
    const approved = await approve(all.as('t_demo', 'operator'), waiting.body)
    expect(approved.body.operation.status).toBe('executed')
    const after = await all.as('t_demo', 'agent').post('/operations', proposal)
    await approve(all.as('t_demo', 'operator'), after.body)

    const digestOf = async (id: string) =>
      (await all.as('t_demo', 'operator').get(`/operations/${id}/receipt`)).body.receipt.code.bundle as string
    const [before, now] = [await digestOf(waiting.body.id), await digestOf(after.body.id)]
    expect(before).not.toBe(now)

    const history = await sealedHistory(all.as('t_demo', 'operator'), waiting.body.id)
    const builds = new Set(
      history.events.flatMap(
        (event: { workflowTaskCompletedEventAttributes?: { deploymentVersion?: { buildId: string } } }) =>
          event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? [],
      ),
    )
    expect([...builds]).toEqual([before])
  }, 120_000)
})

async function sealedHistory(reader: ReturnType<ReturnType<typeof callers>['as']>, id: string) {
  for (let tries = 0; tries < 200; tries++) {
    const { status, body } = await reader.get(`/operations/${id}/history`)
    if (status === 200) return body
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('never sealed')
}
