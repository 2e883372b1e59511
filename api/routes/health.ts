/** Health of the process, readiness of each backend by name, metrics, and the API's own document. */
import { z } from '@hono/zod-openapi'
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'
import { documentPage } from '../document-page.ts'
import type { ApiPorts } from '../ports.ts'
import { addRoute, type App } from '../route.ts'

const CHECK_MS = 3_000

export interface Metrics {
  registry: Registry
  answered(method: string, route: string, status: number, seconds: number): void
}

export function makeMetrics(ports: ApiPorts): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const answers = new Counter({
    name: 'exo_http_requests_total',
    help: 'Answers by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'exo_http_request_seconds',
    help: 'Time to answer, waits for people included.',
    labelNames: ['method', 'route'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60],
    registers: [registry],
  })
  new Counter({
    name: 'exo_database_round_trips_total',
    help: 'Round trips to PostgreSQL by database role, since this process began.',
    labelNames: ['role'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [role, trips] of Object.entries(ports.roundTrips())) this.inc({ role }, trips)
    },
  })
  return {
    registry,
    answered(method, route, status, took) {
      answers.inc({ method, route, status: String(status) })
      seconds.observe({ method, route }, took)
    },
  }
}

export function healthRoutes(app: App, metrics: Metrics): void {
  addRoute(app, { method: 'get', path: '/healthz', kind: 'open', summary: 'The process answers' }, (c) =>
    c.json({ ok: true }),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/readyz',
      kind: 'open',
      summary: 'Every backend, by name; for=stop needs PostgreSQL alone',
      query: z.object({ for: z.enum(['stop']).optional() }),
      answers: { 200: { description: 'Ready.' }, 503: { description: 'Not ready.' } },
    },
    async (c, { query }) => {
      const backends = await checkBackends(c.get('ports'), query.for === 'stop')
      const ready = backends.every((backend) => backend.ok)
      return c.json({ ready, backends }, ready ? 200 : 503)
    },
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/metrics',
      kind: 'open',
      summary: 'Prometheus metrics',
      answers: { 200: { description: 'Text.', type: 'text/plain' } },
    },
    async (c) => c.body(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType }),
  )
  addRoute(app, { method: 'get', path: '/openapi.json', kind: 'open', summary: 'This document' }, (c) =>
    c.json(openApiDocument(app)),
  )
  addRoute(
    app,
    {
      method: 'get',
      path: '/docs',
      kind: 'open',
      summary: 'This document, for people',
      answers: { 200: { description: 'A page.', type: 'text/html' } },
    },
    (c) => c.html(documentPage(openApiDocument(app))),
  )
}

function openApiDocument(app: App) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'ExoArmur',
      version: '0.1.0',
      description: 'Executes side effects, and only those that were allowed to happen.',
    },
  })
}

async function checkBackends(ports: ApiPorts, forStop: boolean): Promise<{ name: string; ok: boolean }[]> {
  const checks: [string, () => Promise<unknown>][] = forStop
    ? [['postgres', () => ports.records.checkStop()]]
    : [
        ['postgres', () => ports.reading.check()],
        ['temporal', () => ports.runs.check()],
        ['s3', () => ports.objects.check()],
        [
          'audit',
          () => ports.reading.auditAlive().then((alive) => (alive ? null : Promise.reject(new Error('stale')))),
        ],
      ]
  return await Promise.all(checks.map(async ([name, check]) => ({ name, ok: await within(check) })))
}

async function within(check: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, CHECK_MS, false)
  })
  const answered = check().then(
    () => true,
    () => false,
  )
  const ok = await Promise.race([answered, late])
  clearTimeout(timer)
  return ok
}
