/** When a bundle is not made yet: everything a verifier will ask for must have its place in a log first. */
import { expect, test } from 'vitest'
import { sealSteps, type SealTools } from '../../activities/sealing.ts'
import type { Receipt } from '../../domain/receipt.ts'

const SET = 'a'.repeat(64)
const OWN = 'b'.repeat(64)
const receipt = {
  leaves: [OWN],
  votes: [],
  passes: [{ facts: { switches: [{ scope: 'global', leaf_hash: SET }] } }],
  intent: { action: 'note.append' },
} as unknown as Receipt

/** Seals one operation where the platform's log has come so far. */
async function seal(platform: { named: { seq: number; leaf_hash: string; entry: string }[]; size: number | null }) {
  const put: string[] = []
  const head = (size: number) => ({ size, root: '', checkpoint: '' })
  const tools: SealTools = {
    signer: { kid: 'k', sign: async () => 'jws' } as unknown as SealTools['signer'],
    seals: {
      sealable: async () => ({
        now: '2026-01-01T00:00:00.000000Z',
        run_id: 'r',
        receipt: JSON.stringify(receipt),
        receipt_jws: 'jws',
        proposal: 'jws',
        request_id: 'req_1',
        trace_id: null,
        train_ok: false,
        sealed: false,
      }),
      keyOperations: async () => [],
      seal: async () => undefined,
    },
    log: {
      head: async (tenantId) =>
        tenantId !== 't_system' ? head(1) : platform.size === null ? null : head(platform.size),
      byOperation: async () => ({ items: [{ seq: 0, leaf_hash: OWN, entry: '' }], waiting: 0 }),
      byHash: async () => platform.named,
      inclusion: async () => new Map(),
    },
    runs: { closedHistory: async () => ({ text: '{}', buildIds: ['b'] }) },
    objects: { bundleKey: () => 'key', put: async (key) => void put.push(key) },
    pack: (files) => new TextEncoder().encode([...files.keys()].join(' ')),
    kidOf: () => null,
    heartbeat: () => undefined,
    crashPoint: () => undefined,
  }
  const told = await sealSteps(tools).sealOperations({ operations: [{ tenant_id: 't_a', operation_id: 'op_1' }] })
  return { ...told, put }
}

test('a bundle is made once the leaf that set the global switch has its place', async () => {
  const named = [{ seq: 4, leaf_hash: SET, entry: '' }]
  expect(await seal({ named, size: 5 })).toEqual({ sealed: 1, waiting: 0, put: ['key'] })
})

test.each([
  ['has no place yet', { named: [], size: 5 }],
  ['has a place beyond the head that was read', { named: [{ seq: 5, leaf_hash: SET, entry: '' }], size: 5 }],
  ['is in a log without a head', { named: [{ seq: 0, leaf_hash: SET, entry: '' }], size: null }],
  ['is not the one that was found', { named: [{ seq: 0, leaf_hash: OWN, entry: '' }], size: 5 }],
])('no bundle is made while the leaf that set the global switch %s', async (_what, platform) => {
  expect(await seal(platform)).toEqual({ sealed: 0, waiting: 1, put: [] })
})
