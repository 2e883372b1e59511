/**
 * What is broken, and who looks on: a deployment of its own with a second API and a second worker in processes of their own, a
 * link before each backend and each target, a tenant whose policy lets everything through, and the witnesses.
 */
import type { Client } from '@temporalio/client'
import { Link } from './link.ts'
import type { Machine } from './machine.ts'
import type { LinkName } from './schedule.ts'
import { StoreWatch } from './store-watch.ts'
import { Beside } from '../support/beside.ts'
import { Caller } from '../support/client.ts'
import { CrashOrders } from '../support/crash-orders.ts'
import { Database } from '../support/database.ts'
import { notRequired } from '../support/opening.ts'
import { type OwnDeployment, startOwnDeployment } from '../support/own-deployment.ts'
import type { Random } from '../support/random.ts'
import { Receiver } from '../support/receiver.ts'
import { openTemporal } from '../support/temporal.ts'
import { makeTenant, type MemberName, standingFor, type Tenant, UNLIMITED } from '../support/tenant.ts'
import { environmentOf } from '../../bin/process.ts'
import type { StackAddresses } from '../../bin/stack/index.ts'

/** Our own processes: API and worker in one, the API alone, the worker alone. */
export const PROCESSES = ['app', 'api', 'worker'] as const
export type ProcessName = (typeof PROCESSES)[number]

export interface Ground {
  own: OwnDeployment
  api: Beside
  worker: Beside
  /** Where callers are answered. */
  urls: readonly string[]
  orders: Record<ProcessName, CrashOrders>
  links: Record<LinkName, Link>
  /** On the link to the object store. */
  watch: StoreWatch
  /** Asks now the one, now the other. */
  tenant: Tenant
  targets: { keyed: Receiver; blind: Receiver }
  origins: { keyed: string; blind: string }
  owner: Database
  temporal: Client
  stop(): Promise<void>
}

export async function prepareGround(machine: Machine, random: Random): Promise<Ground> {
  const watch = new StoreWatch()
  const { startDeployment } = await machine.checkout()
  const through: { addresses?: StackAddresses; postgres?: Link; temporal?: Link; s3?: Link } = {}
  const own = await startOwnDeployment(
    'chaos',
    machine.appEnvironment(),
    async (addresses) => {
      const database = new URL(addresses.postgres.roles.app)
      const [host = '', port] = addresses.temporal.address.split(':')
      const store = new URL(addresses.s3.endpoint)
      through.postgres = await Link.to(database.hostname, Number(database.port))
      through.temporal = await Link.to(host, Number(port))
      through.s3 = await Link.to(store.hostname, Number(store.port), watch)
      const at = (text: string, via: Link) => Object.assign(new URL(text), { host: `127.0.0.1:${via.port}` }).href
      const roles = { ...addresses.postgres.roles }
      for (const role of Object.keys(roles) as (keyof typeof roles)[]) roles[role] = at(roles[role], through.postgres)
      through.addresses = {
        ...addresses,
        postgres: { ...addresses.postgres, roles },
        temporal: { ...addresses.temporal, address: `127.0.0.1:${through.temporal.port}` },
        s3: { ...addresses.s3, endpoint: at(addresses.s3.endpoint, through.s3).replace(/\/$/, '') },
      }
      return through.addresses
    },
    startDeployment,
  )
  const { home, stack, url } = own.deployment
  const { body: trust } = await new Caller(url, null).get('/trust')
  const orders = { app: own.orders, api: new CrashOrders(home, 'api'), worker: new CrashOrders(home, 'worker') }
  const beside = async (name: 'api' | 'worker') =>
    await Beside.start(machine.copy, `${name}.ts`, {
      ...environmentOf(through.addresses as StackAddresses, trust.deployment),
      ...machine.appEnvironment(),
      ...orders[name].environment,
      EXO_HOME: home,
      EXO_LOG_LEVEL: 'silent',
    })
  const [api, worker] = [await beside('api'), await beside('worker')]
  const targets = { keyed: await Receiver.start(), blind: await Receiver.start() }
  const before = async ({ origin }: Receiver) => await Link.to('127.0.0.1', Number(new URL(origin).port))
  const links = {
    postgres: through.postgres as Link,
    temporal: through.temporal as Link,
    s3: through.s3 as Link,
    keyed: await before(targets.keyed),
    blind: await before(targets.blind),
  }
  const origins = {
    keyed: `http://127.0.0.1:${links.keyed.port}`,
    blind: `http://127.0.0.1:${links.blind.port}`,
  }
  const made = await makeTenant(own.all, url, 'chaos')
  await made.open({
    ...UNLIMITED,
    ...standingFor(made, 1_000_000, '1000000'),
    not_required: notRequired('reversible', 'contained', 'irreversible'),
    egress: [
      { origin: origins.keyed, methods: ['POST'], idempotency_header: 'Idempotency-Key' },
      { origin: origins.blind, methods: ['POST'], idempotency_header: null },
    ],
  })
  const urls = [url, api.url]
  // Whoever asks does not know which of the two answers.
  const tenant = { ...made, as: (name: MemberName) => new Caller(random.pick(urls), made.as(name).token) }
  const owner = new Database(stack.addresses.postgres.ownerUrl)
  const temporal = await openTemporal(stack.addresses.temporal)
  return {
    own,
    api,
    worker,
    urls,
    orders,
    links,
    watch,
    tenant,
    targets,
    origins,
    owner,
    temporal: temporal.client,
    stop: async () => {
      await Promise.all([api.stop(), worker.stop()])
      await temporal.close()
      await owner.end()
      await own.stop()
      for (const link of Object.values(links)) await link.close()
      await Promise.all(Object.values(targets).map((target) => target.stop()))
    },
  }
}
