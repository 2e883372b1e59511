/** Every gate, every answer it can give, with the limits hit exactly and missed by the least step. */
import { describe, expect, test } from 'vitest'
import { ERRORS, type ErrorCode, GATES, type GateName } from '../../../domain/errors.ts'
import type { Facts } from '../../../domain/facts.ts'
import { CHAIN, firstBlock, makePass, runChain } from '../../../domain/gates/chain.ts'
import { kindHash } from '../../../domain/hash.ts'
import type { Intent, Plan } from '../../../domain/plan.ts'
import { anIntent, aPlan, fromNow, goodFacts, NOW } from '../../support/domain.ts'

type Answer = 'allow' | 'not_applicable' | ErrorCode
interface Case {
  what: string
  answer: Answer
  facts?: (facts: Facts) => void
  intent?: Partial<Intent>
  plan?: Partial<Plan>
  /** Members the evidence must have. */
  evidence?: object
}

/** Lists and optional objects of the good facts hold something; this says so to the type system. */
function the<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('not among the good facts')
  return value
}
const bad = (value: unknown): never => value as never
const waive = (facts: Facts, gate: 'budget' | 'kpi' | 'temperature', until: string) =>
  facts.waivers.push({ gate, until, reason: 'nothing to measure', waived_by: 'op_9' })
const row = (facts: Facts, scope: string, kind: string) =>
  the(facts.switches.find((each) => each.scope === scope && each.selector.kind === kind))
const drop = (facts: Facts, scope: string, kind: string) => {
  facts.switches = facts.switches.filter((each) => each.scope !== scope || each.selector.kind !== kind)
}
const grant = (facts: Facts) => the(facts.firearms.grants[0])
const lock = (facts: Facts) => the(facts.strategy_lock.locks[0])
const question = (facts: Facts) => the(lock(facts).three_wise)
const errorRate = (facts: Facts) => the(facts.kpi.corridors[0])
const value = (facts: Facts, text: string) => {
  the(errorRate(facts).measurement).value = text
}
const heat = (facts: Facts) => the(facts.temperature)

const TABLES: Record<GateName, Case[]> = {
  kill_switch: [
    { what: 'all rows running', answer: 'allow', evidence: { epochs: { 'global:all': 3, 'tenant:action': 3 } } },
    { what: 'only the two rows that must exist', answer: 'allow', facts: (f) => f.switches.splice(2) },
    ...(['global', 'tenant'] as const).flatMap((scope): Case[] => [
      {
        what: `${scope} stopped`,
        answer: 'kill_switch.blocked',
        facts: (f) => Object.assign(row(f, scope, 'all'), { state: 'stopped', epoch: 8, reason: 'smoke' }),
        evidence: { scope, selector: { kind: 'all', value: null }, epoch: 8, reason: 'smoke', unset: false },
      },
      {
        what: `${scope} never set`,
        answer: 'kill_switch.blocked',
        facts: (f) => drop(f, scope, 'all'),
        evidence: { scope, selector: { kind: 'all', value: null }, epoch: 0, unset: true },
      },
    ]),
    {
      what: 'both stopped: global is named',
      answer: 'kill_switch.blocked',
      facts: (f) => {
        for (const each of f.switches.toReversed()) each.state = 'stopped'
        f.switches.reverse()
      },
      evidence: { scope: 'global' },
    },
    ...(['action', 'provider', 'class'] as const).flatMap((kind): Case[] => [
      {
        what: `a stopped row names this ${kind}`,
        answer: 'kill_switch.blocked',
        facts: (f) => Object.assign(row(f, 'tenant', kind), { state: 'stopped' }),
        evidence: { scope: 'tenant', selector: { kind, value: the(row(goodFacts(), 'tenant', kind).selector.value) } },
      },
      {
        what: `a stopped global row names this ${kind}`,
        answer: 'kill_switch.blocked',
        facts: (f) => f.switches.push({ ...row(f, 'tenant', kind), scope: 'global', state: 'stopped' }),
        evidence: { scope: 'global' },
      },
      {
        what: `a stopped row names another ${kind}`,
        answer: 'allow',
        facts: (f) =>
          Object.assign(row(f, 'tenant', kind), { state: 'stopped', selector: { kind, value: 'note.append2' } }),
      },
    ]),
    {
      what: 'a stopped provider row, and no provider',
      answer: 'allow',
      facts: (f) =>
        Object.assign(row(f, 'tenant', 'provider'), { state: 'stopped', selector: { kind: 'provider', value: null } }),
      plan: { provider: null },
    },
    {
      what: 'a running row beside a stopped one of the same name',
      answer: 'kill_switch.blocked',
      facts: (f) => f.switches.push({ ...row(f, 'tenant', 'action'), state: 'stopped' }),
    },
    {
      what: 'a state that is no state',
      answer: 'kill_switch.unavailable',
      facts: (f) => Object.assign(row(f, 'tenant', 'all'), { state: 'Running' }),
      evidence: { field: 'switches[1].state' },
    },
    {
      what: 'an unreadable row that would not even match',
      answer: 'kill_switch.unavailable',
      facts: (f) => f.switches.push(bad({ ...row(f, 'tenant', 'class'), epoch: -1 })),
    },
  ],
  firearms: [
    { what: 'the licence is held', answer: 'allow', evidence: { bound: true, grants: ['gr_1'] } },
    {
      what: 'the action is bound to none',
      answer: 'allow',
      facts: (f) => Object.assign(f.firearms, { license_types: [], grants: [] }),
      evidence: { bound: false, grants: [] },
    },
    {
      what: 'of two licences one is missing',
      answer: 'firearms.license_required',
      facts: (f) => f.firearms.license_types.push('lt_b'),
      evidence: { required_license_types: ['lt_b'] },
    },
    {
      what: 'both licences are held',
      answer: 'allow',
      facts: (f) => {
        f.firearms.license_types.push('lt_b')
        f.firearms.grants.unshift({ ...grant(f), id: 'gr_2', license_type: 'lt_b', project_id: null, standing: null })
      },
      evidence: { grants: ['gr_1', 'gr_2'] },
    },
    {
      what: 'one millisecond before the end',
      answer: 'allow',
      facts: (f) => Object.assign(grant(f), { expires_at: fromNow(0.001) }),
    },
    {
      what: 'at the end exactly',
      answer: 'firearms.license_required',
      facts: (f) => Object.assign(grant(f), { expires_at: NOW }),
    },
    {
      what: 'a used-up standing grant is still a licence',
      answer: 'allow',
      facts: (f) => Object.assign(grant(f).used, { count: 10 }),
    },
    ...(
      [
        ['revoked', { revoked: true }],
        ['of another principal', { principal_id: 'p_other' }],
        ['for another action', { actions: ['note.remove'] }],
        ['in another project', { project_id: 'p_other' }],
        ['on another surface', { surface_id: 's_other' }],
        ['of another type', { license_type: 'lt_b' }],
      ] as const
    ).map(
      ([what, change]): Case => ({
        what: `a grant ${what}`,
        answer: 'firearms.license_required',
        facts: (f) => Object.assign(grant(f), change),
        evidence: { required_license_types: ['lt_a'] },
      }),
    ),
    {
      what: 'an unknown principal',
      answer: 'firearms.license_required',
      facts: (f) => Object.assign(f, { principal: null }),
    },
    {
      what: 'the facts of another principal',
      answer: 'firearms.license_required',
      intent: { principal_id: 'p_other' },
    },
    {
      what: 'a revoked principal',
      answer: 'auth.principal_revoked',
      facts: (f) => Object.assign(the(f.principal), { status: 'revoked' }),
    },
    {
      what: 'a revoked membership',
      answer: 'auth.principal_revoked',
      facts: (f) => Object.assign(the(f.principal), { membership: 'revoked' }),
    },
    {
      what: 'no membership',
      answer: 'auth.principal_revoked',
      facts: (f) => Object.assign(the(f.principal), { membership: 'none' }),
    },
    ...(
      [
        ['project', 'X-Project-Id'],
        ['surface', 'X-Surface-Id'],
        ['app', 'X-App-Id'],
      ] as const
    ).map(
      ([kind, field]): Case => ({
        what: `a ${kind} that was ended`,
        answer: 'context.not_found',
        facts: (f) => Object.assign(the(f.places), { [kind]: 'inactive' }),
        evidence: { field },
      }),
    ),
    {
      what: 'a place without a status',
      answer: 'firearms.unavailable',
      facts: (f) => delete the(f.places).app,
      evidence: { field: 'places.app' },
    },
    {
      what: 'no project where none is named',
      answer: 'allow',
      facts: (f) => {
        delete the(f.places).project
        grant(f).project_id = null
      },
      intent: { project_id: null },
    },
    {
      what: 'facts of before places were read',
      answer: 'allow',
      facts: (f) => delete Object.assign(f, { v: 1 }).places,
    },
    {
      what: 'a status that is no status',
      answer: 'firearms.unavailable',
      facts: (f) => Object.assign(the(f.principal), { status: 'ACTIVE' }),
      evidence: { field: 'principal.status' },
    },
    {
      what: 'an end on a day that does not exist',
      answer: 'firearms.unavailable',
      facts: (f) => Object.assign(grant(f), { expires_at: '2027-02-30T00:00:00Z' }),
      evidence: { field: 'firearms.grants[0].expires_at' },
    },
  ],
  strategy_lock: [
    { what: 'an approved lock', answer: 'allow', evidence: { locks: ['sl_1'] } },
    {
      what: 'neither policy nor binding wants one',
      answer: 'not_applicable',
      facts: (f) => {
        f.strategy_lock = { required: false, locks: [] }
        f.firearms.strategy_lock_required = false
      },
    },
    {
      what: 'only the binding wants one',
      answer: 'allow',
      facts: (f) => Object.assign(f.strategy_lock, { required: false }),
    },
    {
      what: 'only policy wants one',
      answer: 'allow',
      facts: (f) => Object.assign(f.firearms, { strategy_lock_required: false }),
    },
    {
      what: 'wanted, and none there',
      answer: 'strategy_lock.approval_required',
      facts: (f) => f.strategy_lock.locks.splice(0),
    },
    {
      what: 'a lock for everywhere',
      answer: 'allow',
      facts: (f) => Object.assign(lock(f), { surface_id: '*', project_id: null }),
      intent: { surface_id: null, project_id: null },
    },
    { what: 'from now on exactly', answer: 'allow', facts: (f) => Object.assign(lock(f), { valid_from: NOW }) },
    {
      what: 'until one millisecond from now',
      answer: 'allow',
      facts: (f) => Object.assign(lock(f), { valid_until: fromNow(0.001) }),
    },
    ...(
      [
        ['a draft', { status: 'draft' }],
        ['rejected', { status: 'rejected' }],
        ['expired', { status: 'expired' }],
        ['revoked', { status: 'revoked' }],
        ['of another surface', { surface_id: 's_other' }],
        ['of another project', { project_id: 'p_other' }],
        ['for another action', { allowed_actions: ['note.*', '*'] }],
        ['from one millisecond on', { valid_from: fromNow(0.001) }],
        ['until now exactly', { valid_until: NOW }],
      ] as const
    ).map(
      ([what, change]): Case => ({
        what: `a lock ${what}`,
        answer: 'strategy_lock.approval_required',
        facts: (f) => Object.assign(lock(f), change),
        evidence: { action: 'note.append' },
      }),
    ),
    ...(
      [
        ['nobody can evaluate', { max: 1 }],
        ['are empty', {}],
        ['do not hold', 'input.text == "bye"'],
        ['fail', 'input.amount > 1'],
        ['are no expression', 'input.text =='],
      ] as const
    ).map(
      ([what, constraints]): Case => ({
        what: `a lock whose constraints ${what}`,
        answer: 'strategy_lock.approval_required',
        facts: (f) => Object.assign(lock(f), { constraints }),
        evidence: { action: 'note.append', unsatisfied: ['sl_1'] },
      }),
    ),
    {
      what: 'a lock whose constraints hold',
      answer: 'allow',
      facts: (f) => Object.assign(lock(f), { constraints: 'input.text == "hello" && estimated_cost < 3' }),
      evidence: { locks: ['sl_1'] },
    },
    {
      what: 'a lock whose constraints hold, for several inputs',
      answer: 'strategy_lock.approval_required',
      plan: { batch: { items: 2, unit_cost: '1' } },
      facts: (f) => Object.assign(lock(f), { constraints: '!has(input.anything)' }),
      evidence: { action: 'note.append', unsatisfied: ['sl_1'] },
    },
    {
      what: 'a lock without constraints, for several inputs',
      answer: 'allow',
      plan: { batch: { items: 2, unit_cost: '1' } },
      facts: (f) => Object.assign(lock(f), { constraints: null }),
      evidence: { locks: ['sl_1'] },
    },
    {
      what: 'a status that is no status',
      answer: 'strategy_lock.unavailable',
      facts: (f) => Object.assign(lock(f), { status: 'Approved' }),
      evidence: { field: 'strategy_lock.locks[0].status' },
    },
  ],
  three_wise: [
    { what: 'approved, for exactly this', answer: 'allow', evidence: { question: 'tw_1' } },
    {
      what: 'no lock is wanted',
      answer: 'not_applicable',
      facts: (f) => {
        f.strategy_lock.required = false
        f.firearms.strategy_lock_required = false
      },
    },
    { what: 'no lock matches', answer: 'not_applicable', facts: (f) => Object.assign(lock(f), { status: 'draft' }) },
    {
      what: 'the lock names no question',
      answer: 'not_applicable',
      facts: (f) => Object.assign(lock(f), { three_wise: null }),
    },
    {
      what: 'of two matching locks one names no question',
      answer: 'not_applicable',
      facts: (f) => f.strategy_lock.locks.push({ ...lock(f), id: 'sl_2', three_wise: null }),
    },
    {
      what: 'of two questions the second is approved',
      answer: 'allow',
      facts: (f) => {
        f.strategy_lock.locks.push({ ...lock(f), id: 'sl_2', three_wise: { ...question(f), id: 'tw_2' } })
        question(f).verdict = 'REJECT'
      },
      evidence: { question: 'tw_2' },
    },
    {
      what: 'one millisecond before the end',
      answer: 'allow',
      facts: (f) => Object.assign(question(f), { expires_at: fromNow(0.001) }),
    },
    ...(
      [
        ['rejected', { verdict: 'REJECT' }],
        ['unsure', { verdict: 'UNSURE' }],
        ['bound to something else', { binding_hash: 'b2'.repeat(32) }],
        ['at its end exactly', { expires_at: NOW }],
      ] as const
    ).map(
      ([what, change]): Case => ({
        what: `a question ${what}`,
        answer: 'three_wise.verdict_required',
        facts: (f) => Object.assign(question(f), change),
        evidence: { questions: ['tw_1'] },
      }),
    ),
    {
      what: 'a verdict in small letters',
      answer: 'three_wise.unavailable',
      facts: (f) => Object.assign(question(f), { verdict: 'approve' }),
    },
  ],
  budget: [
    {
      what: 'it fits',
      answer: 'allow',
      evidence: { threshold: '100', settled: '40', reserved: '10.25', estimate: '2.5' },
    },
    { what: 'it fits exactly', answer: 'allow', facts: (f) => Object.assign(f.budget, { settled: '87.25' }) },
    {
      what: 'a millionth too much',
      answer: 'budget.threshold_exceeded',
      facts: (f) => Object.assign(f.budget, { settled: '87.250001' }),
      evidence: { settled: '87.250001', window_days: 7 },
    },
    {
      what: 'reserved counts as well',
      answer: 'budget.threshold_exceeded',
      facts: (f) => Object.assign(f.budget, { reserved: '60' }),
    },
    {
      what: 'a threshold of nothing, at no cost',
      answer: 'allow',
      facts: (f) =>
        Object.assign(f.budget, { settled: '0', reserved: '0', policy: { ...the(f.budget.policy), threshold: '0' } }),
      intent: { estimated_cost: '0' },
    },
    {
      what: 'the daily cap is reached exactly',
      answer: 'allow',
      facts: (f) => Object.assign(the(f.budget.cap), { spent: '17.5' }),
    },
    {
      what: 'a millionth over the daily cap',
      answer: 'budget.daily_cap_exceeded',
      facts: (f) => Object.assign(the(f.budget.cap), { spent: '17.500001' }),
      evidence: { daily_cap: '20', spent: '17.500001', estimate: '2.5' },
    },
    {
      what: 'over both: the daily cap is named',
      answer: 'budget.daily_cap_exceeded',
      facts: (f) => {
        the(f.budget.cap).spent = '20'
        f.budget.settled = '100'
      },
    },
    { what: 'no daily cap', answer: 'allow', facts: (f) => Object.assign(f.budget, { cap: null }) },
    {
      what: 'no threshold',
      answer: 'budget.threshold_missing',
      facts: (f) => Object.assign(f.budget, { policy: null }),
    },
    {
      what: 'no threshold, and none required',
      answer: 'not_applicable',
      facts: (f) => {
        f.budget.policy = null
        waive(f, 'budget', fromNow(0.001))
      },
      evidence: { waived_by: 'op_9', reason: 'nothing to measure' },
    },
    {
      what: 'the waiver ends now exactly',
      answer: 'budget.threshold_missing',
      facts: (f) => {
        f.budget.policy = null
        waive(f, 'budget', NOW)
      },
    },
    {
      what: 'another gate’s waiver',
      answer: 'budget.threshold_missing',
      facts: (f) => {
        f.budget.policy = null
        waive(f, 'kpi', fromNow(60))
      },
    },
    {
      what: 'an amount as a number',
      answer: 'budget.unavailable',
      facts: (f) => Object.assign(f.budget, { settled: 40 }),
      evidence: { field: 'budget.settled' },
    },
    {
      what: 'a negative amount',
      answer: 'budget.unavailable',
      facts: (f) => Object.assign(f.budget, { reserved: '-50' }),
    },
    {
      what: 'an estimate that is no decimal',
      answer: 'budget.unavailable',
      intent: { estimated_cost: '-1' },
      evidence: { field: 'estimated_cost' },
    },
  ],
  kpi: [
    { what: 'inside both corridors', answer: 'allow', evidence: { values: { error_rate: '1.5', uptime: '99.95' } } },
    { what: 'on the floor exactly', answer: 'allow', facts: (f) => value(f, '0') },
    { what: 'on the ceiling exactly', answer: 'allow', facts: (f) => value(f, '5.000000') },
    {
      what: 'a millionth below the floor',
      answer: 'kpi.floor_breached',
      facts: (f) => value(f, '-0.000001'),
      evidence: { kpi: 'error_rate', floor: '0' },
    },
    {
      what: 'a millionth above the ceiling',
      answer: 'kpi.ceiling_breached',
      facts: (f) => value(f, '5.000001'),
      evidence: { kpi: 'error_rate', ceiling: '5' },
    },
    { what: 'only a floor', answer: 'allow', facts: (f) => Object.assign(errorRate(f), { ceiling: null }) },
    {
      what: 'only a ceiling, and below zero',
      answer: 'allow',
      facts: (f) => {
        Object.assign(errorRate(f), { floor: null })
        value(f, '-7')
      },
    },
    {
      what: 'neither',
      answer: 'kpi.threshold_missing',
      facts: (f) => Object.assign(errorRate(f), { floor: null, ceiling: null }),
      evidence: { kpi: 'error_rate' },
    },
    {
      what: 'no corridor',
      answer: 'kpi.threshold_missing',
      facts: (f) => f.kpi.corridors.splice(0),
      evidence: { surface_id: 's_main' },
    },
    {
      what: 'no corridor, and none required',
      answer: 'not_applicable',
      facts: (f) => {
        f.kpi.corridors = []
        waive(f, 'kpi', fromNow(1))
      },
    },
    {
      what: 'as old as allowed',
      answer: 'allow',
      facts: (f) => Object.assign(the(errorRate(f).measurement), { measured_at: fromNow(-3600) }),
    },
    {
      what: 'a millisecond older',
      answer: 'kpi.measurement_missing',
      facts: (f) => Object.assign(the(errorRate(f).measurement), { measured_at: fromNow(-3600.001) }),
    },
    {
      what: 'never measured',
      answer: 'kpi.measurement_missing',
      facts: (f) => Object.assign(errorRate(f), { measurement: null }),
      evidence: { kpi: 'error_rate' },
    },
    {
      what: 'the second corridor breached',
      answer: 'kpi.floor_breached',
      facts: (f) => Object.assign(the(the(f.kpi.corridors[1]).measurement), { value: '98.9' }),
      evidence: { kpi: 'uptime' },
    },
    {
      what: 'a value that is no decimal',
      answer: 'kpi.unavailable',
      facts: (f) => value(f, 'high'),
      evidence: { field: 'kpi.corridors[0].measurement.value' },
    },
  ],
  temperature: [
    {
      what: 'inside all limits',
      answer: 'allow',
      evidence: { values: { uptime: '99.95', error_rate: '1.5', load: '0.7' } },
    },
    {
      what: 'on a floor and a ceiling exactly',
      answer: 'allow',
      facts: (f) => {
        the(heat(f).values.uptime).value = '99'
        the(heat(f).values.error_rate).value = '5'
      },
    },
    {
      what: 'below a floor',
      answer: 'temperature.breach',
      facts: (f) => Object.assign(the(heat(f).values.uptime), { value: '98.999999' }),
      evidence: { metric: 'uptime', floor: '99', ceiling: null },
    },
    {
      what: 'above a ceiling',
      answer: 'temperature.breach',
      facts: (f) => Object.assign(the(heat(f).values.error_rate), { value: '5.000001' }),
      evidence: { metric: 'error_rate', ceiling: '5' },
    },
    {
      what: 'a limited metric without a value',
      answer: 'temperature.breach',
      facts: (f) => {
        delete heat(f).values.uptime
      },
      evidence: { metric: 'uptime', value: null },
    },
    {
      what: 'a weighted metric without a value',
      answer: 'temperature.breach',
      facts: (f) => {
        delete heat(f).values.load
      },
      evidence: { metric: 'load', value: null },
    },
    {
      what: 'as old as allowed',
      answer: 'allow',
      facts: (f) => Object.assign(the(heat(f).values.load), { measured_at: fromNow(-3600) }),
    },
    {
      what: 'a millisecond older',
      answer: 'temperature.breach',
      facts: (f) => Object.assign(the(heat(f).values.load), { measured_at: fromNow(-3600.001) }),
    },
    {
      what: 'neither floors nor ceilings',
      answer: 'temperature.threshold_missing',
      facts: (f) => Object.assign(heat(f), { floors: {}, ceilings: {} }),
    },
    {
      what: 'nothing configured',
      answer: 'temperature.threshold_missing',
      facts: (f) => Object.assign(f, { temperature: null }),
      evidence: { surface_id: 's_main' },
    },
    {
      what: 'nothing configured, and none required',
      answer: 'not_applicable',
      facts: (f) => {
        f.temperature = null
        waive(f, 'temperature', fromNow(1))
      },
    },
    { what: 'floors alone', answer: 'allow', facts: (f) => Object.assign(heat(f), { ceilings: {}, weights: {} }) },
    {
      what: 'a floor that is no decimal',
      answer: 'temperature.unavailable',
      facts: (f) => Object.assign(heat(f), { floors: { uptime: 99 } }),
      evidence: { field: 'temperature.floors.uptime' },
    },
  ],
  audit: [
    { what: 'the log is alive', answer: 'allow', evidence: { self_check: true } },
    { what: 'nothing waits', answer: 'allow', facts: (f) => Object.assign(f.audit, { oldest_unindexed_at: null }) },
    {
      what: 'everything a minute old exactly',
      answer: 'allow',
      facts: (f) =>
        Object.assign(f.audit, {
          sequencer_at: fromNow(-60),
          checkpoint_at: fromNow(-60),
          oldest_unindexed_at: fromNow(-60),
        }),
    },
    ...(['sequencer_at', 'checkpoint_at', 'oldest_unindexed_at'] as const).map(
      (field): Case => ({
        what: `${field} a millisecond older than a minute`,
        answer: 'audit.unavailable',
        facts: (f) => Object.assign(f.audit, { [field]: fromNow(-60.001) }),
        evidence: { [field]: fromNow(-60.001) },
      }),
    ),
    {
      what: 'the last check of itself failed',
      answer: 'audit.unavailable',
      facts: (f) => Object.assign(f.audit.self_check, { ok: false }),
      evidence: { self_check: false },
    },
    {
      what: 'the last check is dated now exactly',
      answer: 'allow',
      facts: (f) => Object.assign(f.audit.self_check, { at: NOW }),
    },
    {
      what: 'the last check is dated after now',
      answer: 'audit.unavailable',
      facts: (f) => Object.assign(f.audit.self_check, { at: fromNow(1) }),
    },
    {
      what: 'the answer is no boolean',
      answer: 'audit.unavailable',
      facts: (f) => Object.assign(f.audit.self_check, { ok: 'true' }),
      evidence: { field: 'audit.self_check.ok' },
    },
    {
      what: 'also for an action that governs',
      answer: 'audit.unavailable',
      facts: (f) => Object.assign(f.audit.self_check, { ok: false }),
      plan: { governs: true },
    },
  ],
}

describe.each(GATES)('%s', (name) => {
  test.each(TABLES[name])('$what: $answer', ({ answer, facts: change, intent, plan, evidence }) => {
    const facts = goodFacts()
    change?.(facts)
    const verdicts = runChain(aPlan(plan), anIntent(intent), facts)
    const verdict = the(verdicts.find((each) => each.gate === name))
    expect(verdict.code ?? verdict.decision).toBe(answer)
    expect(verdict.decision === 'block').toBe(verdict.code !== null)
    expect(verdict.evidence).toMatchObject(evidence ?? {})
  })

  test('every code of its own has a case', () => {
    const own = Object.entries(ERRORS).filter(
      ([code, row]) => row.gate === name && row.status !== 409 && code !== 'firearms.self_grant',
    )
    const shown = TABLES[name].map((each) => each.answer)
    for (const [code] of own) expect(shown).toContain(code)
    expect(shown).toContain('allow')
  })

  test('for an action that governs only audit applies', () => {
    const verdict = runChain(aPlan({ governs: true }), anIntent(), {}).find((each) => each.gate === name)
    if (name === 'audit') expect(verdict).toMatchObject({ decision: 'block', code: 'audit.unavailable' })
    else
      expect(verdict).toEqual({ gate: name, decision: 'not_applicable', code: null, evidence: { reason: 'governs' } })
  })
})

describe('the chain', () => {
  test('has the eight gates in their order', () => {
    expect(CHAIN.map((gate) => gate.name)).toEqual([...GATES])
    expect(Object.isFrozen(CHAIN)).toBe(true)
  })

  test('names the first block in its order, and none when nothing blocks', () => {
    const facts = goodFacts()
    expect(firstBlock(runChain(aPlan(), anIntent(), facts))).toBeNull()
    facts.audit.self_check.ok = false
    facts.budget.policy = null
    expect(firstBlock(runChain(aPlan(), anIntent(), facts))?.code).toBe('budget.threshold_missing')
  })

  test('a gate that throws anything blocks as unavailable', () => {
    const facts = new Proxy(goodFacts(), {
      get(target, key) {
        if (key === 'budget') throw new TypeError('broken')
        return Reflect.get(target, key)
      },
    })
    const verdicts = runChain(aPlan(), anIntent(), facts)
    expect(verdicts.filter((each) => each.decision === 'block')).toEqual([
      { gate: 'budget', decision: 'block', code: 'budget.unavailable', evidence: { field: 'unexpected' } },
    ])
  })

  test('a pass holds its facts, their hash and all verdicts, and is the same each time', () => {
    const facts = JSON.parse(JSON.stringify(goodFacts()))
    const pass = makePass('guard', aPlan(), anIntent(), facts)
    expect(pass).toEqual({
      pass: 'guard',
      facts,
      facts_hash: kindHash('facts', facts),
      verdicts: runChain(aPlan(), anIntent(), facts),
    })
    expect(makePass('guard', aPlan(), anIntent(), structuredClone(facts))).toEqual(pass)
  })
})
