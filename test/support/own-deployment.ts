/** A deployment for one file that kills or stops things, with a World of its own looking on. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callers } from './client.ts'
import { CrashOrders } from './crash-orders.ts'
import { openGlobal } from './opening.ts'
import { until } from './until.ts'
import { World } from './world.ts'
import type { CrashPoint } from '../../domain/crash-points.ts'
import { startDeployment, type Deployment, type DeploymentOptions } from '../../bin/deployment.ts'

export interface OwnDeployment {
  deployment: Deployment
  all: ReturnType<typeof callers>
  world: World
  /** Kills the app at the nth time the point is reached, once. */
  arm(point: CrashPoint, nth: number): void
  /** The orders that this is done by. */
  orders: CrashOrders
  /** Takes an order back that nothing has met. */
  disarm(): void
  /** Resolves when the armed point was hit and the process is dead; answers the pid that died. */
  hit(point: CrashPoint, withinMs?: number): Promise<number>
  /** How often each point was hit so far. */
  hits(): Record<string, number>
  /** Resolves once the app answers, whichever process it is. */
  answers(withinMs?: number): Promise<void>
  stop(): Promise<void>
}

export async function startOwnDeployment(
  what: string,
  env: Record<string, string> = {},
  between?: DeploymentOptions['between'],
  start: typeof startDeployment = startDeployment,
): Promise<OwnDeployment> {
  const home = await mkdtemp(join(tmpdir(), `exo-${what}-`))
  await chmod(home, 0o711)
  const orders = new CrashOrders(home)
  const deployment = await start({
    home,
    port: 0,
    headless: true,
    progress: (line) => void process.stderr.write(`[${what}] ${line}\n`),
    ...(between === undefined ? {} : { between }),
    env: { ...orders.environment, EXO_LOG_LEVEL: 'silent', ...env },
  })
  const all = callers(deployment.url, deployment.credentials)
  await openGlobal(all)
  const world = await World.install(deployment.stack.addresses.postgres.ownerUrl)
  let taken = 0
  return {
    deployment,
    all,
    world,
    orders,
    arm: (point, nth) => {
      taken = orders.deaths().length
      orders.give(point, nth)
    },
    disarm: () => orders.takeBack(),
    hit: async (point, withinMs = 30_000) => {
      const { point: met, pid } = await until(`crash point ${point} is hit`, () => orders.deaths()[taken], { withinMs })
      if (met !== point) throw new Error(`${point} was armed and ${met} was hit`)
      await until(`process ${pid} is gone`, () => !isAlive(pid))
      return pid
    },
    hits: () => orders.hits(),
    answers: async (withinMs = 30_000) => {
      await until(
        'the app answers',
        async () =>
          await all.nobody.get('/healthz').then(
            ({ status }) => status === 200,
            () => false,
          ),
        {
          withinMs,
        },
      )
    },
    stop: async () => {
      await world.close()
      await deployment.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
