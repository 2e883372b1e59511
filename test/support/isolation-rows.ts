/**
 * Every route, and where in a request for it an id of another tenant can be put. A route that has no row here fails
 * test/api/isolation-matrix.test.ts: give it one, with all that it takes besides the id being right, so that the id alone
 * decides. Headers, and bodies and queries that repeat the context, are tried for every route without being named here.
 */
import type { JsonObject } from '../../domain/canonical.ts'

/** What can be named in a request; the same names in another tenant, and in none. */
export interface Ids {
  tenant: string
  operation: string
  note: string
  notebook: string
  object: string
  asset: string
  principal: string
  person: string
  api_key: string
  operator_key: string
  project: string
  surface: string
  app: string
  lock: string
  grant: string
  question: string
  hash: string
  key: string
  /** A cursor of the list that is asked for. */
  cursor: string
}

export interface Row {
  /** What the path names. */
  path?: keyof Ids
  /** A right body but for what it names; for a path that names something, a right body. */
  body?: (ids: Ids) => JsonObject
  /** Queries that name something. */
  query?: readonly ((ids: Ids) => string)[]
  /** A query that the list cannot do without; its cursors are tried. */
  list?: string
  /** A body that opens an operation of one's own under a key that another tenant has used. */
  keyed?: JsonObject
  /** Asked as it is, a reading shows nothing of anybody else; this is the query it cannot do without. */
  plain?: string
}

const UNTIL = '2090-01-01T00:00:00Z'
const because = () => ({ reason: 'x' })
const place = { body: because } as const
const note = { action: 'note.append', input: { notebook: 'commons', text: 'x' } }
const act = (action: string, input: JsonObject) => ({ action, input })
const lock = { title: 'x', allowed_actions: ['note.append'], surface_id: 's_main', valid_until: UNTIL }
const licence = { license_type: 'lt_a', actions: ['note.append'], expires_at: UNTIL, reason: 'x' }
const required = { action: 'note.append', required: true, reason: 'x' }
const limited: Row = { body: ({ surface: surface_id }) => ({ surface_id, values: { k: '1' }, reason: 'x' }) }
const decided = ({ hash }: Ids) => ({ content_hash: hash, reason: 'x' })

export const OPEN_ROUTES = [
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /docs',
  'GET /',
  'GET /console',
  'GET /console/keys',
  'GET /console/keys.css',
  'GET /console/keys.js',
  'GET /console/client.js',
  'GET /console/elements.js',
  'GET /console/canonical.js',
  'GET /console/key-store.js',
  'GET /console/key-list.js',
  'GET /console/ballot.js',
  'GET /console/vote-panel.js',
  'GET /trust',
  'GET /.well-known/exo-note-key',
]

/** Nobody's tenant is named in them, and no context. */
export const CONTEXT_FREE_ROUTES = ['GET /auth/me']

export const ROWS: Readonly<Record<string, Row | readonly Row[]>> = {
  'GET /actions': { plain: '' },
  'GET /actions/:name': {},
  'POST /operations': [
    { body: ({ note: note_id }) => act('note.remove', { note_id }), keyed: note },
    { body: ({ note: note_id }) => act('note.restore', { note_id }) },
    { body: ({ asset: asset_id }) => act('raw.register', { asset_id }) },
    {
      body: ({ operation }) =>
        act('operation.resolve', { operation_id: operation, outcome: 'committed', evidence: { seen: 'x' } }),
    },
    { body: ({ principal: principal_id }) => act('membership.put', { principal_id, role: 'viewer' }) },
    { body: ({ lock: lock_id, hash }) => act('strategy_lock.approve', { lock_id, content_hash: hash }) },
    { body: ({ notebook }) => act('note.list', { notebook }) },
  ],
  'GET /operations': {
    list: '',
    plain: '?limit=200',
    query: [({ project }) => `project=${project}`],
  },
  'GET /operations/:id': { path: 'operation' },
  'GET /operations/:id/events': { path: 'operation' },
  'GET /operations/:id/receipt': { path: 'operation' },
  'GET /operations/:id/history': { path: 'operation' },
  'GET /operations/:id/bundle': { path: 'operation' },
  'POST /operations/:id/decisions': {
    path: 'operation',
    body: ({ hash }) => ({ decision: 'approve', intent_hash: hash, reason: 'x' }),
  },
  'POST /operations/:id/cancel': { path: 'operation', body: because },
  'POST /operations/:id/undo': { path: 'operation', body: because },
  'POST /operations/:id/resolve': {
    path: 'operation',
    body: () => ({ outcome: 'committed', evidence: { seen: 'x' }, reason: 'x' }),
  },
  'GET /events': { list: '?follow=false', plain: '?follow=false&limit=200' },
  'POST /auth/ticket': { body: ({ operation }) => ({ stream: `/operations/${operation}/events` }) },
  'GET /notes': {
    list: '?notebook=commons',
    plain: '?notebook=commons',
    query: [({ notebook }) => `notebook=${notebook}`],
  },
  'GET /objects/:name': { path: 'object' },
  'GET /nexus/raw/:asset_id': { path: 'asset' },
  'POST /nexus/raw/presign-upload': {},
  'POST /nexus/raw/register': { body: ({ asset: asset_id }) => ({ asset_id }) },
  'GET /egress/targets': { plain: '' },
  'PUT /egress/targets': {},
  'GET /policy': { plain: '' },
  'PUT /policy': [
    {
      body: ({ principal: principal_id, surface: surface_id, project: project_id }) => ({
        base_version: 1,
        reason: 'x',
        policy: {
          grants: [
            { principal_id, surface_id, project_id, license_type: 'lt_a', actions: ['note.append'], expires_at: UNTIL },
          ],
        },
      }),
    },
    {
      body: ({ surface: surface_id, app: app_id }) => ({
        base_version: 1,
        reason: 'x',
        policy: { budget: [{ scope: { surface_id, app_id }, threshold: '1' }] },
      }),
    },
  ],
  'GET /kill-switches': { plain: '' },
  'PUT /kill-switches': {},
  'GET /kill-switches/drain': { plain: '' },
  'GET /kill-switches/history': { list: '', plain: '' },
  'GET /registry/firearms/license-types': { plain: '' },
  'POST /registry/firearms/license-types': {},
  'GET /registry/firearms/inspect': { plain: '?action=note.append' },
  'GET /firearms/policy': { plain: '' },
  'PUT /firearms/policy': {},
  'GET /firearms/grants': { list: '', plain: '', query: [({ principal }) => `principal_id=${principal}`] },
  'PUT /firearms/grants': [
    { body: ({ principal: principal_id }) => ({ ...licence, principal_id }) },
    {
      body: ({ surface: surface_id, project: project_id }) => ({
        ...licence,
        principal_id: 'p_nobody',
        surface_id,
        project_id,
      }),
    },
    { body: ({ grant: id }) => ({ ...licence, principal_id: 'p_nobody', id }) },
  ],
  'DELETE /firearms/grants/:id': { path: 'grant', body: because },
  'GET /strategy-lock/policy': { plain: '' },
  'PUT /strategy-lock/policy': { body: ({ surface: surface_id }) => ({ ...required, surface_id }) },
  'GET /budget/policy': {
    plain: '',
    query: [({ surface }) => `surface_id=${surface}`, ({ app }) => `app_id=${app}`],
  },
  'PUT /budget/policy': {
    body: ({ surface: surface_id, app: app_id }) => ({ scope: { surface_id, app_id }, threshold: '1', reason: 'x' }),
  },
  'GET /kpi/config': { plain: '', query: [({ surface }) => `surface_id=${surface}`] },
  'POST /kpi/definitions': {
    body: ({ surface: surface_id }) => ({ surface_id, kpi: 'k', unit: 'x', window_seconds: 1 }),
  },
  'PUT /kpi/corridors': { body: ({ surface: surface_id }) => ({ surface_id, kpi: 'k', floor: '1', reason: 'x' }) },
  'GET /temperature/config': { plain: '', query: [({ surface }) => `surface_id=${surface}`] },
  'PUT /temperature/floors': limited,
  'PUT /temperature/ceilings': limited,
  'PUT /temperature/weights': limited,
  'GET /rate-limits': { plain: '' },
  'PUT /rate-limits': {},
  'GET /feature-flags': { plain: '' },
  'PUT /feature-flags': {},
  'PUT /feature-flags/global': {},
  'GET /kpi/raw': {
    list: '?kpi=k',
    plain: '?kpi=k',
    query: [({ surface }) => `surface_id=${surface}`],
  },
  'POST /kpi/raw': { body: ({ surface: surface_id }) => ({ kpi: 'k', value: '1', surface_id }) },
  'GET /budget/usage': {
    list: '',
    plain: '',
    query: [({ surface }) => `surface_id=${surface}`, ({ operation }) => `operation_id=${operation}`],
  },
  'GET /budget/usage/summary': { plain: '', query: [({ surface }) => `surface_id=${surface}`] },
  'POST /budget/usage': [
    { body: ({ surface: surface_id }) => ({ cost: '1', action: 'note.append', surface_id }) },
    { body: ({ operation: operation_id }) => ({ cost: '1', action: 'note.append', operation_id }) },
  ],
  'GET /strategy-locks': { list: '', plain: '', query: [({ surface }) => `surface_id=${surface}`] },
  'GET /strategy-locks/:id': { path: 'lock' },
  'POST /strategy-locks': [
    { body: ({ surface: surface_id, project: project_id }) => ({ ...lock, surface_id, project_id }) },
    { body: ({ question: three_wise_id }) => ({ ...lock, three_wise_id }) },
  ],
  'PATCH /strategy-locks/:id': { path: 'lock', body: () => ({ title: 'another' }) },
  'POST /strategy-locks/:id/approve': { path: 'lock', body: decided },
  'POST /strategy-locks/:id/reject': { path: 'lock', body: decided },
  'POST /strategy-locks/:id/revoke': { path: 'lock', body: because },
  'GET /three-wise/questions': { list: '', plain: '' },
  'GET /three-wise/questions/:id': { path: 'question' },
  'POST /three-wise/questions': {
    body: ({ note: note_id }) => ({ question: 'x', binds: { action: 'note.remove', input: { note_id } } }),
  },
  'POST /three-wise/questions/:id/opinions': { path: 'question', body: () => ({ verdict: 'REJECT', reason: 'x' }) },
  'GET /temperature/current': { plain: '', query: [({ surface }) => `surface_id=${surface}`] },
  'GET /temperature/history': { list: '', plain: '', query: [({ surface }) => `surface_id=${surface}`] },
  'GET /config/effective': { plain: '', query: [({ surface }) => `surface_id=${surface}`] },
  'GET /config/:scope': {},
  'PUT /config/:scope': {},
  'GET /privacy/train-prefs': { plain: '' },
  'POST /privacy/train-prefs/tenant': {},
  'POST /privacy/train-prefs/user': { body: ({ principal: user_id }) => ({ opt_out: true, user_id }) },
  'POST /tenants': {},
  'GET /principals': { plain: '' },
  'POST /principals': {
    body: ({ person: person_id }) => ({ kind: 'agent', name: 'x', person_id }),
    keyed: { kind: 'agent', name: 'x' },
  },
  'DELETE /principals/:principal_id': { path: 'principal', body: because },
  'GET /memberships': { plain: '' },
  'PUT /memberships': { body: ({ principal: principal_id }) => ({ principal_id, role: 'viewer' }) },
  'DELETE /memberships/:principal_id': { path: 'principal', body: because },
  'GET /api-keys': { plain: '' },
  'POST /api-keys': { body: ({ principal: principal_id }) => ({ principal_id, expires_at: UNTIL }) },
  'POST /api-keys/:id/rotate': { path: 'api_key', body: () => ({ overlap_seconds: 0, expires_at: UNTIL }) },
  'DELETE /api-keys/:id': { path: 'api_key', body: because },
  'GET /operator-keys': { plain: '' },
  'POST /operator-keys': {},
  'DELETE /operator-keys/:kid': { path: 'operator_key', body: because },
  'GET /projects': { plain: '' },
  'POST /projects': {},
  'DELETE /projects/:id': { path: 'project', ...place },
  'GET /surfaces': { plain: '' },
  'POST /surfaces': {},
  'DELETE /surfaces/:id': { path: 'surface', ...place },
  'GET /apps': { plain: '' },
  'POST /apps': {},
  'DELETE /apps/:id': { path: 'app', ...place },
  'GET /audit': {
    list: '?limit=1',
    plain: '?limit=200',
    query: [({ operation }) => `operation_id=${operation}`, ({ key }) => `request_id=${key}`],
  },
  'GET /audit/checkpoint': { plain: '' },
  'GET /audit/proof': { plain: '?leaf=0' },
  'GET /audit/consistency': { plain: '?from=1&to=1' },
  'GET /audit/export': { plain: '' },
}
