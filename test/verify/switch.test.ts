/** Which leaf of the platform a verifier takes for the one that set the global switch running. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { expect, test } from 'vitest'
import { canonicalJson, type JsonObject } from '../../domain/canonical.ts'
import { makeLeaf } from '../../domain/leaf.ts'
import { leafHash } from '../../domain/log/merkle.ts'
import { logChecks } from '../../verify/log.ts'
import { Divergence } from '../../verify/report.ts'
import type { Subject } from '../../verify/subject.ts'

const check = logChecks.find(({ name }) => name === 'log.switch')
const ALL = { kind: 'all', value: null }
const POST = { kind: 'action', value: 'http.post' }
const running = (...selectors: object[]) => ({
  policy: { kill_switches: selectors.map((selector) => ({ scope: 'global', selector, state: 'running', hold: null })) },
})
const change = (action: string, after: object, kind: 'control.changed' | 'record.written' = 'control.changed') => {
  const actor = { principal_id: 'p_system', kind: 'user' } as const
  return makeLeaf({
    kind,
    tenant_id: 't_system',
    at: '2026-01-01T00:00:00Z',
    actor,
    action,
    after: after as JsonObject,
  })
}

/** A bundle whose guard was allowed over these global switches, all of them set by the one leaf in the platform's log. */
function judged(leaf: ReturnType<typeof change>, ...selectors: object[]): unknown {
  const bytes = new TextEncoder().encode(canonicalJson(leaf))
  const hash = leafHash(bytes)
  const leaf_hash = bytesToHex(hash)
  const switches = selectors.map((selector) => ({ scope: 'global', selector, state: 'running', leaf_hash }))
  const pass = { pass: 'guard', facts: { switches }, verdicts: [{ gate: 'kill_switch', decision: 'allow' }] }
  const systemLog = {
    prefix: 'system/',
    entries: new Map([[0, { seq: 0, bytes, leaf }]]),
    proofs: [{ seq: 0, leaf_hash, hashes: [] }],
    checkpoint: `exo/t_system\n1\n${Buffer.from(hash).toString('base64')}\n\n`,
  }
  const receipt = { value: { tenant_id: 't_a', passes: [pass] } }
  return check?.run({ receipt, hasSystemLog: true, systemLog } as unknown as Subject)
}

test.each([
  ['a resumption', change('kill_switch.resume', { selectors: [ALL, POST] })],
  ['a control document', change('policy.put', running(POST, ALL))],
])('%s of all that the guard saw is one', (_what, leaf) => {
  expect(judged(leaf, ALL, POST)).toBe('1 leaves of the platform')
})

test.each([
  ['a stop', change('kill_switch.stop', { state: 'stopped', selectors: [ALL] }, 'record.written')],
  ['another change', change('tenant.create', { selectors: [ALL] })],
  ['a resumption of something else', change('kill_switch.resume', { selectors: [POST] })],
  ['a control document without switches', change('policy.put', { policy: { feature_flags: {} } })],
  [
    'a control document that stops it',
    change('policy.put', { policy: { kill_switches: [{ scope: 'global', selector: ALL, state: 'stopped' }] } }),
  ],
  ['a change without a word of it', change('kill_switch.resume', {})],
])('%s is none', (_what, leaf) => {
  expect(() => judged(leaf, ALL)).toThrow(Divergence)
})
