/** Flags in layers, field by field. */
import { expect, test } from 'vitest'
import { layeredFlags } from '../../domain/feature-flags.ts'

test('each flag comes from the highest layer that sets it, and nothing else is a flag', () => {
  const flags = layeredFlags('t_a', {
    global: { ws_enabled: true, sse_enabled: true, other: 1 },
    tenant: { sse_enabled: false, replay_mode: 'stream', visibility_mode: null },
  })
  expect(flags).toEqual({
    tenant_id: 't_a',
    ws_enabled: true,
    sse_enabled: false,
    gesture_logging: false,
    replay_mode: 'stream',
    visibility_mode: 'private',
    sources: {
      ws_enabled: 'global',
      sse_enabled: 'tenant',
      gesture_logging: 'default',
      replay_mode: 'tenant',
      visibility_mode: 'default',
    },
  })
})
