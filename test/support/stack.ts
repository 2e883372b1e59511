/**
 * One real deployment for all tests that need servers: started before the first of them, stopped after the last. Tests
 * that kill or stop things start a deployment of their own.
 */
import { mkdtemp, chmod, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startDeployment } from '../../bin/deployment.ts'
import type { Credentials } from '../../bin/bootstrap.ts'
import type { StackAddresses } from '../../bin/stack/index.ts'
import { callers } from './client.ts'
import { makeIssuers } from './issuer.ts'
import { openGlobal } from './opening.ts'

export interface SharedDeployment {
  url: string
  home: string
  credentials: Credentials
  addresses: StackAddresses
}

declare module 'vitest' {
  export interface ProvidedContext {
    deployment: SharedDeployment
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), 'exo-test-'))
  await chmod(home, 0o711)
  // Read again for each question, so that a test may name models of its own.
  const reviewers = join(home, 'reviewers.json')
  await writeFile(reviewers, '[]')
  const deployment = await startDeployment({
    home,
    port: 0,
    headless: true,
    progress: (line) => process.stderr.write(`[stack] ${line}\n`),
    env: { EXO_OIDC_ISSUERS: makeIssuers(home), EXO_REVIEWERS: reviewers },
  })
  await openGlobal(callers(deployment.url, deployment.credentials))
  project.provide('deployment', {
    url: deployment.url,
    home,
    credentials: deployment.credentials,
    addresses: deployment.stack.addresses,
  })
  return async () => {
    await deployment.stop()
    await rm(home, { recursive: true, force: true })
  }
}
