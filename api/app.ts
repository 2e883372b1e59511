/** The HTTP API, composed: what every request passes, then one file of routes a resource. */
import { OpenAPIHono } from '@hono/zod-openapi'
import { getPath } from 'hono/utils/url'
import { ObservedCounts } from './counting.ts'
import { problem, problemOf } from './envelope.ts'
import { callerActor } from './delegation.ts'
import { admitCaller } from './middleware/admit-caller.ts'
import { checkShape, routeOf, shapesOf } from './middleware/check-shape.ts'
import { identifyRequest } from './middleware/identify-request.ts'
import { limitAddresses } from './middleware/limit-addresses.ts'
import type { ApiPorts } from './ports.ts'
import type { Env } from './request.ts'
import type { App } from './route.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { auditRoutes } from './routes/audit.ts'
import { configRoutes } from './routes/config.ts'
import { consoleRoutes } from './routes/console.ts'
import { controlListRoutes } from './routes/control-lists.ts'
import { controlRoutes } from './routes/controls.ts'
import { decisionRoutes } from './routes/decisions.ts'
import { eventRoutes } from './routes/events.ts'
import { evidenceRoutes } from './routes/evidence.ts'
import { budgetRoutes } from './routes/budget.ts'
import { healthRoutes, makeMetrics } from './routes/health.ts'
import { identityRoutes } from './routes/identity.ts'
import { killSwitchRoutes } from './routes/kill-switches.ts'
import { memberRoutes } from './routes/members.ts'
import { operationRoutes } from './routes/operations.ts'
import { outsideRoutes } from './routes/outside.ts'
import { placeRoutes } from './routes/places.ts'
import { privacyRoutes } from './routes/privacy.ts'
import { rawRoutes } from './routes/raw.ts'
import { registryRoutes } from './routes/registry.ts'
import { strategyLockRoutes } from './routes/strategy-locks.ts'
import { threeWiseRoutes } from './routes/three-wise.ts'
import { temperatureRoutes } from './routes/temperature.ts'
import { ticketRoutes } from './routes/tickets.ts'
import { singleControlRoutes } from './routes/single-controls.ts'

/** Neither credential nor context. */
const OPEN =
  /^\/((healthz|readyz|metrics|openapi\.json|docs|console|console\/[a-z-]+(\.(js|css))?|trust|\.well-known\/.*)\/?)?$/

export interface Api {
  app: App
  close(): Promise<void>
}

export function makeApi(ports: ApiPorts): Api {
  // The router would take a star for the pattern it is in middleware, and run every one of them twice.
  const app: App = new OpenAPIHono<Env>({ getPath: (request) => getPath(request).replaceAll('*', '%2A') })
  const counts = new ObservedCounts(ports)
  const metrics = makeMetrics(ports)
  let shapes: ReturnType<typeof shapesOf> | null = null
  const knownShapes = () => {
    shapes ??= shapesOf(app.routes)
    return shapes
  }

  app.onError((error, c) => problemOf(c, error))
  app.notFound((c) => problem(c, { code: 'route.not_found' }))
  app.use('*', identifyRequest(ports))
  app.use('*', async function measure(c, next) {
    const startedAt = performance.now()
    await next()
    const route = routeOf(c, knownShapes()) ?? 'unknown'
    metrics.answered(c.req.method, route, c.res.status, (performance.now() - startedAt) / 1000)
  })
  app.use('*', limitAddresses(ports.addressLimit))
  const admit = admitCaller(knownShapes)
  app.use('*', async function admitUnlessOpen(c, next) {
    c.set('count', (action) => {
      const caller = c.get('caller')
      counts.add({ tenant_id: caller.tenant_id, actor: callerActor(caller), action })
    })
    if (!OPEN.test(c.req.path)) return await admit(c, next)
    await checkShape(c, knownShapes())
    await next()
  })

  operationRoutes(app)
  decisionRoutes(app)
  evidenceRoutes(app)
  eventRoutes(app)
  registryRoutes(app)
  outsideRoutes(app)
  rawRoutes(app)
  controlRoutes(app)
  budgetRoutes(app)
  strategyLockRoutes(app)
  privacyRoutes(app)
  temperatureRoutes(app)
  configRoutes(app)
  threeWiseRoutes(app)
  killSwitchRoutes(app)
  singleControlRoutes(app)
  controlListRoutes(app)
  identityRoutes(app)
  memberRoutes(app)
  placeRoutes(app)
  ticketRoutes(app)
  apiKeyRoutes(app)
  auditRoutes(app)
  healthRoutes(app, metrics)
  consoleRoutes(app)
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  return { app, close: () => counts.close() }
}
