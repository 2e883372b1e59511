/**
 * One valid operation for tests: an intent, its plan, and facts under which all eight gates allow it. Every part of the
 * facts is in use (a licence with standing, a lock with a question, a cap, corridors on both sides), so that taking any
 * one away shows whether its gate noticed.
 */
import type { Vote } from '../../domain/approval.ts'
import { quorumTree } from '../../domain/approval.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Intent, Plan } from '../../domain/plan.ts'

export const NOW = '2026-03-14T09:26:53.000000Z'
const BINDING_HASH = 'b1'.repeat(32)

/** An instant so many seconds from {@link NOW}. */
export function fromNow(seconds: number): string {
  return new Date(Date.parse(NOW) + seconds * 1000).toISOString()
}

export function anIntent(change: Partial<Intent> = {}): Intent {
  return {
    v: 1,
    deployment: 'dep_test',
    env: 'dev',
    tenant_id: 't_a',
    operation_id: 'op_1',
    run: 'execute',
    mode: 'lab',
    project_id: 'p_main',
    surface_id: 's_main',
    app_id: 'a_main',
    principal_id: 'p_agent',
    on_behalf_of: null,
    action: 'note.append',
    action_version: 1,
    class: 'reversible',
    target: 'https://example.com/hook',
    preconditions: {},
    input: { notebook: 'log', text: 'hello' },
    estimated_cost: '2.5',
    idempotency_key: 'key-1',
    ...change,
  }
}

export function aPlan(change: Partial<Plan> = {}): Plan {
  return {
    v: 1,
    chain_version: 1,
    action: 'note.append',
    action_version: 1,
    class: 'reversible',
    governs: false,
    effect_kind: 'transactional',
    reversible: true,
    fast_path: true,
    standing: true,
    provider: 'example.com',
    effect_key: 'ek_1',
    effect_timeout_ms: 5_000,
    lease_ms: 15_000,
    binding_hash: BINDING_HASH,
    view: null,
    approval: {
      required: true,
      quorum: 1,
      tree: quorumTree(1),
      expires_in_seconds: 3600,
      assurance: 'attested',
      excluded_persons: ['person_owner'],
    },
    ...change,
  }
}

/** A fresh copy of the facts each time, so that tests may change theirs. */
export function goodFacts(): Facts {
  const row = (scope: 'global' | 'tenant', kind: 'all' | 'action' | 'provider' | 'class', value: string | null) => ({
    scope,
    selector: { kind, value },
    state: 'running' as const,
    epoch: 3,
    reason: 'opened',
    leaf_hash: 'aa'.repeat(32),
  })
  return {
    v: 2,
    now: NOW,
    principal: { id: 'p_agent', kind: 'agent', person_id: 'person_owner', status: 'active', membership: 'active' },
    places: { project: 'active', surface: 'active', app: 'active' },
    switches: [
      row('global', 'all', null),
      row('tenant', 'all', null),
      row('tenant', 'action', 'note.append'),
      row('tenant', 'provider', 'example.com'),
      row('tenant', 'class', 'reversible'),
    ],
    firearms: {
      license_types: ['lt_a'],
      strategy_lock_required: true,
      grants: [
        {
          id: 'gr_1',
          principal_id: 'p_agent',
          license_type: 'lt_a',
          actions: ['note.append'],
          project_id: 'p_main',
          surface_id: 's_main',
          expires_at: fromNow(3600),
          revoked: false,
          granted_by_person: 'person_admin',
          standing: { max_count: 10, max_amount: '50', targets: ['https://example.com/hook'] },
          used: { count: 4, amount: '10' },
        },
      ],
    },
    strategy_lock: {
      required: true,
      locks: [
        {
          id: 'sl_1',
          version: 2,
          status: 'approved',
          surface_id: 's_main',
          project_id: 'p_main',
          allowed_actions: ['note.append'],
          valid_from: fromNow(-3600),
          valid_until: fromNow(3600),
          constraints: null,
          three_wise: { id: 'tw_1', verdict: 'APPROVE', binding_hash: BINDING_HASH, expires_at: fromNow(600) },
        },
      ],
    },
    budget: {
      policy: { threshold: '100', window_days: 7, surface_id: 's_main', app_id: 'a_main' },
      settled: '40',
      reserved: '10.25',
      cap: { daily_cap: '20', spent: '5' },
    },
    kpi: {
      corridors: [
        {
          kpi: 'error_rate',
          floor: '0',
          ceiling: '5',
          max_age_seconds: 3600,
          measurement: { value: '1.5', measured_at: fromNow(-60) },
        },
        {
          kpi: 'uptime',
          floor: '99',
          ceiling: '100',
          max_age_seconds: 3600,
          measurement: { value: '99.95', measured_at: fromNow(-60) },
        },
      ],
    },
    temperature: {
      floors: { uptime: '99' },
      ceilings: { error_rate: '5' },
      weights: { load: '0.5' },
      max_age_seconds: 3600,
      values: {
        uptime: { value: '99.95', measured_at: fromNow(-60) },
        error_rate: { value: '1.5', measured_at: fromNow(-60) },
        load: { value: '0.7', measured_at: fromNow(-60) },
      },
    },
    waivers: [{ gate: 'kpi', until: fromNow(-1), reason: 'ran out', waived_by: 'op_0' }],
    audit: {
      sequencer_at: fromNow(-1),
      oldest_unindexed_at: fromNow(-1),
      checkpoint_at: fromNow(-2),
      self_check: { ok: true, at: fromNow(-30) },
    },
  }
}

/** An admitted approval; `by` and `person_id` default to one person of their own. */
export function aVote(person: string, change: Partial<Vote> = {}): Vote {
  return {
    jws: 'e30.e30.c2ln',
    by: `p_${person}`,
    person_id: `person_${person}`,
    permissions: ['decide'],
    role: 'operator',
    platform_role: null,
    assurance: 'self_signed',
    decision: 'approve',
    reason: null,
    nonce: `nonce-of-${person}-0000`,
    shown_hash: 'cc'.repeat(32),
    at: NOW,
    ...change,
  }
}
