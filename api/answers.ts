/**
 * What each route answers when it answers well, and what may be sent to it, by method and path: the one place where the
 * document gets them from. `test/api/document.test.ts` fails for a route that is not here.
 */
import type { z } from '@hono/zod-openapi'
import * as shapes from './answer-schemas.ts'
import { CONSOLE_PAGE } from './console-files.ts'
import * as controls from './control-schemas.ts'
import * as operations from './operation-schemas.ts'
import { resource } from './schemas.ts'

export interface Answers {
  /** The body of 200 and 201. */
  good: z.ZodType
  /** The body of 202, where it is no operation that waits. */
  later?: z.ZodType
  /** A body that the route takes. */
  example?: object
}

const REASON = { reason: 'no longer wanted' }
const HASH = '0'.repeat(64)
const UNTIL = '2090-01-01T00:00:00Z'
const LOCK = {
  title: 'Notes in spring',
  allowed_actions: ['note.append'],
  surface_id: '*',
  valid_until: UNTIL,
}
const all = (item: z.ZodType): Answers => ({ good: shapes.page(item) })
const sealed: Answers = { good: resource, later: operations.sealing }

const PLACES = Object.fromEntries(
  (['project', 'surface', 'app'] as const).flatMap((kind): [string, Answers][] => [
    [`get /${kind}s`, all(shapes.place)],
    [`post /${kind}s`, { good: shapes.place, example: { id: `${kind[0]}_field`, name: 'Field' } }],
    [`delete /${kind}s/{id}`, { good: shapes.endedPlace, example: REASON }],
  ]),
)

/** Controls that are put row by row answer the row. */
const row = (good: z.ZodType, example: object): Answers => ({ good, example: { ...example } })

export const ANSWERS: Readonly<Record<string, Answers>> = {
  'get /actions': all(operations.action),
  'get /actions/{name}': { good: operations.action },
  'get /notes': all(operations.note),

  'post /operations': {
    good: operations.operation.or(operations.observed),
    example: { action: 'note.append', input: { notebook: 'inbox', text: 'hello' } },
  },
  'get /operations': all(operations.operation),
  'get /operations/{id}': { good: operations.operation },
  'post /operations/{id}/decisions': {
    good: operations.counted,
    example: { decision: 'approve', intent_hash: HASH, reason: 'read it' },
  },
  'post /operations/{id}/cancel': { good: operations.operation, example: REASON },
  'post /operations/{id}/undo': { good: operations.operation, example: REASON },
  'post /operations/{id}/resolve': {
    good: operations.operation,
    example: { outcome: 'not_committed', evidence: { looked_at: 'the ledger' }, reason: 'it is not there' },
  },
  'get /operations/{id}/receipt': { good: operations.receipt },
  'get /operations/{id}/history': sealed,
  'get /operations/{id}/bundle': sealed,
  'get /operations/{id}/events': all(operations.event),
  'get /events': all(operations.event),

  'get /policy': { good: controls.policy },
  'put /policy': {
    good: controls.policy,
    example: {
      base_version: 0,
      reason: 'open the tenant',
      policy: {
        kill_switches: [{ scope: 'tenant', selector: { kind: 'all', value: null }, state: 'running', hold: null }],
      },
    },
  },
  'get /kill-switches': { good: shapes.switches },
  'put /kill-switches': { good: shapes.switches, example: { scope: 'tenant', state: 'stopped', reason: 'drill' } },
  'get /kill-switches/drain': { good: shapes.drain },
  'get /kill-switches/history': all(controls.switchChange),

  'get /firearms/policy': all(controls.licensePolicy),
  'put /firearms/policy': row(controls.licensePolicy, {
    action: 'note.append',
    license_types: ['lt_notes'],
    reason: 'notes take a licence',
  }),
  'get /firearms/grants': all(controls.grant),
  'put /firearms/grants': row(controls.grant, {
    principal_id: 'p_agent',
    license_type: 'lt_notes',
    actions: ['note.append'],
    expires_at: UNTIL,
    standing: { max_count: 100, max_amount: '50' },
    reason: 'for the season',
  }),
  'delete /firearms/grants/{id}': row(controls.grant, REASON),
  'get /registry/firearms/license-types': all(controls.licenseType),
  'post /registry/firearms/license-types': row(controls.licenseType, { id: 'lt_notes', name: 'Notes' }),
  'get /registry/firearms/inspect': { good: shapes.inspected },
  'get /strategy-lock/policy': all(controls.lockPolicy),
  'put /strategy-lock/policy': row(controls.lockPolicy, {
    action: 'http.post',
    surface_id: 's_main',
    required: true,
    reason: 'it leaves us',
  }),
  'get /budget/policy': { good: controls.budgetInForce },
  'put /budget/policy': row(controls.budget, { scope: {}, threshold: '100', window_days: 7, reason: 'a week' }),
  'post /kpi/definitions': row(controls.kpiDefinition, {
    surface_id: 's_main',
    kpi: 'error_rate',
    unit: 'percent',
    window_seconds: 3600,
  }),
  'put /kpi/corridors': row(controls.kpiCorridor, {
    surface_id: 's_main',
    kpi: 'error_rate',
    ceiling: '5',
    reason: 'as agreed',
  }),
  'get /kpi/config': { good: controls.kpis },
  'get /temperature/config': all(controls.temperature),
  'get /temperature/current': { good: controls.temperatureReading },
  'get /temperature/history': all(controls.temperatureRead),
  ...Object.fromEntries(
    (['floors', 'ceilings', 'weights'] as const).map((part) => [
      `put /temperature/${part}`,
      row(controls.temperature, { surface_id: 's_main', values: { error_rate: '5' }, reason: 'as agreed' }),
    ]),
  ),
  'get /rate-limits': all(controls.rateLimitInForce),
  'put /rate-limits': row(controls.rateLimit, {
    class: 'mutation',
    limit: 600,
    window_seconds: 60,
    reason: 'the usual',
  }),
  'get /feature-flags': { good: controls.flags },
  'put /feature-flags': row(controls.flags, { sse_enabled: true }),
  'put /feature-flags/global': row(controls.flags, { sse_enabled: true }),
  'get /egress/targets': all(controls.egress),
  'put /egress/targets': row(controls.egress, {
    origin: 'https://example.com',
    methods: ['POST'],
    idempotency_header: 'Idempotency-Key',
    reason: 'the ledger',
  }),
  'get /config/effective': { good: resource },
  'get /config/{scope}': { good: resource },
  'put /config/{scope}': { good: resource, example: { values: { theme: 'dark' } } },

  'post /kpi/raw': {
    good: shapes.measurement,
    example: { surface_id: 's_main', kpi: 'error_rate', value: '0.5' },
  },
  'get /kpi/raw': all(shapes.measurement),
  'post /budget/usage': { good: shapes.usage, example: { cost: '0.25', action: 'note.append' } },
  'get /budget/usage': all(shapes.usage),
  'get /budget/usage/summary': { good: shapes.summary },

  'post /strategy-locks': { good: shapes.lock, example: LOCK },
  'get /strategy-locks': all(shapes.lock),
  'get /strategy-locks/{id}': { good: shapes.lock },
  'patch /strategy-locks/{id}': { good: shapes.lock, example: { title: 'Notes in summer' } },
  'post /strategy-locks/{id}/approve': { good: shapes.lock, example: { content_hash: HASH, reason: 'read it' } },
  'post /strategy-locks/{id}/reject': { good: shapes.lock, example: { content_hash: HASH, reason: 'too wide' } },
  'post /strategy-locks/{id}/revoke': { good: shapes.lock, example: REASON },
  'post /three-wise/questions': {
    good: shapes.question,
    example: {
      question: 'Is it wise?',
      binds: { action: 'note.append', input: { notebook: 'inbox', text: 'hello' } },
    },
  },
  'get /three-wise/questions': all(shapes.question),
  'get /three-wise/questions/{id}': { good: shapes.question },
  'post /three-wise/questions/{id}/opinions': {
    good: shapes.question,
    example: { verdict: 'UNSURE', reason: 'it says too little' },
  },

  'get /privacy/train-prefs': { good: shapes.prefs },
  'post /privacy/train-prefs/tenant': { good: shapes.prefs, example: { opt_out: true } },
  'post /privacy/train-prefs/user': { good: shapes.prefs, example: { opt_out: true } },

  'get /auth/me': { good: shapes.me },
  'post /auth/ticket': { good: shapes.ticket, example: { stream: '/events' } },
  'post /tenants': {
    good: controls.tenantMade,
    example: { id: 't_field', name: 'Field', members: [{ name: 'owner', kind: 'user', role: 'owner' }] },
  },
  'get /principals': all(shapes.principal),
  'post /principals': { good: controls.principalMade, example: { kind: 'service', name: 'Nightly' } },
  'delete /principals/{principal_id}': { good: shapes.revoked('principal_id'), example: REASON },
  'get /memberships': all(shapes.membership),
  'put /memberships': { good: controls.membershipPut, example: { principal_id: 'p_somebody', role: 'viewer' } },
  'delete /memberships/{principal_id}': { good: shapes.revoked('principal_id'), example: REASON },
  'get /api-keys': all(shapes.apiKey),
  'post /api-keys': { good: controls.apiKeyMade, example: { principal_id: 'p_somebody', expires_at: UNTIL } },
  'post /api-keys/{id}/rotate': { good: controls.apiKeyMade, example: { expires_at: UNTIL, overlap_seconds: 60 } },
  'delete /api-keys/{id}': { good: shapes.revoked('id'), example: REASON },
  'get /operator-keys': all(shapes.operatorKey),
  'post /operator-keys': {
    good: controls.operatorKeyMade,
    example: { public_jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } },
  },
  'delete /operator-keys/{kid}': { good: shapes.revoked('kid'), example: REASON },
  ...PLACES,

  'post /nexus/raw/presign-upload': {
    good: shapes.upload,
    example: { filename: 'report.pdf', sha256: HASH, size_bytes: 1024 },
  },
  'post /nexus/raw/register': { good: operations.operation, example: { asset_id: `ra_${'0'.repeat(32)}` } },
  'get /nexus/raw/{asset_id}': { good: shapes.asset },
  'get /objects/{name}': { good: resource },

  'get /audit': { good: shapes.leaves },
  'get /audit/checkpoint': { good: resource },
  'get /audit/proof': { good: shapes.inclusion },
  'get /audit/consistency': { good: shapes.consistency },
  'get /audit/export': { good: shapes.exported },

  'get /healthz': { good: shapes.healthy },
  'get /readyz': { good: shapes.readiness },
  'get /metrics': { good: resource },
  'get /openapi.json': { good: resource },
  'get /docs': { good: resource },
  'get /': { good: resource },
  'get /console': { good: resource },
  [`get ${CONSOLE_PAGE}`]: { good: resource },
  'get /trust': { good: shapes.trust },
  'get /.well-known/exo-note-key': { good: resource },
}
