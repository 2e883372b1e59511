/**
 * Approves one version of a strategy lock. Governs: another person votes, and nobody who ever wrote a version of the lock.
 * Has no undo: revoking the lock is a record.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { quorumTree } from '../domain/approval.ts'
import { ExoError } from '../domain/errors.ts'
import type { LockContent, LockStatus } from '../domain/lock-lifecycle.ts'

const input = z.strictObject({
  id: z.string().regex(/^sl_[0-9a-f]{32}$/),
  content_hash: z.string().regex(/^[0-9a-f]{64}$/),
})

/** A lock as `view` answers it. */
interface LockView extends LockContent {
  id: string
  status: LockStatus
  version: number
  content_hash: string
  drafted_by: string
  /** Persons. */
  authors: string[]
}

export const strategyLockApprove = defineAction<z.infer<typeof input>>({
  name: 'strategy_lock.approve',
  version: 1,
  class: 'contained',
  title: 'Approve a strategy lock',
  governs: true,
  standing: false,
  input,
  example: { id: `sl_${'0'.repeat(32)}`, content_hash: '0'.repeat(64) },

  view: ({ id }, tenantId) => ({ kind: 'strategy_lock', tenant_id: tenantId, id }),

  plan: ({ content_hash }, { view, now }) => {
    const lock = view as unknown as LockView | null
    if (lock === null) throw new ExoError('resource.not_found')
    if (
      lock.status !== 'draft' ||
      lock.content_hash !== content_hash ||
      Date.parse(lock.valid_until) <= Date.parse(now)
    )
      throw new ExoError('strategy_lock.state_conflict', undefined, {
        status: lock.status,
        version: lock.version,
        valid_until: lock.valid_until,
      })
    return { preconditions: { version: lock.version }, tree: quorumTree(1), excluded: lock.authors }
  },

  preview: ({ id }, view) => {
    const lock = view as unknown as LockView | null
    if (lock === null) return { title: `Approve strategy lock ${id}, which is not there`, fields: [] }
    return {
      title: `Approve strategy lock ${lock.title}`,
      fields: [
        { label: 'version', value: `${lock.version} of ${id}, drafted by ${lock.drafted_by}` },
        { label: 'allows', value: lock.allowed_actions.join(', ') },
        { label: 'surface', value: lock.surface_id === '*' ? 'every surface' : lock.surface_id },
        { label: 'project', value: lock.project_id ?? 'every project' },
        { label: 'from', value: lock.valid_from },
        { label: 'until', value: lock.valid_until },
        { label: 'constraints', value: lock.constraints ?? 'none' },
        { label: 'three-wise question', value: lock.three_wise_id ?? 'none' },
        { label: 'content hash', value: lock.content_hash },
      ],
    }
  },

  effect: {
    kind: 'transactional',
    async perform({ controls }, { approved_by }, { id, content_hash }) {
      const lock = await controls.approveLock({ id, content_hash, approved_by: approved_by[0] ?? null })
      if (lock === null)
        throw new ExoError('effect.precondition_failed', 'The lock changed since the proposal.', { id })
      return lock
    },
  },
})
