/**
 * Registers an upload: the bytes that the ticket named, and no others, are put where they stay. Whoever uploaded them wrote to
 * a place of their own; nothing there is an asset before this. Has no undo: an asset is never replaced.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { ExoError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/canonical.ts'
import { notApplied, type Outcome, type OutsideContext, type OutsidePorts } from '../domain/outside.ts'
import { ASSET_ID, NO_DIGEST, type Asset } from '../domain/stored.ts'

const REFUSAL = 'effect.precondition_failed'

const input = z.strictObject({ asset_id: z.string().regex(ASSET_ID) })

export const rawRegister = defineAction<z.infer<typeof input>>({
  name: 'raw.register',
  version: 1,
  class: 'contained',
  title: 'Register an upload',
  standing: true,
  input,
  example: { asset_id: 'ra_00000000000000000000000000000000' },

  view: ({ asset_id }, tenantId) => ({ kind: 'raw', tenant_id: tenantId, asset_id }),

  plan: (_input, { view }) => {
    const asset = view as unknown as Asset | null
    if (asset === null) throw new ExoError('resource.not_found')
    return { preconditions: { asset: { ...asset } as unknown as JsonObject } }
  },

  preview: ({ asset_id }, view) => {
    const ticket = view as unknown as Asset | null
    // Swept since: what is shown then is never what people were shown while it was there.
    if (ticket === null)
      return { title: 'Register an upload that is gone', fields: [{ label: 'asset', value: asset_id }] }
    const { filename, content_type, sha256, size } = ticket
    return {
      title: `Register the upload ${filename}`,
      fields: [
        { label: 'asset', value: asset_id },
        { label: 'filename', value: filename },
        { label: 'content type', value: content_type },
        { label: 'size', value: `${size} bytes` },
        { label: 'SHA-256', value: sha256 },
      ],
    }
  },

  effect: {
    kind: 'conditional',
    holds: (_preconditions, view) => view !== null,
    async dispatch({ raw }, context) {
      const { tenant_id, preconditions, timeLeftMs, attempts } = context
      const { asset } = preconditions as unknown as { asset: Asset }
      const before = await found(raw, context, asset)
      if (before !== null) return before
      const staged = await raw.staged(tenant_id, asset.asset_id, timeLeftMs())
      if (staged === null) return notApplied(attempts, REFUSAL, { reason: 'nothing was uploaded' })
      if (staged.size !== asset.size || staged.sha256 !== asset.sha256)
        return notApplied(attempts, REFUSAL, { reason: 'other bytes were uploaded' })
      await raw.promote(tenant_id, asset, timeLeftMs)
      return (await found(raw, context, asset)) ?? { state: 'unknown', details: {} }
    },
    async probe({ raw }, context) {
      const { asset } = context.preconditions as unknown as { asset: Asset }
      return await found(raw, context, asset)
    },
  },
})

async function found(
  raw: OutsidePorts['raw'],
  { tenant_id, timeLeftMs }: Pick<OutsideContext, 'tenant_id' | 'timeLeftMs'>,
  asset: Asset,
): Promise<Outcome | null> {
  const there = await raw.registered(tenant_id, asset, timeLeftMs())
  if (there === null) return null
  if (there.sha256 === null) return { state: 'unknown', details: { reason: NO_DIGEST } }
  return there.sha256 === asset.sha256 && there.size === asset.size
    ? { state: 'committed', result: { asset_id: asset.asset_id, ...there } }
    : { state: 'failed', code: REFUSAL, details: { reason: 'other bytes lie there' } }
}
