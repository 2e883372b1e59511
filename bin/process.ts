/** What every process of ours does alike: find its backends in the environment, say that it is ready, stop when told. */
import { existsSync, readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import type { Backends, RunningProcess } from './compose.ts'
import { missingForMode, readConfig } from './config.ts'
import { maskedLine } from './log.ts'
import {
  configuredParts,
  configuredRoles,
  NotUsable,
  roleVariable,
  type StackAddresses,
  StackError,
} from './stack/index.ts'
import { EXIT } from '../cli/exit-codes.ts'

const ROLES = ['app', 'guard', 'control', 'sequencer', 'stop', 'auditor'] as const

/** As many threads beside the main one as cores to spare: Node's usual four take turns with it where there are two. */
export const NODE_FLAGS = ['--v8-pool-size=0']

/** The owner's credential is not among them: no running process holds it. */
export function backendsFrom(env: NodeJS.ProcessEnv): { backends: Backends; deployment: string } {
  const missing = missingForMode(readConfig(env), env).filter((name) => name !== 'EXO_DATABASE_URL')
  if (missing.length > 0) throw new NotUsable(`this mode does not start without: ${missing.join(', ')}`)
  const roles = configuredRoles(env, ROLES)
  const { temporal, s3 } = configuredParts({ ...env, EXO_DATABASE_URL: undefined })
  if (roles === null || temporal === null || s3 === null)
    throw new NotUsable(
      'EXO_DATABASE_URL_*, EXO_TEMPORAL_ADDRESS and EXO_S3_* must name the backends; npm start brings its own',
    )
  return { backends: { postgres: { roles }, temporal, s3 }, deployment: deploymentOf(env) }
}

/** `EXO_DEPLOYMENT`, or the name that the first preparation of this home kept. */
function deploymentOf(env: NodeJS.ProcessEnv): string {
  if (env.EXO_DEPLOYMENT) return env.EXO_DEPLOYMENT
  const path = join(readConfig(env).EXO_HOME, 'deployment')
  if (!existsSync(path)) throw new NotUsable('EXO_DEPLOYMENT is missing: the name of this deployment')
  return readFileSync(path, 'utf8').trim()
}

/** Environment variables by which a child process finds the same backends. */
export function environmentOf({ postgres, temporal, s3 }: StackAddresses, deployment: string): NodeJS.ProcessEnv {
  return {
    EXO_DEPLOYMENT: deployment,
    ...Object.fromEntries(ROLES.map((role) => [roleVariable(role), postgres.roles[role]])),
    EXO_TEMPORAL_ADDRESS: temporal.address,
    EXO_TEMPORAL_NAMESPACE: temporal.namespace,
    ...(temporal.http === null ? {} : { EXO_TEMPORAL_HTTP: temporal.http }),
    ...(temporal.ui === null ? {} : { EXO_TEMPORAL_UI: temporal.ui }),
    EXO_S3_ENDPOINT: s3.endpoint,
    EXO_S3_REGION: s3.region,
    EXO_S3_BUCKET: s3.bucket,
    EXO_S3_ACCESS_KEY_ID: s3.accessKeyId,
    EXO_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  }
}

/** What a person can mend ends the process with its message and a code of the documented table; a fault of ours keeps its stack. */
export async function orExplain<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return await begin()
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    process.stderr.write(maskedLine(error.message))
    process.exit(error instanceof NotUsable ? EXIT.usage : EXIT.refused)
  }
}

export interface ReadyMessage {
  ready: true
  url: string | null
  digest: string | null
}

export async function runUntilTold(running: RunningProcess): Promise<void> {
  const ready: ReadyMessage = { ready: true, url: running.url, digest: running.digest }
  process.send?.(ready)
  // Otherwise written at the end, which a process that is killed does not come to; the next start is the one that hurries.
  flushCompileCache()
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
    process.once('disconnect', () => resolve())
  })
  try {
    await Promise.race([told, running.failed])
  } catch (error) {
    process.stderr.write(maskedLine(String(error)))
    process.exitCode = 1
  }
  const force = setTimeout(() => process.exit(1), 20_000)
  force.unref()
  await running.stop()
  process.exit()
}
