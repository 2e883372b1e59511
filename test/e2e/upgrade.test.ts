/**
 * A decision is finished by the code that asked for it: what waits through an upgrade ends on the old bundle. What had ended
 * before, its run not told, is what the new bundle finds.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDeployment, type Deployment } from '../../bin/deployment.ts'
import { copyCheckout } from '../support/checkout.ts'
import { approve, type Caller, callers } from '../support/client.ts'
import { openGlobal, openTenant } from '../support/opening.ts'
import { startOwnDeployment } from '../support/own-deployment.ts'
import { startSecondApp } from '../support/second-app.ts'
import { makeTenant, propose } from '../support/tenant.ts'
import { until } from '../support/until.ts'
import { verifyBundles } from '../support/verified.ts'

let base: string
let running: Deployment | null = null

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'exo-upgrade-'))
  await chmod(base, 0o711)
})
const options = () => ({ home: join(base, 'home'), port: 0, headless: true, progress: () => undefined })

afterAll(async () => {
  await running?.stop()
  await rm(base, { recursive: true, force: true })
})

/** The same checkout elsewhere, its workflow bundle another one by a word that may be changed again. */
async function otherVersion(copy: string): Promise<{ startDeployment: typeof startDeployment }> {
  await copyCheckout(copy)
  await sayOtherwise(copy, 'Still waiting for')
  return await import(join(copy, 'bin', 'deployment.ts'))
}

async function sayOtherwise(copy: string, words: string): Promise<void> {
  const file = join(copy, 'workflows', 'details.ts')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/(Still w|W)aiting for/, words))
}

describe('an upgrade while an operation waits', () => {
  it('ends it on the bundle that began it, and begins new ones on the new bundle', async () => {
    const earlier = await otherVersion(join(base, 'earlier'))
    running = await earlier.startDeployment(options())
    let all = callers(running.url, running.credentials)
    await openGlobal(all)
    await openTenant(all, 't_demo')
    const proposal = { action: 'note.append', input: { notebook: 'upgrade', text: 'asked before' } }
    const waiting = await all.as('t_demo', 'agent').post('/operations', proposal)
    expect(waiting.body.status).toBe('pending_approval')
    await running.stop()

    running = await startDeployment(options())
    all = callers(running.url, running.credentials)
    const approved = await approve(all.as('t_demo', 'operator'), waiting.body)
    expect(approved.body.operation.status).toBe('executed')
    const after = await all.as('t_demo', 'agent').post('/operations', proposal)
    await approve(all.as('t_demo', 'operator'), after.body)

    const reader = all.as('t_demo', 'operator')
    const [before, now] = [await madeBy(reader, waiting.body.id), await madeBy(reader, after.body.id)]
    expect(before).not.toBe(now)
    expect(await workedOn(reader, waiting.body.id)).toEqual([before])
  }, 120_000)

  it('ends also what a process of the earlier version began when the later one was there', async () => {
    // Started when nothing of the earlier version was open.
    await running?.stop()
    running = await startDeployment(options())
    const { url, credentials } = running
    const earlier = await startSecondApp(running, {}, join(base, 'earlier'))
    const proposal = { action: 'note.append', input: { notebook: 'upgrade', text: 'asked beside' } }
    const waiting = await callers(earlier.url, credentials).as('t_demo', 'agent').post('/operations', proposal)
    expect(waiting.body.status).toBe('pending_approval')
    await earlier.stop()

    const operator = callers(url, credentials).as('t_demo', 'operator')
    await approve(operator, waiting.body)
    await until(
      'it is executed',
      async () => (await operator.get(`/operations/${waiting.body.id}`)).body.status === 'executed',
      { withinMs: 30_000 },
    )
    expect(await workedOn(operator, waiting.body.id)).toEqual([await madeBy(operator, waiting.body.id)])
  }, 120_000)
})

describe('an upgrade after an end that the run was not told', () => {
  it('leaves a bundle that verifies: the run of the new bundle found what the old one had decided', async () => {
    const copy = join(base, 'upgraded')
    const own = await startOwnDeployment('upgrade', {}, undefined, (await otherVersion(copy)).startDeployment)
    try {
      const tenant = await makeTenant(own.all, own.deployment.url, 'upgrade')
      own.arm('W5', 1)
      await sayOtherwise(copy, 'Waiting for')
      await propose(tenant.as('agent'), { notebook: 'upgrade', text: 'blocked before' }).catch(() => undefined)
      await own.hit('W5')
      await own.answers()
      const [{ id, status }] = (await tenant.as('viewer').get('/operations')).body.items
      expect(status).toBe('blocked')
      const [made, worked] = [await madeBy(tenant.as('viewer'), id), await workedOn(tenant.as('viewer'), id)]
      expect(worked).toEqual([expect.not.stringContaining(made)])
      const { verdict, failures } = await verifyBundles(tenant.as('auditor'), [id], {
        exo: join(copy, 'cli', 'main.ts'),
      })
      expect([verdict, failures]).toEqual(['PASS', []])
    } finally {
      await own.stop()
    }
  }, 120_000)
})

/** The build that made the receipt. */
async function madeBy(reader: Caller, id: string): Promise<string> {
  return (await reader.get(`/operations/${id}/receipt`)).body.receipt.code.bundle
}

/** The builds that the sealed history names. */
async function workedOn(reader: Caller, id: string): Promise<string[]> {
  const { events } = await until(
    `${id} is sealed`,
    async () => {
      const { status, body } = await reader.get(`/operations/${id}/history`)
      return status === 200 && (body as History)
    },
    { withinMs: 60_000 },
  )
  return [
    ...new Set(events.flatMap((event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion.buildId ?? [])),
  ]
}

interface History {
  events: { workflowTaskCompletedEventAttributes?: { deploymentVersion: { buildId: string } } }[]
}
